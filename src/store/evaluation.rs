//! The local evaluation file: diagnoses that a user called wrong, one JSON line each, in `evaluation.jsonl` beside the owner's databases.
//!
//! In: what was told and what the user said to it. Out: a line that whoever improves the fault catalogue can read. Always true: lines are only
//! added, what was taken back is a line of its own; nothing leaves the machine. Does not change what is told: marks do.

use std::{fs::OpenOptions, io::Write as _};

use serde::Serialize;

use super::{Error, Store, codec::to_json};
use crate::model::{
    Day,
    report::{Finding, Incident},
};

const FILE: &str = "evaluation.jsonl";

/// What the user said of a diagnosis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Judgement {
    Wrong,
    TakenBack,
}

/// One line of the file.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    pub judgement: Judgement,
    pub at_ms: i64,
    pub date: Day,
    pub revision: u32,
    pub note: String,
    pub incident: Incident,
    /// What the diagnosis rested on.
    pub findings: Vec<Finding>,
}

impl Store {
    /// Adds a line to the evaluation file.
    pub async fn add_evaluation(&self, evaluation: Evaluation) -> Result<(), Error> {
        let path = self.folder().join(FILE);
        let place = path.clone();
        let line = to_json(&evaluation)? + "\n";
        let write = move || -> Result<(), Error> {
            let file = OpenOptions::new().create(true).append(true).open(&path);
            // One write a line, so that a killed process leaves no half of one before the next.
            file.and_then(|mut file| file.write_all(line.as_bytes()))
                .map_err(Error::io(&path))
        };
        match tokio::task::spawn_blocking(write).await {
            Ok(written) => written,
            Err(stopped) => Err(Error::io(place)(stopped.into())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{model::sample, store::fixture::open};

    #[tokio::test]
    async fn each_judgement_is_a_line_with_what_it_is_about() {
        let dir = tempfile::tempdir().expect("dir");
        let store = open(dir.path());
        let report = sample::report();
        for judgement in [Judgement::Wrong, Judgement::TakenBack] {
            let evaluation = Evaluation {
                judgement,
                at_ms: 7,
                date: report.date,
                revision: report.revision,
                note: "是网络".to_owned(),
                incident: report.incidents[0].clone(),
                findings: report.findings.clone(),
            };
            store.add_evaluation(evaluation).await.expect("written");
        }
        let text = std::fs::read_to_string(store.folder().join(FILE)).expect("file");
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["judgement"], "wrong");
        assert_eq!(lines[0]["note"], "是网络");
        assert_eq!(lines[0]["incident"]["id"], report.incidents[0].id.as_str());
        assert_eq!(lines[1]["judgement"], "taken_back");
    }
}
