//! Programs that run beside a test: started, awaited, and ended by it.
//!
//! Start with [`Process::start`]. Both outputs go into a file and a memory that tests wait on; when
//! a test fails, the end of the log is printed.
//!
//! **Invariant:** only processes started here are signalled, by their own id; every wait is bounded,
//! and ends early when the process has ended.

mod log;

pub use log::{Line, Stream};

use log::Log;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, Instant},
};

/// How long a process may take to end after being asked.
const STOP_LIMIT: Duration = Duration::from_secs(20);

/// The pause between two looks at a condition that no event announces.
const LOOK_PAUSE: Duration = Duration::from_millis(50);

/// Lines of the log that a failing test prints.
const TAIL_LINES: usize = 40;

/// A running program. It is asked to end when dropped, and killed when it does not.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: Arc<Log>,
    readers: Vec<JoinHandle<()>>,
    ended: Option<ExitStatus>,
}

impl Process {
    /// Starts the command; its outputs go to `FOLDER/NAME.log` as well.
    #[track_caller]
    pub fn start(name: &str, command: &mut Command, folder: &Path) -> Self {
        let path = folder.join(format!("{name}.log"));
        let log = Arc::new(Log::create(&path));
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name}: {command:?}: {error}"));
        let stdout = child.stdout.take().expect("its output is piped");
        let stderr = child.stderr.take().expect("its errors are piped");
        let readers =
            vec![log.read_in_thread(Stream::Out, stdout), log.read_in_thread(Stream::Err, stderr)];
        Self { name: name.to_owned(), child, log, readers, ended: None }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Where its log is.
    pub fn log_path(&self) -> &Path {
        self.log.path()
    }

    /// The first line that `fits`, among those that came already and those to come.
    #[track_caller]
    pub fn line(&mut self, what: &str, limit: Duration, fits: impl Fn(&Line) -> bool) -> Line {
        let mut seen = 0;
        self.until(what, limit, |process| process.log.find(&mut seen, &fits))
    }

    /// The first line with this text in it.
    #[track_caller]
    pub fn line_with(&mut self, text: &str, limit: Duration) -> String {
        self.line(text, limit, |line| line.text.contains(text)).text
    }

    /// How many lines so far have this text in them.
    pub fn count(&self, text: &str) -> usize {
        self.log.count(text)
    }

    /// What `check` gives once it gives something; looked at with every line of the log, and now
    /// and then without.
    #[track_caller]
    pub fn until<T>(
        &mut self,
        what: &str,
        limit: Duration,
        mut check: impl FnMut(&Self) -> Option<T>,
    ) -> T {
        let start = Instant::now();
        loop {
            let ended = self.has_ended();
            if let Some(found) = check(self) {
                return found;
            }
            assert!(ended.is_none(), "{}: ended ({ended:?}) before: {what}", self.name);
            let waited = start.elapsed();
            assert!(waited < limit, "{}: not within {limit:?}: {what}", self.name);
            self.log.wait_for_more(LOOK_PAUSE.min(limit - waited));
        }
    }

    /// How it ended, if it has.
    pub fn has_ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.child.try_wait().expect("it is a child of this process");
            if self.ended.is_some() {
                self.join_readers();
            }
        }
        self.ended
    }

    /// Waits until it ends by itself.
    #[track_caller]
    pub fn end(&mut self, limit: Duration) -> ExitStatus {
        let start = Instant::now();
        while start.elapsed() < limit {
            if let Some(status) = self.has_ended() {
                return status;
            }
            self.log.wait_for_more(LOOK_PAUSE);
        }
        panic!("{}: has not ended within {limit:?}", self.name)
    }

    /// Asks it to end (SIGTERM) and tells how long that took; kills it when it does not.
    pub fn stop(&mut self) -> Duration {
        let start = Instant::now();
        self.signal(Signal::SIGTERM);
        while self.has_ended().is_none() && start.elapsed() < STOP_LIMIT {
            self.log.wait_for_more(LOOK_PAUSE);
        }
        self.kill();
        start.elapsed()
    }

    /// Ends it at once (SIGKILL), as a power cut would.
    pub fn kill(&mut self) {
        self.signal(Signal::SIGKILL);
        if self.ended.is_none() {
            self.ended = self.child.wait().ok();
            self.join_readers();
        }
    }

    fn signal(&mut self, signal: Signal) {
        // Not waited for yet, so that its id cannot belong to another process.
        if self.has_ended().is_none() {
            let id = i32::try_from(self.child.id()).expect("process ids of Linux fit");
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    /// A grandchild may hold the pipes open: the readers are awaited only as long as a stop may take.
    fn join_readers(&mut self) {
        let start = Instant::now();
        for reader in self.readers.drain(..) {
            while !reader.is_finished() && start.elapsed() < STOP_LIMIT {
                self.log.wait_for_more(LOOK_PAUSE);
            }
            if reader.is_finished() {
                let _ = reader.join();
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
        if std::thread::panicking() {
            self.log.print_tail(&self.name, TAIL_LINES);
        }
    }
}

/// What `check` gives once it gives something, looked at now and then; for conditions over several processes.
#[track_caller]
pub fn until<T>(what: &str, limit: Duration, mut check: impl FnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = check() {
            return found;
        }
        assert!(start.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::park_timeout(LOOK_PAUSE);
    }
}

/// A folder for one test's files, kept when the test fails so that the logs can be read.
#[derive(Debug)]
pub struct Scratch {
    folder: Option<tempfile::TempDir>,
    path: PathBuf,
}

impl Scratch {
    /// Makes an empty folder whose name starts with `name`.
    pub fn new(name: &str) -> Self {
        let folder = tempfile::Builder::new().prefix(&format!("opal-{name}-")).tempdir();
        let folder = folder.expect("the folder of temporary files can be written");
        let path = folder.path().to_owned();
        Self { folder: Some(folder), path }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it, with this text.
    pub fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::write(&path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }

    /// A folder in it, made if it is not there.
    pub fn folder(&self, name: &str) -> PathBuf {
        let path = self.path.join(name);
        std::fs::create_dir_all(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if std::thread::panicking() {
            drop(self.folder.take().map(tempfile::TempDir::keep));
        }
    }
}
