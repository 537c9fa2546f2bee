//! `opal host`: the pre-image server that a VM starts, with the argument lists of op-challenger (peers.md section 5).
//!
//! **Invariant:** an argument that this server cannot honour is refused, never passed over.

use super::{answer, complain, guest::bytes};
use crate::exit::Exit;
use alloy_primitives::B256;
use clap::{Args, Subcommand};
use opal_host::{
    Archive, ClaimServer, Pipes, PreimageFolder, Recording, Verdict, archive_recorded,
    decide_claim, serve,
};
use opal_program::Boot;
use opal_types::read::{l1_config_json, rollup_json};
use std::path::{Path, PathBuf};

/// Serves pre-images to a VM over file descriptors 3 to 6, or decides natively.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Choice,
}

#[derive(Debug, Subcommand)]
enum Choice {
    Single(Box<Single>),
}

/// A claim about one chain (game type 8).
#[derive(Debug, Args)]
struct Single {
    /// Folder with the recorded L1 and L2 blocks, blobs and configs.
    #[arg(long, env = "OPAL_RECORDING", value_name = "FOLDER")]
    recording: Option<PathBuf>,
    /// RPC of L1; not in this version.
    #[arg(long, value_name = "URL")]
    l1_node_address: Option<String>,
    /// Beacon API of L1; not in this version.
    #[arg(long, value_name = "URL")]
    l1_beacon_address: Option<String>,
    /// RPC of the L2; not in this version.
    #[arg(long, value_name = "URL")]
    l2_node_address: Option<String>,
    /// Newest L1 block that counts.
    #[arg(long, value_name = "HASH")]
    l1_head: B256,
    /// Hash of the agreed L2 block; it must fit the agreed output root.
    #[arg(long, value_name = "HASH")]
    agreed_l2_head_hash: Option<B256>,
    /// Output root of the agreed L2 block.
    #[arg(long, value_name = "HASH")]
    agreed_l2_output_root: B256,
    /// Output root in question.
    #[arg(long, value_name = "HASH")]
    claimed_l2_output_root: B256,
    /// Height of the L2 block in question.
    #[arg(long, value_name = "N")]
    claimed_l2_block_number: u64,
    /// Chain of the claim; it must be the recorded one.
    #[arg(long, value_name = "N")]
    l2_chain_id: Option<u64>,
    /// Rollup config; it must be the recorded one.
    #[arg(long, value_name = "FILE")]
    rollup_config_path: Option<PathBuf>,
    /// Genesis or chain config of L1; it must be the recorded one.
    #[arg(long, value_name = "FILE")]
    l1_config_path: Option<PathBuf>,
    /// Folder to keep the pre-images in that op-challenger reads itself.
    #[arg(long, value_name = "FOLDER")]
    data_dir: Option<PathBuf>,
    /// Serve over file descriptors 3 to 6.
    #[arg(long, conflicts_with = "native", required_unless_present = "native")]
    server: bool,
    /// Decide outside of a VM.
    #[arg(long)]
    native: bool,
}

/// Does what was asked for.
pub(crate) fn run(options: &Options) -> Exit {
    let Choice::Single(options) = &options.command;
    let outcome = match refusal(options) {
        Some(reason) => Err((Exit::Usage, reason)),
        None => single(options),
    };
    outcome.unwrap_or_else(|(exit, reason)| {
        complain(&reason);
        exit
    })
}

/// Why these arguments cannot be honoured.
fn refusal(options: &Single) -> Option<String> {
    let urls = [
        ("--l1-node-address", &options.l1_node_address),
        ("--l1-beacon-address", &options.l1_beacon_address),
        ("--l2-node-address", &options.l2_node_address),
    ];
    let given = urls.iter().find(|(_, url)| url.is_some()).map(|(flag, _)| *flag);
    match (given, &options.recording) {
        (Some(flag), _) => Some(format!(
            "{flag}: this version serves recordings only: give --recording FOLDER instead of URLs"
        )),
        (None, None) => Some("--recording FOLDER is missing".into()),
        (None, Some(_)) => None,
    }
}

fn single(options: &Single) -> Result<Exit, (Exit, String)> {
    let io = |reason: String| (Exit::Io, reason);
    let folder = options.recording.as_deref().unwrap_or_else(|| Path::new(""));
    let recording = Recording::open(folder).map_err(|error| io(error.to_string()))?;
    let archive = archive_recorded(&recording).map_err(|error| io(error.to_string()))?;
    check(options, &recording, &archive).map_err(|reason| (Exit::Usage, reason))?;
    // They live as long as the process: the thread for hints is not waited for.
    let (recording, archive) = (&*Box::leak(Box::new(recording)), &*Box::leak(Box::new(archive)));
    let mut server = ClaimServer::new(recording, archive, boot(options, recording));
    if let Some(path) = &options.data_dir {
        let kept = PreimageFolder::create(path);
        server.keep_in(kept.map_err(|error| io(format!("{}: {error}", path.display())))?);
    }
    if options.native {
        let report = decide_claim(&mut server);
        answer(report.to_string().trim_end());
        return Ok(match report.verdict {
            Verdict::Valid => Exit::Done,
            Verdict::Invalid { .. } => Exit::Invalid,
            Verdict::Undetermined { .. } => Exit::Undetermined,
        });
    }
    let pipes = Pipes::inherited()
        .map_err(|error| io(format!("file descriptors 3 to 6 are not there: {error}")))?;
    serve(server, pipes).map_err(|error| (Exit::Undetermined, error.to_string()))?;
    Ok(Exit::Done)
}

fn boot(options: &Single, recording: &Recording) -> Boot {
    Boot {
        l1_head: options.l1_head,
        agreed_output_root: options.agreed_l2_output_root,
        claimed_output_root: options.claimed_l2_output_root,
        claimed_number: options.claimed_l2_block_number,
        chain_id: recording.config.l2_chain_id,
    }
}

/// The arguments that say again what the recording says.
fn check(options: &Single, recording: &Recording, archive: &Archive) -> Result<(), String> {
    let id = recording.config.l2_chain_id;
    if let Some(other) = options.l2_chain_id.filter(|other| *other != id) {
        return Err(format!("--l2-chain-id is {other}, the recording is of chain {id}"));
    }
    if let Some(path) = &options.rollup_config_path {
        let config = rollup_json(&bytes(path)?).map_err(|error| error.to_string())?;
        same(config == recording.config, path)?;
    }
    if let Some(path) = &options.l1_config_path {
        let config = l1_config_json(&bytes(path)?).map_err(|error| error.to_string())?;
        same(config == recording.l1_config, path)?;
    }
    let Some(hash) = options.agreed_l2_head_hash else { return Ok(()) };
    let root = archive.block(hash).map(|block| block.output_root().hash());
    let fits = root.is_none_or(|root| root == options.agreed_l2_output_root);
    fits.then_some(()).ok_or_else(|| {
        format!("--agreed-l2-head-hash {hash} has another output root than --agreed-l2-output-root")
    })
}

fn same(is_same: bool, path: &Path) -> Result<(), String> {
    is_same.then_some(()).ok_or_else(|| format!("{}: is not the recorded config", path.display()))
}
