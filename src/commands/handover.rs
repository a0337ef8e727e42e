//! `gengfu run` beside a running `gengfu serve`: the server, which writes the data, runs the round, and the command waits for it.
//!
//! In: on one side an owner and a day, on the other the server's rounds. Out: how the round ended. They meet at a socket in the data
//! folder that only this user may open. Always true: a round is never run twice at once; when the server ends before the round did,
//! the command learns it and may take over. Tells no key and reads none.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
};
use tokio_util::sync::CancellationToken;

use crate::{
    mcp::Rounds,
    model::{Day, Lang, OwnerAlias},
    round::tasks::{Ended, TaskKey, Urgency},
};

/// A request is a line of a few names.
const LONGEST: u64 = 4096;
/// Whoever connects asks at once.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Serialize, Deserialize)]
struct Request {
    owner: OwnerAlias,
    day: Day,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Done,
    /// A sentence for the operator.
    Failed(String),
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("serve.sock")
}

/// A server that serves the same data.
#[derive(Debug)]
pub(super) struct Server(UnixStream);

impl Server {
    pub(super) async fn of(data_dir: &Path) -> Option<Self> {
        UnixStream::connect(path(data_dir)).await.ok().map(Self)
    }

    /// Lets it run the round. `None`: it ended before the round did.
    pub(super) async fn run(mut self, owner: &OwnerAlias, day: Day) -> Option<Result<(), String>> {
        let request = Request {
            owner: owner.clone(),
            day,
        };
        let line = serde_json::to_string(&request).ok()? + "\n";
        self.0.write_all(line.as_bytes()).await.ok()?;
        let mut answer = String::new();
        BufReader::new(self.0).read_line(&mut answer).await.ok()?;
        match serde_json::from_str(&answer).ok()? {
            Answer::Done => Some(Ok(())),
            Answer::Failed(sentence) => Some(Err(sentence)),
        }
    }
}

/// Why a server must not start: another one serves the same data, and there can be one only.
pub(super) async fn in_the_way(data_dir: &Path, lang: Lang) -> Option<String> {
    let Server(stream) = Server::of(data_dir).await?;
    let holder = stream.peer_cred().ok().and_then(|c| c.pid());
    let holder =
        holder.map(|pid| lang.pick(format!("（进程 {pid}）"), format!(" (process {pid})")));
    let (holder, dir) = (holder.unwrap_or_default(), data_dir.display());
    Some(lang.pick(
        format!("已有一个 gengfu serve{holder}在用数据目录 {dir};请先停掉它,或换一个 GENGFU_DATA_DIR"),
        format!("a gengfu serve{holder} uses the data directory {dir} already; stop that one, or choose another GENGFU_DATA_DIR"),
    ))
}

/// The server's side. Without the socket (a path too long for one) a second writer is refused as before.
#[derive(Debug)]
pub(super) struct Counter {
    listener: UnixListener,
    at: PathBuf,
}

impl Counter {
    pub(super) fn open(data_dir: &Path) -> Option<Self> {
        let at = path(data_dir);
        match bind(&at) {
            Ok(listener) => Some(Self { listener, at }),
            Err(error) => {
                tracing::warn!(path = %at.display(), error = &error as &dyn std::error::Error, "commands cannot hand over rounds to this server");
                None
            }
        }
    }

    /// Takes rounds until `stop`.
    pub(super) async fn serve(self, rounds: Rounds, stop: CancellationToken) {
        loop {
            let accepted = tokio::select! {
                () = stop.cancelled() => break,
                accepted = self.listener.accept() => accepted,
            };
            if let Ok((stream, _)) = accepted {
                let (rounds, stop) = (rounds.clone(), stop.clone());
                tokio::spawn(async move {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = answer(stream, &rounds) => {}
                    }
                });
            }
        }
        let _ = fs::remove_file(&self.at);
    }
}

fn bind(at: &Path) -> io::Result<UnixListener> {
    if let Some(folder) = at.parent() {
        fs::create_dir_all(folder)?;
    }
    // Left behind by a server that was killed. One that lives still answers, and keeps its own.
    if std::os::unix::net::UnixStream::connect(at).is_err() {
        let _ = fs::remove_file(at);
    }
    let listener = UnixListener::bind(at)?;
    fs::set_permissions(at, fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

async fn answer(stream: UnixStream, rounds: &Rounds) {
    let (read, mut write) = stream.into_split();
    let mut line = String::new();
    let mut read = BufReader::new(read.take(LONGEST));
    let asking = tokio::time::timeout(PATIENCE, read.read_line(&mut line));
    if !matches!(asking.await, Ok(Ok(_))) {
        return;
    }
    let Ok(Request { owner, day }) = serde_json::from_str(&line) else {
        return;
    };
    tracing::info!(%owner, %day, "a command handed over its round");
    let (task, _) = rounds.start_as(TaskKey::round(owner, day), Urgency::Waiting);
    let answer = match task.wait().await {
        Ended::Done => Answer::Done,
        Ended::Failed(sentence) => Answer::Failed(sentence),
        // The command sees the socket close and knows.
        Ended::Stopped => return,
    };
    if let Ok(text) = serde_json::to_string(&answer) {
        // Whoever no longer listens does not need it.
        let _ = write.write_all((text + "\n").as_bytes()).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_second_server_learns_who_is_there_and_a_dead_one_is_in_nobody_s_way() {
        let dir = tempfile::tempdir().expect("dir");
        assert_eq!(in_the_way(dir.path(), Lang::Zh).await, None);
        let first = Counter::open(dir.path()).expect("the socket");
        let said = in_the_way(dir.path(), Lang::Zh).await.expect("in the way");
        let this = std::process::id().to_string();
        for named in [this.as_str(), "GENGFU_DATA_DIR"] {
            assert!(said.contains(named), "{named}: {said}");
        }
        // As a killed one leaves it: the socket's file stays, and nobody answers.
        drop(first);
        assert!(path(dir.path()).exists());
        assert_eq!(in_the_way(dir.path(), Lang::Zh).await, None);
    }
}
