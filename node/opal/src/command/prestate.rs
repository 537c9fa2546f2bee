//! `opal prestate`: absolute prestates without a compiler, and what is in them.
//!
//! **Invariant:** the hash that is printed is the one that a game is created with.

use super::{
    answer, complain,
    guest::{self, bytes},
};
use crate::exit::Exit;
use alloy_primitives::B256;
use clap::{Args, Subcommand};
use opal_host::prestate;
use opal_mips::{State, file};
use opal_types::{
    ChainSet,
    read::{l1_config_json, rollup_json},
};
use serde::Serialize;
use std::path::PathBuf;

/// Builds absolute prestates for a set of chains, and shows what is in them.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Choice,
}

#[derive(Debug, Subcommand)]
enum Choice {
    Build(Build),
    Show(Show),
}

/// Puts a chain set into the guest image and writes the state before its first step.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  opal prestate build --chain rollup.json --l1-config l1-genesis.json --out prestate.bin.gz"
)]
struct Build {
    /// Rollup config of a chain; repeat it for a set of chains.
    #[arg(long, value_name = "FILE", required = true)]
    chain: Vec<PathBuf>,
    /// Genesis or chain config of the L1.
    #[arg(long, value_name = "FILE")]
    l1_config: PathBuf,
    /// Guest image to fill instead of the one in this binary.
    #[arg(long, env = "OPAL_GUEST", value_name = "FILE")]
    guest: Option<PathBuf>,
    /// State file to write (.bin or .bin.gz).
    #[arg(long, value_name = "STATE")]
    out: PathBuf,
    /// Print one JSON object.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
}

/// Shows hash and chain set of a state file.
#[derive(Debug, Args)]
struct Show {
    /// State file (.bin or .bin.gz).
    state: PathBuf,
    /// Print one JSON object.
    #[arg(long, env = "OPAL_JSON")]
    json: bool,
}

/// What there is to say about a prestate.
#[derive(Debug, Serialize)]
struct Facts {
    /// State hash: what a game is created with.
    prestate: B256,
    step: u64,
    pages: usize,
    chain_ids: Vec<u64>,
    l1_chain_id: Option<u64>,
}

/// Does what was asked for.
pub(crate) fn run(options: &Options) -> Exit {
    let (facts, json) = match &options.command {
        Choice::Build(options) => (build(options), options.json),
        Choice::Show(options) => (show(options), options.json),
    };
    match facts {
        Ok(facts) => {
            answer(&if json { as_json(&facts) } else { as_table(&facts) });
            Exit::Done
        }
        Err(reason) => {
            complain(&reason);
            Exit::Io
        }
    }
}

fn build(options: &Build) -> Result<Facts, String> {
    let chain = |path: &PathBuf| {
        rollup_json(&bytes(path)?).map_err(|error| format!("{}: {error}", path.display()))
    };
    let chains = options.chain.iter().map(chain).collect::<Result<Vec<_>, _>>()?;
    let path = &options.l1_config;
    let l1 =
        l1_config_json(&bytes(path)?).map_err(|error| format!("{}: {error}", path.display()))?;
    let chain_set = ChainSet::new(chains, l1).map_err(|error| error.to_string())?;
    let image = guest::image(options.guest.as_deref())?;
    let state = prestate::build(&image, &chain_set).map_err(|error| error.to_string())?;
    file::save(&state, &options.out).map_err(|error| error.to_string())?;
    Ok(facts(state, Some(chain_set)))
}

fn show(options: &Show) -> Result<Facts, String> {
    let state = file::load(&options.state).map_err(|error| error.to_string())?;
    let chain_set = prestate::chain_set_of_state(&state)
        .map_err(|error| format!("{}: {error}", options.state.display()))?;
    Ok(facts(state, chain_set))
}

fn facts(mut state: State, chain_set: Option<ChainSet>) -> Facts {
    Facts {
        prestate: state.hash().into(),
        step: state.scalars.step,
        pages: state.memory.page_count(),
        chain_ids: chain_set.iter().flat_map(|it| it.chains()).map(|it| it.l2_chain_id).collect(),
        l1_chain_id: chain_set.map(|it| it.l1().chain_id),
    }
}

fn as_json(facts: &Facts) -> String {
    serde_json::to_string(facts).expect("the facts have string keys and integers only")
}

fn as_table(facts: &Facts) -> String {
    let chains: Vec<String> = facts.chain_ids.iter().map(u64::to_string).collect();
    let chains = if chains.is_empty() { "none: for development".into() } else { chains.join(", ") };
    let l1 = facts.l1_chain_id.map(|it| format!("\nL1 chain         {it}")).unwrap_or_default();
    format!(
        "prestate         {}\nstep             {}\npages            {}\nchains           {chains}{l1}",
        facts.prestate, facts.step, facts.pages
    )
}
