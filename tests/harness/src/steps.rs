//! Tables of what programs cost in the VM. `OPAL_UPDATE_STEPS=1` writes them anew.
//!
//! Start with [`StepsTable::open`].
//!
//! **Invariant:** a table that is written holds exactly the rows that were measured.

use crate::workspace_root;
use std::{env, fmt::Write, fs, path::PathBuf};

/// A change of the steps by more than this needs a new table.
const TOLERANCE_PERCENT: f64 = 2.0;
/// The figure that is compared; the others are for the reader.
const STEPS: &str = "steps";

/// A table, and what is measured for it.
#[derive(Debug)]
pub struct StepsTable {
    path: PathBuf,
    hint: String,
    recorded: toml::Table,
    measured: String,
    changes: Vec<String>,
}

impl StepsTable {
    /// The table in this file of the workspace. `about` says what it is, `test` is what writes it.
    pub fn open(file: &str, about: &str, test: &str) -> Self {
        let path = workspace_root().join(file);
        let recorded = fs::read_to_string(&path).unwrap_or_default();
        let hint = format!("OPAL_UPDATE_STEPS=1 cargo test {test}");
        Self {
            recorded: recorded.parse().unwrap_or_else(|error| panic!("{file}: {error}")),
            measured: format!("# {about}\n# {hint}\n"),
            path,
            hint,
            changes: Vec::new(),
        }
    }

    /// What was measured, the steps among it.
    pub fn row(&mut self, name: &str, figures: &[(&str, u64)]) {
        write!(self.measured, "\n[{name}]\n").expect("a string takes everything");
        for (figure, value) in figures {
            writeln!(self.measured, "{figure} = {value}").expect("a string takes everything");
        }
        let steps = figures.iter().find(|(figure, _)| *figure == STEPS);
        let steps = steps.expect("a row has steps").1;
        let old = self.recorded.remove(name).and_then(|it| it.get(STEPS)?.as_integer());
        let old = old.unwrap_or_default();
        let percent = (steps as f64 / old as f64 - 1.0) * 100.0;
        if percent.abs() > TOLERANCE_PERCENT || old == 0 {
            let change = format!("{name}: {steps} steps, the table says {old}: {percent:+.1} %");
            self.changes.push(change);
        }
    }

    /// Fails if the table says something else. With `is_complete`, all rows were measured: then no row may be left over,
    /// and the table can be written anew.
    #[track_caller]
    pub fn finish(mut self, is_complete: bool) {
        if is_complete {
            if env::var_os("OPAL_UPDATE_STEPS").is_some() {
                return fs::write(&self.path, self.measured).expect("the table can be written");
            }
            let left = self.recorded.keys().map(|name| format!("{name}: nothing measures it"));
            self.changes.extend(left);
        }
        let changes = self.changes.join("\n");
        assert!(changes.is_empty(), "{changes}\nif the change is meant: {}", self.hint);
    }
}
