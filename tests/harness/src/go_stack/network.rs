//! A recorded chain started anew on a geth L1: the network that the Go stack runs when opal is not there.
//!
//! Start with [`Network::start`]; then let rollup nodes and batchers join.
//!
//! **Invariant:** batches are in calldata, because plain geth serves no blobs.

use super::{
    Geth, GethL1, GethL1Options, GethOptions, OpBatcher, OpBatcherOptions, OpNode, OpNodeOptions,
    Programs, ShiftedChain,
};
use crate::{process::Scratch, rpc::Rpc};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The recorded chain whose genesis is moved to now: blocks of a second, Karst 30 s after genesis.
const RECORDING: &str = "i-genesis-jovian-l1-blob-schedule";

/// The recording's batcher.
const BATCHER_KEY: &str = "0x0000000000000000000000000000000000000000000000000000000000001001";

/// A running L1 and what is needed to join the chain on it.
#[derive(Debug)]
pub struct Network {
    /// The L1.
    pub l1: GethL1,
    /// The chain's files.
    pub chain: ShiftedChain,
    /// The programs.
    pub programs: Programs,
    /// Its rollup config.
    pub rollup: PathBuf,
    /// The first execution client, which told the genesis block.
    pub first: Geth,
    folder: PathBuf,
}

impl Network {
    /// Starts the L1 and one op-geth.
    #[track_caller]
    pub fn start(programs: Programs, scratch: &Scratch) -> Self {
        let chain = ShiftedChain::write(RECORDING, scratch);
        let folder = scratch.path().to_owned();
        let geth = GethOptions {
            program: &programs.geth,
            name: "l1",
            genesis: Some(&chain.l1_genesis),
            jwt: &chain.jwt,
            folder: &folder,
            flags: &["--miner.recommit", "50ms"],
        };
        let (period, osaka_time) = (Duration::from_secs(1), chain.osaka_time);
        let l1 = GethL1::start(&GethL1Options { geth, period, osaka_time });
        let first = op_geth(&programs, &chain, &folder, "first-geth");
        let rollup = chain.write_rollup(scratch, &l1.geth, &first);
        Self { l1, chain, programs, rollup, first, folder }
    }

    /// Another op-geth.
    #[track_caller]
    pub fn op_geth(&self, name: &str) -> Geth {
        op_geth(&self.programs, &self.chain, &self.folder, name)
    }

    /// An op-node on this Engine API.
    #[track_caller]
    pub fn op_node(&self, name: &str, engine: &Rpc, sequencer: bool) -> OpNode {
        OpNode::start(&OpNodeOptions {
            program: &self.programs.op_node,
            name,
            l1: self.l1.geth.rpc.url(),
            l1_beacon: None,
            l2_engine: engine.url(),
            jwt: &self.chain.jwt,
            rollup: &self.rollup,
            l1_config: &self.chain.l1_genesis,
            sequencer,
            folder: &self.folder,
        })
    }

    /// An op-batcher for the sequencer at these addresses.
    #[track_caller]
    pub fn op_batcher(&self, l2: &Rpc, rollup: &Rpc) -> OpBatcher {
        OpBatcher::start(&OpBatcherOptions {
            program: &self.programs.op_batcher,
            name: "op-batcher",
            l1: self.l1.geth.rpc.url(),
            l2: l2.url(),
            rollup: rollup.url(),
            key: BATCHER_KEY,
            cell_proof_time: self.chain.osaka_time,
            availability: "calldata",
            folder: &self.folder,
            flags: &[],
        })
    }

    /// Number of the block that activates Karst.
    pub fn karst(&self) -> u64 {
        // A block every second from genesis on.
        self.chain.karst_time - self.chain.genesis_time
    }
}

#[track_caller]
fn op_geth(programs: &Programs, chain: &ShiftedChain, folder: &Path, name: &str) -> Geth {
    Geth::start(&GethOptions {
        program: &programs.op_geth,
        name,
        genesis: Some(&chain.l2_genesis),
        jwt: &chain.jwt,
        folder,
        flags: &["--rollup.disabletxpoolgossip=true"],
    })
}
