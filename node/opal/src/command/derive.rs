//! `opal derive`: derives the chain of a recording and compares it with what was recorded.
//!
//! **Invariant:** an incomplete or unreadable recording is "undetermined", never equal and never different.

mod report;

use super::{answer, progress::Progress};
use crate::exit::Exit;
use clap::Args;
use opal_host::{Recording, ReplayError, ReplayOptions, ReplayProgress, first_difference, replay};
use report::{Report, Undetermined};
use std::path::PathBuf;

/// Derives a recorded chain from its L1 blocks, and compares it with the recorded one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// Folder with rollup.json, l1-genesis.json, l2-genesis.json and l1.jsonl; blobs.jsonl, l1-orphans.jsonl,
    /// l1-timeline.jsonl, l2.jsonl and safe.jsonl where there are any. Lines may be packed: l1.jsonl.xz.
    #[arg(env = "OPAL_RECORDING")]
    folder: PathBuf,
    /// List every dropped transaction, frame, channel and batch with the rule that says so.
    #[arg(long, env = "OPAL_EXPLAIN")]
    explain: bool,
    /// List every block with its L1 origin, and the safe head after each L1 block that changed it.
    #[arg(long, env = "OPAL_BLOCKS")]
    blocks: bool,
    /// L1 blocks this far below the head are final.
    #[arg(long, env = "OPAL_FINALITY_DEPTH", value_name = "BLOCKS", default_value_t = 16)]
    finality_depth: u64,
    /// Print one JSON object.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
}

const EXAMPLE: &str = "Example:
  opal derive tests/recordings/first --explain

Rules are rows of the protocol table: D13 is Holocene's strict order, for one.

The exit status is 0 if all that was recorded is equal, or nothing was; 1 if something differs; 2 if it could not be
determined, because the recording cannot be read or something is missing in it.";

/// Derives and prints.
pub(crate) fn run(options: &Options) -> Exit {
    let (text, exit) = match derive(options) {
        Ok(report) => {
            let exit = if report.first_difference.is_some() { Exit::Invalid } else { Exit::Done };
            let text = match options {
                Options { json: true, .. } => report.to_json(),
                Options { blocks, explain, .. } => report.to_text(*blocks, *explain),
            };
            (text, exit)
        }
        Err(reason) => {
            let text = if options.json { reason.to_json() } else { reason.to_text() };
            (text, Exit::Undetermined)
        }
    };
    answer(text.trim_end());
    exit
}

fn derive(options: &Options) -> Result<Report, Undetermined> {
    let folder = &options.folder;
    let unread = |error: &dyn std::fmt::Display| Undetermined {
        reason: format!("{}: {error}", folder.display()),
        missing_key: None,
    };
    let recording = Recording::open(folder).map_err(|error| unread(&error))?;
    // Before the clock runs: it takes longer than deriving.
    recording.check_blobs().map_err(|error| unread(&error))?;
    let mut progress = Progress::start();
    let heads = recording.l1_heads.len();
    let show = &mut |now: ReplayProgress| {
        progress.say(|| format!("L1 block {}, L2 block {}, {heads} L1 heads", now.l1, now.l2));
    };
    let options = ReplayOptions { explain: true, finality_depth: options.finality_depth };
    let derived = replay(&recording, options, show).map_err(|error| Undetermined {
        missing_key: match error {
            ReplayError::Missing { key, .. } => Some(key),
            _ => None,
        },
        ..unread(&error)
    })?;
    let difference = first_difference(&recording, &derived);
    Ok(Report::new(&recording, &derived, difference))
}
