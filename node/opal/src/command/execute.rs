//! `opal execute`: re-executes one block over pre-images and compares its hash.
//!
//! **Invariant:** whatever prevents a verdict, unreadable files included, is "undetermined", never a verdict.

use super::{
    answer,
    guest::{self, bytes},
    progress::Progress,
};
use crate::exit::Exit;
use clap::Args;
use opal_execute::RevmCrypto;
use opal_host::{PreimageFile, Report, Verdict};
use opal_program::BlockTask;
use opal_types::read::BlockFixture;
use std::path::PathBuf;

/// Re-executes one block over pre-images, and compares the block hash.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// JSON file with rollup_config, parent_header, executing_payload and expected_block_hash.
    #[arg(env = "OPAL_FIXTURE")]
    fixture: PathBuf,
    /// File of pre-images: records of (u32 big-endian length, bytes), keyed by keccak256.
    #[arg(long, env = "OPAL_PREIMAGES", value_name = "FILE")]
    preimages: PathBuf,
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
  opal execute block-26207962.fixture.json --preimages block-26207962.preimages.bin --vm

The exit status is 0 for a valid block, 1 for an invalid one, 2 when it could not be determined.";

/// Decides and prints.
pub(crate) fn run(options: &Options) -> Exit {
    let report = match read(options) {
        Ok((task, file)) if options.vm => match guest::image(options.guest.as_deref()) {
            Ok(image) => in_vm(&image, &task, &file),
            Err(reason) => Report::unread(reason),
        },
        Ok((task, file)) => opal_host::execute(&task, &file, &mut RevmCrypto),
        Err(reason) => Report::unread(reason),
    };
    answer(if options.json { report.to_json() } else { report.to_string() }.trim_end());
    match report.verdict {
        Verdict::Valid => Exit::Done,
        Verdict::Invalid { .. } => Exit::Invalid,
        Verdict::Undetermined { .. } => Exit::Undetermined,
    }
}

fn in_vm(image: &[u8], task: &BlockTask, file: &PreimageFile) -> Report {
    let mut progress = Progress::start();
    let show = &mut |steps| progress.show(steps);
    opal_host::execute_in_vm(image, task, file, &mut RevmCrypto, show)
}

fn read(options: &Options) -> Result<(BlockTask, PreimageFile), String> {
    let fixture = BlockFixture::from_json(&bytes(&options.fixture)?)
        .map_err(|error| format!("fixture {}: {error}", options.fixture.display()))?;
    let task = BlockTask {
        config: fixture.config,
        parent: fixture.parent,
        attributes: fixture.attributes,
        expected_hash: fixture.expected_hash,
    };
    let file = PreimageFile::parse(bytes(&options.preimages)?.into())
        .map_err(|error| format!("{}: {error}", options.preimages.display()))?;
    Ok((task, file))
}
