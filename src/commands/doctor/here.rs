//! What lies on this machine: configuration, the `.env` file, the data directory; and whether others can reach it.

use std::{path::Path, time::Duration};

use reqwest::StatusCode;

use super::Check;
use crate::{
    alerts::signed::TEMPLATE,
    config::Config,
    http::token_file,
    mcp::{Access, Stores},
    model::Lang,
    store,
};

pub(super) fn checks(config: &Config) -> Vec<Check> {
    vec![
        configuration(config),
        env_file(config),
        data_dir(config),
        tokens(config),
        databases(config),
    ]
}

/// Whoever can be reached from other machines needs a token, and the file of tokens must be readable - by this user, who may be another than
/// the service's: that is told, too.
fn tokens(config: &Config) -> Check {
    let (name, lang, serving) = ("tokens", config.lang(), &config.serving);
    let path = token_file::path(&config.running.data_dir);
    let filed = match token_file::read(&path) {
        Ok(filed) => filed,
        Err(error) => {
            let (found, todo) = token_file::unreadable(&path, &error, lang);
            return Check::problem(name, found, todo);
        }
    };
    if filed.is_some() && !token_file::is_of_its_folders_user(&path) {
        let found = lang.pick(
            format!("{} 和数据目录不属于同一个用户", path.display()),
            format!(
                "{} and the data folder belong to different users",
                path.display()
            ),
        );
        let todo = lang.pick(
            "把它 chown 给运行 gengfu serve 的用户",
            "chown it to the user that runs gengfu serve",
        );
        return Check::problem(name, found, todo);
    }
    let is_closed = filed.is_some();
    let n = serving.tokens.len() + filed.map_or(0, |filed| filed.len());
    if n > 0 {
        let found = lang.pick(format!("{n} 个"), format!("{n} in force"));
        return Check::ok(name, found);
    }
    let may_be_reached = !serving.bind.ip().is_loopback()
        || !serving.allowed_hosts.is_empty()
        || serving.public_url.is_some();
    let todo = lang.pick(
        "运行 gengfu token add <名字>，或设 GENGFU_TOKENS",
        "run gengfu token add <name>, or set GENGFU_TOKENS",
    );
    if is_closed {
        let found = lang.pick(
            "有令牌文件，里面一个也没有：谁也进不来",
            "there is a file of tokens with none in it: nobody comes in",
        );
        return Check::problem(name, found, todo);
    }
    if may_be_reached {
        let found = lang.pick(
            "设了 GENGFU_BIND、GENGFU_ALLOWED_HOSTS 或 GENGFU_PUBLIC_URL，别的机器可能连得到，却没有令牌：谁都能看",
            "GENGFU_BIND, GENGFU_ALLOWED_HOSTS or GENGFU_PUBLIC_URL may let other machines in, and there is no token: anybody can look",
        );
        return Check::problem(name, found, todo);
    }
    let found = lang.pick(
        "没有令牌，只有本机进得来",
        "none; only this machine comes in",
    );
    Check::off(name, found)
}

/// The databases of all owners: readable, whole, and not of a newer program.
fn databases(config: &Config) -> Check {
    let lang = config.lang();
    let dir = &config.running.data_dir;
    let owners = Stores::new(dir).owners(&Access::All);
    if owners.is_empty() {
        let found = lang.pick("还没有数据", "there is no data yet");
        return Check::off("database", found);
    }
    let broken: Vec<String> = owners
        .iter()
        .filter_map(|owner| {
            let error = store::check(dir, owner).err()?;
            Some(format!("{owner}: {}", error.sentence(lang)))
        })
        .collect();
    if broken.is_empty() {
        let n = owners.len();
        let found = lang.pick(
            format!("{n} 个主人的都完好"),
            format!("sound, of {n} owners"),
        );
        return Check::ok("database", found);
    }
    let todo = lang.pick(
        "坏的移开后重新运行 gengfu run,日志还在桶里;版本太新就换新的 gengfu",
        "move a broken one away and run gengfu again, the logs are in the bucket; use the newer gengfu for a newer one",
    );
    Check::problem("database", broken.join("; "), todo)
}

fn configuration(config: &Config) -> Check {
    let lang = config.lang();
    if config.warnings.is_empty() {
        return Check::ok("configuration", lang.pick("没有错误", "no mistakes"));
    }
    let todo = lang.pick("请改正 .env 里的这些行", "mend these lines of .env");
    Check::problem("configuration", config.warnings.join("; "), todo)
}

