//! The conformance vectors, read in place, with the account of which files a test opened.
//!
//! A test asks for its guard by the name `conformance.toml` knows it under, reads files through it,
//! and ends with `finish`:
//!
//! ```no_run
//! let Some(vectors) = opal_harness::Vectors::for_test("registry::chains") else { return };
//! for file in vectors.files() {
//!     let text = vectors.text(&file);
//! }
//! vectors.finish();
//! ```
//!
//! **Invariant:** a file is read only by a test that the list names for it, and the test has opened
//! all of its files when it ends. Where the folder is absent the test is skipped with a notice.

use crate::{Conformance, conformance, ran, skipped};
use serde::de::DeserializeOwned;
use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Mutex,
};

/// The vector files of one test.
#[derive(Debug)]
pub struct Vectors {
    name: String,
    root: PathBuf,
    listed: BTreeSet<String>,
    opened: Mutex<BTreeSet<String>>,
    finished: bool,
}

impl Vectors {
    /// The files that `conformance.toml` lists for the test of this name; `None` when there is no
    /// vectors folder.
    ///
    /// The name is `file::what`, unique in the workspace, and stands literally in the call: the
    /// conformance test looks for it in the sources.
    #[track_caller]
    pub fn for_test(name: &str) -> Option<Self> {
        let root = vectors_root();
        if !root.is_dir() {
            skipped(name, &format!("no vectors folder at {} (set OPAL_VECTORS)", root.display()));
            return None;
        }
        let list = Conformance::read();
        let sets: Vec<_> =
            list.set.iter().filter(|set| set.used.iter().any(|it| it == name)).collect();
        assert!(!sets.is_empty(), "conformance.toml lists no file as used by `{name}`");
        let listed: BTreeSet<_> = files_below(&root, &[])
            .into_iter()
            .filter(|file| sets.iter().any(|set| set.has(file)))
            .collect();
        Some(Self {
            name: name.to_owned(),
            root,
            listed,
            opened: Mutex::default(),
            finished: false,
        })
    }

    /// All files of this test, sorted.
    pub fn files(&self) -> Vec<String> {
        self.listed.iter().cloned().collect()
    }

    /// The files of this test that match `pattern` (`*` = any characters but `/`); at least one.
    #[track_caller]
    pub fn files_like(&self, pattern: &str) -> Vec<String> {
        let fits = |file: &&String| conformance::matches(pattern.as_bytes(), file.as_bytes());
        let files: Vec<_> = self.listed.iter().filter(fits).cloned().collect();
        assert!(!files.is_empty(), "{}: no file like {pattern}", self.name);
        files
    }

    /// Where the file lies, for programs that open it themselves. Counts as opened.
    #[track_caller]
    pub fn path(&self, file: &str) -> PathBuf {
        assert!(self.listed.contains(file), "{}: conformance.toml does not list {file}", self.name);
        self.opened.lock().expect("no test panics while it holds the lock").insert(file.to_owned());
        self.root.join(file)
    }

    /// The file's bytes.
    #[track_caller]
    pub fn bytes(&self, file: &str) -> Vec<u8> {
        std::fs::read(self.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// The file's text.
    #[track_caller]
    pub fn text(&self, file: &str) -> String {
        String::from_utf8(self.bytes(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// The file's JSON as a value of the caller's type; `serde_json::Value` always fits.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self, file: &str) -> T {
        serde_json::from_slice(&self.bytes(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
    }

    /// Ends the test: fails if a listed file was not opened.
    #[track_caller]
    pub fn finish(mut self) {
        self.finished = true;
        let opened = self.opened.lock().expect("no test panics while it holds the lock").clone();
        let missed: Vec<_> = self.listed.difference(&opened).collect();
        assert!(missed.is_empty(), "{}: listed as used but not opened: {missed:?}", self.name);
        ran(&self.name, &format!("{} vector files", opened.len()));
    }
}

impl Drop for Vectors {
    fn drop(&mut self) {
        let forgotten = !self.finished && !std::thread::panicking();
        assert!(!forgotten, "{}: the test ended without `finish`", self.name);
    }
}

/// Where the vectors lie: `OPAL_VECTORS`, else `../shared/vectors` beside the workspace.
pub fn vectors_root() -> PathBuf {
    let beside = || workspace_root().join("../shared/vectors");
    std::env::var_os("OPAL_VECTORS").map_or_else(beside, PathBuf::from)
}

/// The folder of the workspace's `Cargo.toml`.
pub fn workspace_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .expect("tests/harness is two deep")
        .into()
}

/// All files below `root`, as paths relative to it with `/`, sorted; folders named in `skip` are
/// left out.
pub fn files_below(root: &Path, skip: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = std::fs::read_dir(&folder);
        for entry in entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.unwrap_or_else(|error| panic!("{}: {error}", folder.display())).path();
            let named = |name: &&str| path.file_name().is_some_and(|it| it == *name);
            if path.is_dir() {
                if !skip.iter().any(named) {
                    folders.push(path);
                }
            } else {
                let relative = path.strip_prefix(root).expect("found below the root");
                files.push(relative.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// A guard over two files, one of which does not exist.
    fn guard() -> Vectors {
        Vectors {
            name: "vectors::tests".to_owned(),
            root: workspace_root(),
            listed: ["Cargo.toml", "absent.json"].map(str::to_owned).into(),
            opened: Mutex::default(),
            finished: false,
        }
    }

    #[track_caller]
    fn check(run: impl FnOnce(Vectors), wanted: &str) {
        let outcome = catch_unwind(AssertUnwindSafe(|| run(guard())));
        let message = outcome.err().and_then(|it| it.downcast::<String>().ok()).unwrap_or_default();
        assert!(message.contains(wanted), "`{message}` lacks `{wanted}`");
    }

    #[test]
    fn a_guard_notices_what_its_test_forgets() {
        check(|vectors| vectors.finish(), "not opened: [\"Cargo.toml\", \"absent.json\"]");
        check(|vectors| drop(vectors.text("absent.json")), "absent.json: ");
        check(|vectors| drop(vectors.text("LICENSE-MIT")), "does not list LICENSE-MIT");
        check(drop, "ended without `finish`");
        let half = |vectors: Vectors| {
            assert!(vectors.text("Cargo.toml").contains("[workspace]"));
            vectors.finish();
        };
        check(half, "not opened: [\"absent.json\"]");
    }
}
