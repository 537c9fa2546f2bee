//! The account of a test run: one line for what ran and for what was skipped and why.
//!
//! **Invariant:** reporting never makes a test fail or pass.

use std::io::Write as _;

/// Notes that `what` ran, with its figures.
pub fn ran(what: &str, figures: &str) {
    note("ran", what, figures);
}

/// Notes that `what` did not run here, with the reason.
pub fn skipped(what: &str, why: &str) {
    note("skipped", what, why);
}

/// Prints the line, and appends it to the file `OPAL_REPORT` names, from which a CI run makes its
/// table.
#[expect(clippy::print_stdout, reason = "a test's notice belongs on the test's output")]
fn note(verdict: &str, what: &str, detail: &str) {
    let line = format!("{verdict}\t{what}\t{detail}\n");
    print!("{line}");
    let Some(path) = std::env::var_os("OPAL_REPORT") else { return };
    let file = std::fs::File::options().create(true).append(true).open(path);
    // One write per line, so that tests in parallel processes do not mix their lines.
    let _ = file.and_then(|mut it| it.write_all(line.as_bytes()));
}
