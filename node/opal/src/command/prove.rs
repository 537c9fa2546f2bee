//! `opal prove`: decides a claim about the output root of an L2 block.
//!
//! **Invariant:** whatever prevents a verdict, unreadable files included, is "undetermined", never a verdict.

use super::{answer, guest, progress::Progress};
use crate::exit::Exit;
use alloy_primitives::B256;
use clap::Args;
use opal_host::{
    Archive, ClaimReport, ClaimServer, Recording, Verdict, archive_recorded, decide_claim,
    decide_claim_in_vm,
};
use opal_program::Boot;
use serde_json::json;
use std::path::PathBuf;

/// Derives and executes up to an L2 block, and compares its output root.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// Folder with the recorded L1 and L2 blocks, blobs and configs.
    #[arg(long, env = "OPAL_RECORDING", value_name = "FOLDER")]
    recording: PathBuf,
    /// Number of the L2 block that the claim is about.
    #[arg(long, value_name = "N")]
    block: u64,
    /// Number of the L2 block that both sides agree on [default: the one before].
    #[arg(long, value_name = "M")]
    agreed: Option<u64>,
    /// Claimed output root [default: the recorded one].
    #[arg(long, value_name = "HASH")]
    claim: Option<B256>,
    /// Newest L1 block that counts [default: the last recorded head].
    #[arg(long, value_name = "HASH")]
    l1_head: Option<B256>,
    /// Run the program inside the MIPS64 VM, as a dispute game would.
    #[arg(long, env = "OPAL_VM")]
    vm: bool,
    /// Guest image to run instead of the one in this binary.
    #[arg(long, env = "OPAL_GUEST", value_name = "FILE", requires = "vm")]
    guest: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
}

const EXAMPLE: &str = "Example:
  opal prove --recording my-recording --block 120 --agreed 100 --vm

The exit status is 0 for a right claim, 1 for a wrong one, 2 when it could not be determined.";

/// Decides and prints.
pub(crate) fn run(options: &Options) -> Exit {
    match decide(options) {
        Ok(report) => {
            answer(if options.json { report.to_json() } else { report.to_string() }.trim_end());
            match report.verdict {
                Verdict::Valid => Exit::Done,
                Verdict::Invalid { .. } => Exit::Invalid,
                Verdict::Undetermined { .. } => Exit::Undetermined,
            }
        }
        Err(reason) => {
            let json = json!({"verdict": "undetermined", "reason": reason}).to_string();
            let text = format!("{:<16} could not be determined\n{:<16} {reason}", "verdict", "why");
            answer(if options.json { &json } else { &text });
            Exit::Undetermined
        }
    }
}

fn decide(options: &Options) -> Result<ClaimReport, String> {
    let folder = options.recording.display();
    let recording =
        Recording::open(&options.recording).map_err(|error| format!("{folder}: {error}"))?;
    let archive = archive_recorded(&recording).map_err(|error| format!("{folder}: {error}"))?;
    let boot = boot(options, &recording, &archive)?;
    let mut server = ClaimServer::new(&recording, &archive, boot);
    if !options.vm {
        return Ok(decide_claim(&mut server));
    }
    let image = guest::image(options.guest.as_deref())?;
    let mut progress = Progress::start();
    Ok(decide_claim_in_vm(&image, &mut server, &mut |steps| progress.show(steps)))
}

fn boot(options: &Options, recording: &Recording, archive: &Archive) -> Result<Boot, String> {
    let root = |number: u64, flag: &str| {
        let output = archive.output_root(number).map(|output| output.hash());
        output.ok_or_else(|| format!("the recording has no L2 block {number}{flag}"))
    };
    let agreed = options.agreed.unwrap_or_else(|| options.block.saturating_sub(1));
    let head = recording.l1_heads.last().copied();
    Ok(Boot {
        l1_head: options.l1_head.or(head).ok_or("the recording has no L1 block")?,
        agreed_output_root: root(agreed, "")?,
        claimed_output_root: match options.claim {
            Some(claim) => claim,
            None => root(options.block, "; to claim one beyond its end, give --claim")?,
        },
        claimed_number: options.block,
        chain_id: recording.config.l2_chain_id,
    })
}
