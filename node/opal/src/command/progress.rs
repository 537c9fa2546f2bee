//! How far a long run is: a line that is redrawn on a terminal, a line every few seconds elsewhere.
//!
//! **Invariant:** goes to standard error only.

use super::complain;
use indicatif::{ProgressBar, ProgressStyle};
use std::time::{Duration, Instant};

/// Between two lines where nobody watches.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// One run.
#[derive(Debug)]
pub(super) struct Progress {
    /// Draws nothing unless standard error is a terminal.
    bar: ProgressBar,
    started: Instant,
    last_line: Instant,
}

impl Progress {
    pub(super) fn start() -> Self {
        let bar = ProgressBar::new_spinner();
        if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
            bar.set_style(style);
        }
        let now = Instant::now();
        Self { bar, started: now, last_line: now }
    }

    pub(super) fn show(&mut self, steps: u64) {
        let millions = steps as f64 / 1e6;
        let speed = millions / self.started.elapsed().as_secs_f64().max(1e-9);
        self.say(|| format!("{millions:.0} M steps, {speed:.0} M/s"));
    }

    /// Shows the text that `text` makes, if it is time to show one.
    pub(super) fn say(&mut self, text: impl FnOnce() -> String) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text());
            self.bar.tick();
        } else if self.last_line.elapsed() >= LINE_EVERY {
            self.last_line = Instant::now();
            complain(&text());
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
