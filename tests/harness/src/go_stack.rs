//! The official Go stack beside opal: op-geth, op-node and op-batcher as processes, and plain geth as an L1.
//!
//! Start with [`programs`], then [`Network::start`], or [`Geth::start`] and [`OpNode::start`] for a chain of others. The programs are unchanged;
//! `scripts/peers.sh` builds them. All listen on free ports of the loopback address, told by their logs.
//!
//! **Invariant:** nothing here knows opal: a test that passes with these alone shows that the stack
//! stands, so a failure beside opal is about opal.

mod geth;
mod geth_l1;
mod network;
mod op_batcher;
mod op_node;
mod shifted;

pub use geth::{Geth, GethOptions, Jwt};
pub use geth_l1::{GethL1, GethL1Options};
pub use network::Network;
pub use op_batcher::{OpBatcher, OpBatcherOptions};
pub use op_node::{OpNode, OpNodeOptions};
pub use shifted::ShiftedChain;

use crate::peer::go_peer;
use std::{path::PathBuf, time::Duration};

/// How long a program may take to answer after its start, with other tests beside it.
pub const START_LIMIT: Duration = Duration::from_secs(90);

/// Where the programs are.
#[derive(Clone, Debug)]
pub struct Programs {
    /// The rollup node.
    pub op_node: PathBuf,
    /// The execution client of an OP Stack chain.
    pub op_geth: PathBuf,
    /// The batcher.
    pub op_batcher: PathBuf,
    /// An L1.
    pub geth: PathBuf,
}

/// The programs, or `None` after noting why `test` is skipped.
#[track_caller]
pub fn programs(test: &str) -> Option<Programs> {
    Some(Programs {
        op_node: go_peer("op-node", test)?,
        op_geth: go_peer("op-geth", test)?,
        op_batcher: go_peer("op-batcher", test)?,
        geth: go_peer("geth-node", test)?,
    })
}

/// What follows `NAME` in a log line of the form `NAME=value`.
fn field<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let rest = line.split(&format!(" {name}=")).nth(1)?;
    Some(rest.split(' ').next().unwrap_or(rest).trim_matches('"'))
}
