//! `gengfu templates`: mines templates from plain lines.
//!
//! In: lines, one record each. Out: a table of counts and templates, the most frequent first; or, with `ids`, one cluster id per
//! line in the order of the lines and nothing else. Ids count from 1 in the order in which their clusters first appear.

use std::{
    collections::HashMap,
    io::{BufRead, Write},
};

use crate::{
    intake::clean,
    mining::{
        mask::{self, Masked},
        templates,
    },
};

/// Mines `input` and writes the result to `output`.
pub fn run(ids: bool, mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    let (mut numbers, mut texts, mut of_line) = (HashMap::new(), Vec::new(), Vec::new());
    let (mut masked, mut line) = (Masked::default(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        mask::mask(String::from_utf8_lossy(&line).trim_end(), &mut masked);
        let number = if let Some(number) = numbers.get(&masked.text) {
            *number
        } else {
            texts.push(masked.text.clone());
            numbers.insert(masked.text.clone(), texts.len() - 1);
            texts.len() - 1
        };
        of_line.push(number);
        line.clear();
    }
    let mined = templates::mine(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut clusters: HashMap<&str, usize> = HashMap::new();
    let mut counts: Vec<(u64, &str)> = Vec::new();
    for number in of_line {
        let cluster = *clusters.entry(&mined[number]).or_insert_with(|| {
            counts.push((0, &mined[number]));
            counts.len() - 1
        });
        counts[cluster].0 += 1;
        if ids {
            writeln!(output, "{}", cluster + 1)?;
        }
    }
    if !ids {
        counts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
        for (count, template) in counts {
            writeln!(output, "{count:>8}  {}", clean::one_line(template))?;
        }
    }
    output.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINES: &str = "user 7 logged in\ndisk full\nuser 8 logged in\n";

    fn output(ids: bool) -> String {
        let mut out = Vec::new();
        run(ids, LINES.as_bytes(), &mut out).expect("run");
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn each_line_gets_the_id_of_its_cluster() {
        assert_eq!(output(true), "1\n2\n1\n");
    }

    #[test]
    fn the_table_counts_all_lines() {
        assert_eq!(
            output(false),
            "       2  user <num> logged in\n       1  disk full\n"
        );
    }
}
