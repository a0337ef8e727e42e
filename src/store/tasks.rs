//! Background work as rows, so that a restart knows what was asked and how far it came.

use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Error, Store,
    codec::{from_json, from_name, name, to_json},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    Waiting,
    Running,
    Done,
    Failed,
}

/// A piece of work. What `arguments` and `progress` hold is its kind's business.
#[derive(Debug, Clone, PartialEq)]
pub struct TaskRow {
    pub id: String,
    pub kind: String,
    pub arguments: Value,
    pub state: TaskState,
    pub progress: Value,
    pub made_ms: i64,
    pub changed_ms: i64,
}

impl Store {
    /// Writes a task as it is now.
    pub async fn put_task(&self, task: TaskRow) -> Result<(), Error> {
        self.change(move |tx| {
            tx.prepare_cached("INSERT OR REPLACE INTO tasks VALUES (?1,?2,?3,?4,?5,?6,?7)")?
                .execute(params![
                    task.id,
                    task.kind,
                    to_json(&task.arguments)?,
                    name(&task.state)?,
                    to_json(&task.progress)?,
                    task.made_ms,
                    task.changed_ms
                ])?;
            Ok(())
        })
        .await
    }

    pub async fn task(&self, id: String) -> Result<Option<TaskRow>, Error> {
        self.ask(move |c| {
            c.prepare_cached(&format!("SELECT {COLUMNS} FROM tasks WHERE id = ?1"))?
                .query_row([id], read)
                .optional()?
                .transpose()
        })
        .await
    }

    /// Tasks that are waiting or running, oldest first: after a restart, what is to be taken up again.
    pub async fn open_tasks(&self) -> Result<Vec<TaskRow>, Error> {
        self.ask(|c| {
            let mut find = c.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM tasks WHERE state IN ('waiting', 'running') ORDER BY made_ms, id"
            ))?;
            let rows = find.query_map([], read)?;
            rows.map(|r| r?).collect()
        })
        .await
    }
}

const COLUMNS: &str = "id, kind, arguments, state, progress, made_ms, changed_ms";

fn read(row: &Row<'_>) -> rusqlite::Result<Result<TaskRow, Error>> {
    let (id, kind, arguments) = (row.get(0)?, row.get(1)?, row.get::<_, String>(2)?);
    let (state, progress): (String, String) = (row.get(3)?, row.get(4)?);
    let (made_ms, changed_ms) = (row.get(5)?, row.get(6)?);
    Ok((|| {
        Ok(TaskRow {
            id,
            kind,
            arguments: from_json(&arguments)?,
            state: from_name(&state)?,
            progress: from_json(&progress)?,
            made_ms,
            changed_ms,
        })
    })())
}
