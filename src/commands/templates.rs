//! `gengfu templates`: mines templates from plain lines.
//!
//! In: lines, one record each. Out: a table of counts and templates, the most frequent first; or, with `ids`, one cluster id per
//! line in the order of the lines and nothing else. Ids count from 1 in the order in which their clusters first appear.

use std::{
    borrow::Cow,
    collections::HashMap,
    io::{self, Read, Write},
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

/// Read at once: lines are looked at where they lie in it. A line that is longer makes it grow.
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

fn mined(ids: bool, mut input: impl Read, mut output: impl Write) -> anyhow::Result<()> {
    let mut shapes = Shapes::default();
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    loop {
        if filled == block.len() {
            block.resize(2 * filled, 0);
        }
        let read = match input.read(&mut block[filled..]) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            read => read?,
        };
        if read == 0 {
            break;
        }
        let last = memchr::memrchr(b'\n', &block[filled..filled + read]);
        let last = last.map(|at| filled + at);
        filled += read;
        if let Some(last) = last {
            shapes.add_lines(&block[..last])?;
            // The beginning of a line whose end is still to come.
            block.copy_within(last + 1..filled, 0);
            filled -= last + 1;
        }
    }
    if filled > 0 {
        shapes.add_lines(&block[..filled])?;
    }
    let Shapes { texts, of_line, .. } = shapes;
    let mined = templates::mine(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
    let mut clusters: HashMap<&str, usize, FxBuildHasher> = HashMap::default();
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
    /// Adds lines that are parted by line feeds.
    fn add_lines(&mut self, lines: &[u8]) -> anyhow::Result<()> {
        let mut from = 0;
        let ends = memchr::memchr_iter(b'\n', lines).chain([lines.len()]);
        // Checking all at once is several times faster than line by line, and that is several times faster than repairing.
        if let Ok(text) = simdutf8::basic::from_utf8(lines) {
            let coloured = memchr::memchr(0x1b, lines).is_some();
            for end in ends {
                let line = &text[from..end];
                if coloured || line.starts_with('\u{feff}') {
                    self.add(&clean::plain(Cow::Borrowed(line)))?;
                } else {
                    self.add(line)?;
                }
                from = end + 1;
            }
        } else {
            for end in ends {
                let line = String::from_utf8_lossy(&lines[from..end]);
                self.add(&clean::plain(line))?;
                from = end + 1;
            }
        }
        Ok(())
    }

    fn add(&mut self, line: &str) -> anyhow::Result<()> {
        mask::mask(line.trim_end(), &mut self.masked);
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
    fn a_line_is_read_the_same_wherever_blocks_end() {
        struct Drops<'a>(&'a [u8], usize);
        impl Read for Drops<'_> {
            fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
                let len = self.1.min(self.0.len()).min(into.len());
                let (read, rest) = self.0.split_at(len);
                into[..len].copy_from_slice(read);
                self.0 = rest;
                Ok(len)
            }
        }
        let long = "长".repeat(BLOCK);
        let mut lines =
            format!("\u{feff}user 7\n\n\u{1b}[31muser 8\u{1b}[0m\r\n{long}\n磁盘已满\n")
                .into_bytes();
        lines.extend(b"disk \xff full\n\nuser 9");
        let read = |size| {
            let mut out = Vec::new();
            run(true, Drops(&lines, size), &mut out).expect("run");
            String::from_utf8(out).expect("text")
        };
        for size in [1, 7, BLOCK, usize::MAX] {
            assert_eq!(read(size), "1\n2\n1\n3\n4\n5\n2\n1\n");
        }
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