fn env_file(config: &Config) -> Check {
    let lang = config.lang();
    let path = &config.env_file.path;
    let shown = path.display();
    if !path.exists() {
        let found = lang.pick(
            format!("{shown} 不存在，只用环境变量"),
            format!("there is no {shown}, the process environment counts"),
        );
        return Check::off("env_file", found);
    }
    if is_single_mount(path) {
        return Check::problem(
            "env_file",
            lang.pick(
                format!("{shown} 是单独挂载的文件，被替换后这里看不到变化"),
                format!("{shown} is a mounted single file: a replacement is not seen here"),
            ),
            lang.pick(
                "改为挂载它所在的目录，并用 GENGFU_ENV_FILE 指到里面的文件",
                "mount its directory and point GENGFU_ENV_FILE into it",
            ),
        );
    }
    Check::ok("env_file", shown.to_string())
}

/// A file on another device than its directory was mounted by itself: renaming over it in the host leaves the old one here.
fn is_single_mount(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        let dir = path
            .parent()
            .filter(|d| !d.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let device = |of: &Path| std::fs::metadata(of).map(|m| m.dev()).ok();
        // Bind mounts of one file system share its device; the kernel's own list tells those.
        let absolute = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let point = absolute.to_string_lossy();
        let is_mount_point = mounts
            .lines()
            .any(|line| line.split(' ').nth(4) == Some(&*point));
        is_mount_point || device(path) != device(dir)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

fn data_dir(config: &Config) -> Check {
    let lang = config.lang();
    let dir = &config.running.data_dir;
    let probe = dir.join(".doctor");
    let written = std::fs::create_dir_all(dir).and_then(|()| std::fs::write(&probe, b"x"));
    // What was written for the check alone; if it cannot be removed, the next look overwrites it.
    let _ = std::fs::remove_file(&probe);
    match written {
        Ok(()) => Check::ok("data_dir", dir.display().to_string()),
        Err(error) => Check::problem(
            "data_dir",
            format!("{}: {error}", dir.display()),
            lang.pick(
                "让运行用户能写这个目录，或改 GENGFU_DATA_DIR",
                "let this user write there, or change GENGFU_DATA_DIR",
            ),
        ),
    }
}

/// Whether alarm senders and robots reach this server at the address they were given.
pub(super) async fn webhook(config: &Config) -> Check {
    let lang = config.lang();
    let Some(url) = &config.serving.public_url else {
        let found = lang.pick(
            "没有设 GENGFU_PUBLIC_URL，云上的告警推不进来，也没有检查",
            "GENGFU_PUBLIC_URL is not set: no alarm can be pushed here, and nothing was checked",
        );
        return Check::off("webhook", found);
    };
    match ask(&format!("{url}/healthz")).await {
        Some(status) if status.is_success() => page(url, lang).await,
        Some(status) => Check::problem(
            "webhook",
            format!("{url}/healthz: HTTP {}", status.as_u16()),
            lang.pick(
                "检查反向代理是否转到 GENGFU_BIND",
                "check that the reverse proxy leads to GENGFU_BIND",
            ),
        ),
        None => Check::problem(
            "webhook",
            lang.pick(format!("连不上 {url}"), format!("{url} cannot be reached")),
            lang.pick(
                "确认 gengfu serve 在运行、域名解析和防火墙放行",
                "check that gengfu serve runs, and DNS and firewall",
            ),
        ),
    }
}

/// The name of the public address is asked for by every robot and browser, while health is told under any name.
async fn page(url: &str, lang: Lang) -> Check {
    if ask(&format!("{url}/")).await != Some(StatusCode::FORBIDDEN) {
        return Check::ok("webhook", format!("{url}/healthz, {url}/"));
    }
    Check::problem(
        "webhook",
        lang.pick(
            format!("{url}/ 对谁都答 403：服务器不认这个主机名"),
            format!("{url}/ answers 403 to everybody: the server does not know itself by this name"),
        ),
        lang.pick(
            "加一个令牌后重启 gengfu serve（有令牌才认 GENGFU_PUBLIC_URL 的主机名）；反向代理改了 Host 的，把改成的名字写进 GENGFU_ALLOWED_HOSTS",
            "make a token and start gengfu serve again (the host of GENGFU_PUBLIC_URL counts once there is a token); where the proxy writes another Host, put that into GENGFU_ALLOWED_HOSTS",
        ),
    )
}

async fn ask(url: &str) -> Option<StatusCode> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build();
    let answer = client.ok()?.get(url).send().await.ok()?;
    Some(answer.status())
}

/// What to paste into the notification channel of CLS, where alarms may be pushed here.
pub(super) fn cls_template(config: &Config) -> Option<Check> {
    let keys = &config.serving.alert_secrets;
    if keys.is_empty() {
        return None;
    }
    let key = if keys.iter().any(|key| key.sign.is_some()) {
        "sign="
    } else {
        "GENGFU_ALERT_SECRET"
    };
    let found = config.lang().pick(
        format!("CLS 自定义接口回调的请求内容(<密钥> 换成 {key} 的值): {TEMPLATE}"),
        format!("body of the CLS webhook (put the value of {key} in place of <密钥>): {TEMPLATE}"),
    );
    Some(Check::ok("cls_template", found))
}
