//! What lies on this machine: configuration, the `.env` file, the data directory; and whether others can reach it.

use std::{path::Path, time::Duration};

use super::Check;
use crate::{
    alerts::signed::TEMPLATE,
    config::Config,
    mcp::{Access, Stores},
    store,
};

pub(super) fn checks(config: &Config) -> Vec<Check> {
    vec![
        configuration(config),
        env_file(config),
        data_dir(config),
        databases(config),
    ]
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
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(5))
        .build();
    let answer = match client {
        Ok(client) => client.get(format!("{url}/healthz")).send().await,
        Err(error) => Err(error),
    };
    match answer.map(|a| a.status()) {
        Ok(status) if status.is_success() => Check::ok("webhook", format!("{url}/healthz")),
        Ok(status) => Check::problem(
            "webhook",
            format!("{url}/healthz: HTTP {}", status.as_u16()),
            lang.pick(
                "检查反向代理是否转到 GENGFU_BIND",
                "check that the reverse proxy leads to GENGFU_BIND",
            ),
        ),
        Err(_) => Check::problem(
            "webhook",
            lang.pick(format!("连不上 {url}"), format!("{url} cannot be reached")),
            lang.pick(
                "确认 gengfu serve 在运行、域名解析和防火墙放行",
                "check that gengfu serve runs, and DNS and firewall",
            ),
        ),
    }
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
