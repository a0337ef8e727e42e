//! The two files of a day, and the report beside them, on disk.
//!
//! In: texts. Out: files under `analysis_results/<owner>/<YYYY-MM-DD>/`, and a mirror for older readers where one is configured.
//! Always true: a reader sees the old file or the new one, never half of one (written beside, synced, renamed). Does not decide
//! what stands in them.

use std::{
    fmt, fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::model::{Day, OwnerAlias, report::Files};

/// Name of the summary that is broadcast.
pub const SUMMARY: &str = "llm_summary.txt";
/// Name of the analysis with its evidence.
pub const ANALYSIS: &str = "vector_analysis.txt";
/// Name of the run report.
pub const REPORT: &str = "report.json";

/// Beside mirrored files: whose they are.
const WHOSE: &str = ".owner";

/// Where an owner's files lie.
#[derive(Debug, Clone)]
pub struct Shelf {
    root: PathBuf,
    owner: OwnerAlias,
}

impl Shelf {
    pub fn new(data_dir: &Path, owner: &OwnerAlias) -> Self {
        Self {
            root: data_dir.join("analysis_results").join(owner.as_str()),
            owner: owner.clone(),
        }
    }

    pub const fn owner(&self) -> &OwnerAlias {
        &self.owner
    }

    /// Where the files of a day are, whether they exist or not.
    pub fn files(&self, day: Day) -> Files {
        let at = |name| self.path(day, name).display().to_string();
        Files {
            summary: at(SUMMARY),
            analysis: at(ANALYSIS),
        }
    }

    pub fn path(&self, day: Day, name: &str) -> PathBuf {
        self.root.join(day.to_string()).join(name)
    }

    /// Replaces one file of a day.
    pub fn write(&self, day: Day, name: &str, text: &str) -> io::Result<()> {
        replace(&self.path(day, name), text.as_bytes())
    }

    /// Copies the two texts of a day to `<mirror>/<date>/`, where an older reader looks for them, while the owner is the active one.
    pub fn publish(&self, day: Day, mirror: &Mirror) -> io::Result<()> {
        if !(mirror.is_active)(&self.owner) {
            return Ok(());
        }
        let [summary, analysis] = [SUMMARY, ANALYSIS].map(|name| fs::read(self.path(day, name)));
        self.mirrored(day, mirror, &summary?, &analysis?)
    }

    /// The owner has just become the active one: what the mirror holds of others goes, what this owner has takes its place. Of `day`,
    /// while it is being analysed, both files say `meanwhile`.
    pub fn take_over(&self, mirror: &Mirror, day: Day, meanwhile: Option<&str>) -> io::Result<()> {
        if !(mirror.is_active)(&self.owner) {
            return Ok(());
        }
        let folders = match fs::read_dir(&mirror.folder) {
            Ok(folders) => folders.collect::<Result<Vec<_>, _>>()?,
            Err(e) if e.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(e) => return Err(e),
        };
        for folder in folders {
            let date = folder
                .file_name()
                .to_str()
                .and_then(|n| n.parse::<Day>().ok());
            let whose = fs::read_to_string(folder.path().join(WHOSE)).ok();
            // What has no name beside it was not put there by a mirror.
            let (Some(date), Some(whose)) = (date, whose) else {
                continue;
            };
            if whose.trim() == self.owner.as_str() {
                continue;
            }
            for name in [SUMMARY, ANALYSIS, WHOSE] {
                match fs::remove_file(folder.path().join(name)) {
                    Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
                    _ => {}
                }
            }
            // Something else in it is not ours to remove.
            let _ = fs::remove_dir(folder.path());
            if self.has(date) {
                self.publish(date, mirror)?;
            }
        }
        match meanwhile {
            _ if self.has(day) => self.publish(day, mirror),
            Some(text) => self.mirrored(day, mirror, text.as_bytes(), text.as_bytes()),
            None => Ok(()),
        }
    }

    fn has(&self, day: Day) -> bool {
        let mut names = [SUMMARY, ANALYSIS].into_iter();
        names.all(|name| self.path(day, name).exists())
    }

    fn mirrored(
        &self,
        day: Day,
        mirror: &Mirror,
        summary: &[u8],
        analysis: &[u8],
    ) -> io::Result<()> {
        let folder = mirror.folder.join(day.to_string());
        let whose = self.owner.as_str().as_bytes();
        for (name, text) in [(WHOSE, whose), (SUMMARY, summary), (ANALYSIS, analysis)] {
            replace(&folder.join(name), text)?;
        }
        Ok(())
    }
}

/// The folder of older readers, which knows one owner at a time.
#[derive(Clone)]
pub struct Mirror {
    folder: PathBuf,
    is_active: Arc<dyn Fn(&OwnerAlias) -> bool + Send + Sync>,
}

impl Mirror {
    /// `is_active` is asked each time: while a round goes on, somebody else may come.
    pub fn new(
        folder: PathBuf,
        is_active: impl Fn(&OwnerAlias) -> bool + Send + Sync + 'static,
    ) -> Self {
        Self {
            folder,
            is_active: Arc::new(is_active),
        }
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Mirror").field(&self.folder).finish()
    }
}

/// Writes `bytes` to `path` so that a reader never sees half of them.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let part = folder.join(name);
    let written = fs::File::create(&part).and_then(|mut file| {
        file.write_all(bytes)?;
        file.sync_all()
    });
    written
        .and_then(|()| fs::rename(&part, path))
        .inspect_err(|_| {
            // The half-written neighbour is of no use to anyone; the first error is the one to report.
            let _ = fs::remove_file(&part);
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_lie_under_owner_and_date_and_are_mirrored_by_date_alone() {
        let data = tempfile::tempdir().expect("dir");
        let owner: OwnerAlias = "demo".parse().expect("alias");
        let day: Day = "2026-11-21".parse().expect("day");
        let shelf = Shelf::new(data.path(), &owner);
        shelf.write(day, SUMMARY, "一").expect("write");
        shelf.write(day, SUMMARY, "二").expect("replace");
        shelf.write(day, ANALYSIS, "三").expect("write");
        let old = data.path().join("old");
        let nobody = Mirror::new(old.clone(), |_| false);
        shelf.publish(day, &nobody).expect("publish");
        assert!(!old.exists(), "somebody else is active");
        let mirror = Mirror::new(old, |active| active.as_str() == "demo");
        shelf.publish(day, &mirror).expect("publish");

        let path = data.path().join("analysis_results/demo/2026-11-21");
        let mut names: Vec<_> = fs::read_dir(&path)
            .expect("list")
            .map(|e| e.expect("entry").file_name())
            .collect();
        names.sort();
        assert_eq!(
            names,
            [SUMMARY, ANALYSIS],
            "no half-written neighbours stay behind"
        );
        assert_eq!(fs::read_to_string(path.join(SUMMARY)).expect("read"), "二");
        assert_eq!(
            fs::read_to_string(data.path().join("old/2026-11-21").join(ANALYSIS)).expect("read"),
            "三"
        );
    }

    #[test]
    fn whoever_becomes_active_leaves_nothing_of_the_former_owner_in_the_mirror() {
        let data = tempfile::tempdir().expect("dir");
        let shelf = |alias: &str| Shelf::new(data.path(), &alias.parse().expect("alias"));
        let days = ["2026-11-19", "2026-11-20", "2026-11-21"];
        let [first, second, yesterday] = days.map(|d| d.parse::<Day>().expect("day"));
        let (a, b) = (shelf("a"), shelf("b"));
        for (shelf, day) in [(&a, first), (&a, second), (&a, yesterday), (&b, first)] {
            for name in [SUMMARY, ANALYSIS] {
                let text = format!("of {} on {day}", shelf.owner());
                shelf.write(day, name, &text).expect("write");
            }
        }
        let mirror = Mirror::new(data.path().join("old"), |_| true);
        for day in [first, second, yesterday] {
            a.publish(day, &mirror).expect("publish");
        }
        // Somebody else's file, and a folder that no mirror made.
        let kept = mirror.folder.join("2026-11-20/notes.txt");
        fs::write(&kept, "mine").expect("write");
        let other = mirror.folder.join("2026-11-01");
        fs::create_dir_all(&other).expect("folder");
        fs::write(other.join(SUMMARY), "older").expect("write");

        b.take_over(&mirror, yesterday, Some("b is being analysed"))
            .expect("take over");
        let read = |day: Day, name| {
            fs::read_to_string(mirror.folder.join(day.to_string()).join(name)).ok()
        };
        for name in [SUMMARY, ANALYSIS] {
            assert_eq!(read(first, name).as_deref(), Some("of b on 2026-11-19"));
            assert_eq!(read(second, name), None);
            assert_eq!(
                read(yesterday, name).as_deref(),
                Some("b is being analysed")
            );
        }
        assert!(kept.exists() && other.join(SUMMARY).exists());
        a.take_over(&mirror, yesterday, None).expect("back");
        assert_eq!(
            read(yesterday, SUMMARY).as_deref(),
            Some("of a on 2026-11-21")
        );
        assert_eq!(read(first, SUMMARY).as_deref(), Some("of a on 2026-11-19"));
    }
}
