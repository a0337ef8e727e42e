//! Conventions that are worth repeating in review, as a test: the direction of the arrows, file heads, file lengths.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Which rooms a room may `use`. `main`, `app` and `commands` stand above and may use all.
const ARROWS: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("intake", &["model"]),
    ("mining", &["model", "intake"]),
    ("diagnosis", &["model", "mining"]),
    ("store", &["model", "mining"]),
    ("llm", &["model"]),
    ("voice", &["model"]),
    ("agents", &["model", "diagnosis", "store", "llm", "voice"]),
    ("owners", &["model", "intake", "store"]),
    (
        "round",
        &[
            "model",
            "intake",
            "mining",
            "diagnosis",
            "store",
            "llm",
            "agents",
            "voice",
            "owners",
        ],
    ),
    (
        "alerts",
        &[
            "model",
            "intake",
            "mining",
            "diagnosis",
            "store",
            "llm",
            "agents",
            "voice",
            "owners",
            "round",
        ],
    ),
    (
        "mcp",
        &[
            "model",
            "mining",
            "diagnosis",
            "store",
            "llm",
            "agents",
            "voice",
            "owners",
            "round",
            "alerts",
        ],
    ),
    (
        "page",
        &[
            "model",
            "mining",
            "diagnosis",
            "store",
            "voice",
            "round",
            "alerts",
            "mcp",
        ],
    ),
    (
        "http",
        &[
            "model", "store", "voice", "owners", "round", "alerts", "mcp", "page",
        ],
    ),
    ("config", &["model"]),
];

/// Above this a file wants a table of contents, and is two files. Data tables are the exception.
const LONGEST_FILE: usize = 600;

fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("read folder") {
        let path = entry.expect("entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// Path below `src/`, room, text.
fn files() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    sources(&src, &mut found);
    found.sort();
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).expect("utf-8");
        let below = path
            .strip_prefix(&src)
            .expect("below src")
            .to_string_lossy()
            .into_owned();
        let room = below
            .split('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".rs")
            .to_owned();
        (below, room, text)
    };
    found.into_iter().map(read).collect()
}

/// The rooms named by `crate::room` or inside `use crate::{room::.., other}`, outside of comments.
fn used_rooms(text: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut rooms = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        if let Some(group) = rest.strip_prefix('{') {
            let mut depth = 0;
            let mut name = String::new();
            for c in group.chars() {
                match c {
                    '{' => depth += 1,
                    '}' if depth == 0 => break,
                    '}' => depth -= 1,
                    ',' if depth == 0 => rooms.push(std::mem::take(&mut name)),
                    _ if depth == 0 => name.push(c),
                    _ => {}
                }
            }
            rooms.push(name);
        } else {
            rooms.push(rest.to_owned());
        }
    }
    let first = |r: String| {
        r.trim()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    rooms
        .into_iter()
        .map(first)
        .filter(|r| !r.is_empty())
        .collect()
}

#[test]
fn the_arrows_point_in_one_direction() {
    let mut wrong = Vec::new();
    for (below, room, text) in files() {
        let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
            continue;
        };
        for used in used_rooms(&text) {
            if used != room
                && !allowed.contains(&used.as_str())
                && ARROWS.iter().any(|(name, _)| *name == used)
            {
                wrong.push(format!("src/{below} uses crate::{used}"));
            }
        }
    }
    wrong.dedup();
    assert!(
        wrong.is_empty(),
        "against the direction of the house:\n{}",
        wrong.join("\n")
    );
}

#[test]
fn every_file_says_what_it_is() {
    let silent: Vec<String> = files()
        .into_iter()
        // A module's `tests.rs` belongs to the file beside it.
        .filter(|(below, _, text)| !below.ends_with("tests.rs") && !text.starts_with("//!"))
        .map(|(below, ..)| below)
        .collect();
    assert!(silent.is_empty(), "files without a head: {silent:?}");
}

#[test]
fn no_file_wants_a_table_of_contents() {
    let long: Vec<String> = files()
        .into_iter()
        .map(|(below, _, text)| (text.lines().count(), below))
        .filter(|(lines, _)| *lines > LONGEST_FILE)
        .map(|(lines, below)| format!("src/{below}: {lines} lines"))
        .collect();
    assert!(long.is_empty(), "split these:\n{}", long.join("\n"));
}

#[test]
fn only_config_reads_the_environment_and_only_the_store_speaks_sql() {
    let mut wrong = Vec::new();
    for (below, room, text) in files() {
        // A module's tests may look for the generator's folder.
        if below.ends_with("tests.rs") {
            continue;
        }
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        if room != "config" && code.contains("env::var") {
            wrong.push(format!("src/{below} reads the environment"));
        }
        if room != "store" && code.contains("rusqlite::") {
            wrong.push(format!("src/{below} speaks SQL"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_called_manager_helper_or_utils() {
    let bad = |name: &str| {
        let words = ["manager", "helper", "helpers", "util", "utils"];
        let camel = ["Manager", "Helper", "Utils"];
        words.contains(&name) || camel.iter().any(|word| name.ends_with(word))
    };
    let mut wrong = Vec::new();
    for (below, _, text) in files() {
        for line in text.lines().filter(|l| !l.trim_start().starts_with("//")) {
            let mut words = line.split(|c: char| !c.is_alphanumeric() && c != '_');
            let named = words
                .by_ref()
                .any(|w| ["struct", "enum", "trait", "mod"].contains(&w));
            if named && words.next().is_some_and(bad) {
                wrong.push(format!("src/{below}: {}", line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_arrows_sees_grouped_imports() {
    let text = "use crate::{model::{Day, Lang}, store::Store};\nuse crate::voice::Ask;\n// use crate::llm::Llm;\n";
    assert_eq!(used_rooms(text), ["model", "store", "voice"]);
}
