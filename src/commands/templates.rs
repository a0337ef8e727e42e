//! `gengfu templates`: mines templates from plain lines.
//!
//! In: lines, one record each. Out: a table of counts and templates, the most frequent first; or, with `ids`, one cluster id per
//! line in the order of the lines and nothing else. Ids count from 1 in the order in which their clusters first appear.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, BufRead, BufReader, Read, Write},
};

use rustc_hash::FxBuildHasher;
use xxhash_rust::xxh3::xxh3_64;

use crate::{
    intake::clean,
    mining::{
        mask::{self, Masked},
        templates,
    },
};

/// Read at once: lines are looked at where they lie in it.
const BLOCK: usize = 1 << 18;

/// Mines `input` and writes the result to `output`; a reader that went away (`| head`) has what it wanted.
pub fn run(ids: bool, input: impl Read, output: impl Write) -> anyhow::Result<()> {
    let left = |e: &anyhow::Error| {
        let io = e.downcast_ref::<io::Error>();
        io.is_some_and(|e| e.kind() == io::ErrorKind::BrokenPipe)
    };
    match mined(ids, input, output) {
        Err(error) if left(&error) => Ok(()),
        ended => ended,
    }
}

fn mined(ids: bool, input: impl Read, mut output: impl Write) -> anyhow::Result<()> {
    let mut shapes = Shapes::default();
    let mut input = BufReader::with_capacity(BLOCK, input);
    // The beginning of a line whose end lies in the next block.
    let mut begun = Vec::new();
    loop {
        let block = input.fill_buf()?;
        if block.is_empty() {
            break;
        }
        let mut from = 0;
        for end in memchr::memchr_iter(b'\n', block) {
            let line = &block[from..end];
            if begun.is_empty() {
                shapes.add(line)?;
            } else {
                begun.extend_from_slice(line);
                shapes.add(&begun)?;
                begun.clear();
            }
            from = end + 1;
        }
        begun.extend_from_slice(&block[from..]);
        let read = block.len();
        input.consume(read);
    }
    if !begun.is_empty() {
        shapes.add(&begun)?;
    }
    let Shapes { texts, of_line, .. } = shapes;
    let mined = templates::mine(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut clusters: HashMap<&str, usize> = HashMap::new();
    let mut of_text: Vec<Option<usize>> = vec![None; texts.len()];
    let mut counts: Vec<(u64, &str)> = Vec::new();
    for number in of_line {
        let number = number as usize;
        let cluster = *of_text[number].get_or_insert_with(|| {
            *clusters.entry(&mined[number]).or_insert_with(|| {
                counts.push((0, &mined[number]));
                counts.len() - 1
            })
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

/// Distinct masked texts, and which of them each line is.
#[derive(Default)]
struct Shapes {
    /// Numbers by the hash of the text; the text itself decides. On a collision the next free hash is taken.
    numbers: HashMap<u64, u32, FxBuildHasher>,
    texts: Vec<String>,
    of_line: Vec<u32>,
    masked: Masked,
}

impl Shapes {
    fn add(&mut self, line: &[u8]) -> anyhow::Result<()> {
        // Checking is several times faster than repairing.
        let text =
            std::str::from_utf8(line).map_or_else(|_| String::from_utf8_lossy(line), Cow::Borrowed);
        mask::mask(clean::plain(text).trim_end(), &mut self.masked);
        let masked = &self.masked.text;
        let mut hash = xxh3_64(masked.as_bytes());
        let number = loop {
            match self.numbers.get(&hash) {
                Some(number) if self.texts[*number as usize] == *masked => break *number,
                Some(_) => hash = hash.wrapping_add(1),
                None => {
                    let number = u32::try_from(self.texts.len())?;
                    self.numbers.insert(hash, number);
                    self.texts.push(masked.clone());
                    break number;
                }
            }
        };
        self.of_line.push(number);
        Ok(())
    }
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

    #[test]
    fn a_reader_that_went_away_is_no_failure() {
        struct Gone(io::ErrorKind);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(self.0.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        for ids in [false, true] {
            run(ids, LINES.as_bytes(), Gone(io::ErrorKind::BrokenPipe))
                .expect("nothing to complain of");
            let full = run(ids, LINES.as_bytes(), Gone(io::ErrorKind::StorageFull));
            assert!(full.is_err());
        }
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
