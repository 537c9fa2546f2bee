//! What a process prints: kept in a file and, line by line, in memory.
//!
//! **Invariant:** reading never stops before the end of the pipe, so the process is never blocked by it;
//! memory is bounded by the number of lines kept.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead as _, BufReader, Read, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

/// Lines kept in memory; older ones are in the file only.
const KEPT_LINES: usize = 200_000;

/// Which of the two outputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Out,
    /// Standard error.
    Err,
}

/// One line that a process printed.
#[derive(Clone, Debug)]
pub struct Line {
    /// Where it printed it.
    pub stream: Stream,
    /// Without the line's end.
    pub text: String,
}

#[derive(Debug, Default)]
struct Kept {
    lines: VecDeque<Line>,
    /// How many were forgotten in front of them.
    forgotten: usize,
    file: Option<File>,
}

#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    kept: Mutex<Kept>,
    grown: Condvar,
}

impl Log {
    #[track_caller]
    pub(super) fn create(path: &Path) -> Self {
        let file = File::options().create(true).append(true).open(path);
        let file = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let kept = Mutex::new(Kept { file: Some(file), ..Kept::default() });
        Self { path: path.to_owned(), kept, grown: Condvar::new() }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn read_in_thread(
        self: &Arc<Self>,
        stream: Stream,
        pipe: impl Read + Send + 'static,
    ) -> JoinHandle<()> {
        let log = Arc::clone(self);
        std::thread::spawn(move || {
            let mut pipe = BufReader::new(pipe);
            let mut bytes = Vec::new();
            while pipe.read_until(b'\n', &mut bytes).is_ok_and(|count| count > 0) {
                let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
                log.push(Line { stream, text });
                bytes.clear();
            }
            log.grown.notify_all();
        })
    }

    fn push(&self, line: Line) {
        let mut kept = self.lock();
        if let Some(file) = &mut kept.file {
            let _ = writeln!(file, "{}", line.text);
        }
        kept.lines.push_back(line);
        if kept.lines.len() > KEPT_LINES {
            kept.lines.pop_front();
            kept.forgotten += 1;
        }
        self.grown.notify_all();
    }

    /// The first fitting line that was not looked at before; `seen` counts the others.
    pub(super) fn find(&self, seen: &mut usize, fits: &impl Fn(&Line) -> bool) -> Option<Line> {
        let kept = self.lock();
        let start = seen.saturating_sub(kept.forgotten);
        let found = kept.lines.iter().skip(start).position(fits);
        let looked = found.map_or(kept.lines.len(), |index| start + index + 1);
        *seen = kept.forgotten + looked;
        found.map(|index| kept.lines[start + index].clone())
    }

    pub(super) fn count(&self, text: &str) -> usize {
        self.lock().lines.iter().filter(|line| line.text.contains(text)).count()
    }

    pub(super) fn wait_for_more(&self, limit: Duration) {
        drop(self.grown.wait_timeout(self.lock(), limit));
    }

    #[expect(clippy::print_stderr, reason = "the log of a failed test belongs on its output")]
    pub(super) fn print_tail(&self, name: &str, count: usize) {
        let kept = self.lock();
        let start = kept.lines.len().saturating_sub(count);
        eprintln!("--- end of the log of {name} ({}):", self.path.display());
        for line in kept.lines.iter().skip(start) {
            eprintln!("{}", line.text);
        }
        eprintln!("---");
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // A test that failed while it held the lock changed nothing in here.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
