//! The `.env` file: which it is, what it sets, and what a later text of it says of places.
//!
//! In: a path or a text. Out: names and values. Always true: no value of a line that cannot be read is repeated; a comment in another
//! encoding hides no line. Who owns the key in it is [`crate::owners`]'s.

use std::{
    collections::BTreeMap,
    io,
    path::{Path, PathBuf},
};

use super::{
    logs,
    read::{Mistake, Reader, Vars},
};
use crate::model::Places;

/// The file that others rewrite, and the names a key may have in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnvFile {
    pub path: PathBuf,
    /// `TENCENTCLOUD_SECRET_ID` and the configured other names, in order of preference.
    pub id_names: Vec<String>,
    pub key_names: Vec<String>,
    /// What is said elsewhere of where logs are; the file's lines are laid over it.
    pub(super) beneath: Vars,
}

impl EnvFile {
    /// Where the logs are and in which region, as a later text of the file says; `None` when it names no bucket, or wrongly.
    #[must_use]
    pub fn places_in(&self, text: &[u8]) -> Option<(Places, String)> {
        let text = String::from_utf8_lossy(text);
        let lines: Vars = dotenvy::from_read_iter(text.as_bytes()).flatten().collect();
        let says_where = |(name, value): (&String, &String)| {
            let is_place = name == "GENGFU_BUCKET" || name.ends_with("_PREFIX");
            is_place && value.contains("://")
        };
        if !lines.iter().any(says_where) {
            return None;
        }
        let mut vars = self.beneath.clone();
        vars.extend(lines);
        let mut r = Reader::new(&vars);
        let (places, region) = (logs::read(&mut r).places, super::region(&mut r));
        r.mistakes.is_empty().then_some((places, region))
    }
}

/// What a `.env` file sets, as it stands there; nothing when it cannot be read.
pub fn set_in(path: &Path) -> BTreeMap<String, String> {
    let mut vars = BTreeMap::new();
    match lay_over(&mut vars, path, &mut Vec::new()) {
        Ok(()) => vars,
        Err(_) => BTreeMap::new(),
    }
}

/// Lays the file's readable lines over `vars`. A file that is not there is none; one that cannot be opened is a mistake.
pub(super) fn lay_over(
    vars: &mut Vars,
    path: &Path,
    warnings: &mut Vec<String>,
) -> Result<(), Mistake> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(_) => {
            let found = path.display().to_string();
            return Err(Mistake::new(
                "GENGFU_ENV_FILE",
                Some(&found),
                "一个可以读取的文件",
                "a file that can be read",
            ));
        }
    };
    // A comment in another encoding is no reason to overlook what follows it.
    let text = String::from_utf8_lossy(&bytes);
    let text = text.trim_start_matches('\u{feff}');
    let mut last = String::from("the beginning");
    for line in dotenvy::from_read_iter(text.as_bytes()) {
        match line {
            Ok((name, value)) => {
                last.clone_from(&name);
                vars.insert(name, value);
            }
            // dotenvy's error repeats the line, which may hold a secret; the name before it is enough to find it.
            Err(dotenvy::Error::LineParse(..)) => warnings.push(format!(
                "a line of `{}` after {last} cannot be read; values with spaces need quotes",
                path.display()
            )),
            Err(_) => break,
        }
    }
    Ok(())
}
