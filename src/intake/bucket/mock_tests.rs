//! The bucket against a server that recomputes every signature with the official SDK. Skipped, loudly, without it.
//!
//! `GENGFU_SHARED` names the folder that holds `tools/cos_mock.py`, `GENGFU_PYTHON` a Python that has `cos-python-sdk-v5`.

use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
};

use super::*;
use crate::intake::sign::CloudKey;

struct Mock {
    process: Child,
    endpoint: String,
}

impl Drop for Mock {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Mock {
    fn start(root: &Path, options: &[&str]) -> Option<Self> {
        let (Some(shared), Some(python)) = (
            std::env::var_os("GENGFU_SHARED"),
            std::env::var_os("GENGFU_PYTHON"),
        ) else {
            eprintln!("SKIPPED: set GENGFU_SHARED and GENGFU_PYTHON");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|l| l.local_addr())
            .expect("a free port")
            .port()
            .to_string();
        let mut process = Command::new(python)
            .arg(Path::new(&shared).join("tools/cos_mock.py"))
            .arg("--root")
            .arg(root)
            .args(["--port", &port])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("python");
        let mut first = String::new();
        let out = process.stdout.take().expect("stdout");
        BufReader::new(out).read_line(&mut first).expect("a line");
        let endpoint = format!("http://127.0.0.1:{port}");
        Some(Self { process, endpoint })
    }

    fn bucket(&self, id: &str, secret: &str, token: Option<&str>) -> Bucket {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let key = CloudKey {
            id: id.to_owned(),
            secret: secret.into(),
            token: token.map(Into::into),
        };
        let spec = CosSpec {
            bucket: "127".to_owned(),
            endpoint: self.endpoint.clone(),
            key,
            line: Line::default(),
        };
        Bucket::open(BucketSpec::Cos(spec)).expect("address")
    }
}

const ID: &str = "AKIDEXAMPLE";
const SECRET: &str = "SecretKeyExample";

fn root() -> tempfile::TempDir {
    let root = tempfile::tempdir().expect("folder");
    for i in 0..40 {
        let folder = root
            .path()
            .join(format!("business/2026/11/21/{:02}", i % 3));
        std::fs::create_dir_all(&folder).expect("folder");
        let name = format!("中文 a+b&c=%25 {i}.gz");
        std::fs::write(folder.join(name), vec![b'x'; 1000 * i]).expect("file");
    }
    root
}

#[tokio::test]
async fn everything_is_read_from_a_server_that_fails_and_cuts() {
    let root = root();
    for options in [
        &["--page", "7", "--fail", "503:0.1", "--cut", "0.1"][..],
        &["--page", "7", "--double-slash", "--token", "t/+="],
    ] {
        let Some(mock) = Mock::start(root.path(), options) else {
            return;
        };
        let token = options.contains(&"--token").then_some("t/+=");
        let bucket = mock.bucket(ID, SECRET, token);
        let listed = bucket.list("business/").await.expect("list");
        assert_eq!(listed.len(), 40);
        for object in &listed {
            let bytes = bucket.read(object).await.expect("read");
            assert_eq!(bytes.len() as u64, object.size, "{}", object.key);
        }
    }
}

#[tokio::test]
async fn every_trouble_of_the_server_is_told_apart() {
    let root = root();
    let key = "business/2026/11/21/01/中文 a+b&c=%25 1.gz";
    for (options, id, secret, token, expected) in [
        (&[][..], "AKIDOTHER", SECRET, None, Fault::UnknownId),
        (&[], ID, "other", None, Fault::WrongKey),
        (
            &["--expired-token"],
            ID,
            SECRET,
            Some("t"),
            Fault::ExpiredToken,
        ),
        (&["--deny", "list"], ID, SECRET, None, Fault::ListDenied),
        (&["--deny", "get"], ID, SECRET, None, Fault::ReadDenied),
        (&["--archive", key], ID, SECRET, None, Fault::Archived),
        (&["--replace", key], ID, SECRET, None, Fault::Replaced),
        (
            &["--skew", "-1800"],
            ID,
            SECRET,
            None,
            Fault::ClockSkew { ahead_s: 1800 },
        ),
        (
            &["--skew", "-300"],
            ID,
            SECRET,
            None,
            Fault::ClockSkew { ahead_s: 300 },
        ),
        (
            &["--skew", "7200"],
            ID,
            SECRET,
            None,
            Fault::ClockSkew { ahead_s: -7200 },
        ),
    ] {
        let Some(mock) = Mock::start(root.path(), options) else {
            return;
        };
        let bucket = mock.bucket(id, secret, token);
        let met = async {
            let listed = bucket.list("business/2026/11/21/01/").await?;
            let object = listed.iter().find(|o| o.key == key).expect("listed");
            bucket.read(object).await?;
            // Replaced between the first and the second read.
            bucket.read(object).await
        };
        let fault = met.await.expect_err("a fault").fault;
        match (fault, expected) {
            // A second may have passed.
            (Fault::ClockSkew { ahead_s: a }, Fault::ClockSkew { ahead_s: b }) => {
                assert!((a - b).abs() <= 2, "{a} {b}");
            }
            _ => assert_eq!(fault, expected, "{options:?}"),
        }
    }
}
