//! `gengfu templates`: mines templates from plain lines.
//!
//! In: lines, one record each. Out: a table of counts and templates, the most frequent first; or, with `ids`, one cluster id per
//! line in the order of the lines and nothing else. Ids count from 1 in the order in which their clusters first appear.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{BufRead, Write},
};

use xxhash_rust::xxh3::xxh3_64;

use crate::{
    intake::clean,
    mining::{
        mask::{self, Masked},
        templates,
    },
};

/// Mines `input` and writes the result to `output`.
pub fn run(ids: bool, mut input: impl BufRead, mut output: impl Write) -> anyhow::Result<()> {
    // By the hash of the masked text; the text itself decides. A million lines may have a million of them.
    let mut numbers: HashMap<u64, Vec<u32>> = HashMap::new();
    let (mut texts, mut of_line): (Vec<String>, Vec<u32>) = (Vec::new(), Vec::new());
    let (mut masked, mut line) = (Masked::default(), Vec::new());
    while input.read_until(b'\n', &mut line)? > 0 {
        // Checking is several times faster than repairing.
        let text = std::str::from_utf8(&line)
            .map_or_else(|_| String::from_utf8_lossy(&line), Cow::Borrowed);
        mask::mask(text.trim_end(), &mut masked);
        let same = numbers.entry(xxh3_64(masked.text.as_bytes())).or_default();
        let known = same.iter().find(|n| texts[**n as usize] == masked.text);
        let number = if let Some(number) = known {
            *number
        } else {
            let number = u32::try_from(texts.len())?;
            texts.push(masked.text.clone());
            same.push(number);
            number
        };
        of_line.push(number);
        line.clear();
    }
    let mined = templates::mine(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut clusters: HashMap<&str, usize> = HashMap::new();
    let mut counts: Vec<(u64, &str)> = Vec::new();
    for number in of_line {
        let cluster = *clusters.entry(&mined[number as usize]).or_insert_with(|| {
            counts.push((0, &mined[number as usize]));
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
    use proptest::prelude::*;

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

    proptest! {
        #[test]
        fn counts_add_up_and_order_changes_no_group(lines in prop::collection::vec("(user|用户) [a-d0-9]{1,3} (logged in|failed|耗时[0-9]{1,2}ms)", 0..40), shift in 0_usize..40) {
            let ids = |lines: &[String]| -> Vec<String> {
                let mut out = Vec::new();
                run(true, lines.iter().fold(String::new(), |all, l| all + l + "\n").as_bytes(), &mut out).expect("run");
                String::from_utf8(out).expect("text").lines().map(str::to_owned).collect()
            };
            let mut turned = lines.clone();
            turned.rotate_left(shift % lines.len().max(1));
            let (first, mut second) = (ids(&lines), ids(&turned));
            prop_assert_eq!(first.len(), lines.len());
            second.rotate_right(shift % lines.len().max(1));
            for i in 0..lines.len() {
                for k in 0..i {
                    prop_assert_eq!(first[i] == first[k], second[i] == second[k]);
                }
            }
            let mut table = Vec::new();
            run(false, lines.iter().fold(String::new(), |all, l| all + l + "\n").as_bytes(), &mut table).expect("run");
            let table = String::from_utf8(table).expect("text");
            let counted: usize = table.lines().map(|row| row.split_whitespace().next().and_then(|n| n.parse::<usize>().ok()).expect("count")).sum();
            prop_assert_eq!(counted, lines.len());
        }
    }
}
