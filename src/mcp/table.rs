//! A Markdown table of things from logs, for programs and people at a screen.
//!
//! In: a head and rows. Out: text. Always true: no cell can end its row or the table, hide characters, or grow beyond [`CELL`].

use std::fmt::Write;

/// Longest cell in characters; the whole line opens by its evidence id.
const CELL: usize = 240;

pub(super) fn table(head: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut text = format!(
        "| {} |\n|{}\n",
        head.join(" | "),
        " --- |".repeat(head.len())
    );
    for row in rows {
        let cells: Vec<String> = row.iter().map(|c| cell(c)).collect();
        let _infallible = writeln!(text, "| {} |", cells.join(" | "));
    }
    text
}

fn cell(text: &str) -> String {
    let visible = |c: &char| {
        !c.is_control()
            && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out: String = line.chars().filter(visible).take(CELL).collect();
    if line.chars().count() > CELL {
        out.push('…');
    }
    out.replace('|', "\\|")
        .replace('`', "'")
        .replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_text_stays_in_its_cell() {
        let hostile = "a | b\n| c\u{202e}`<script>";
        let text = table(
            &["id", "text"],
            [vec!["event:1".to_owned(), hostile.to_owned()]],
        );
        assert_eq!(
            text,
            "| id | text |\n| --- | --- |\n| event:1 | a \\| b \\| c'&lt;script> |\n"
        );
        assert!(cell(&"x".repeat(500)).chars().count() == CELL + 1);
    }
}
