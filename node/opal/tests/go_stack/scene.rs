//! What the tests share: a devnet, the programs that join it, traffic on it, and how two views of a chain are compared.
//!
//! **Invariant:** a difference names the first block in which the two sides differ.

use opal_harness::{
    devnet::{Devnet, DevnetChain},
    go_stack::{
        Geth, GethOptions, Jwt, OpBatcher, OpBatcherOptions, OpNode, OpNodeOptions, Programs,
        programs,
    },
    process::{Process, Scratch, Stream, until},
    rpc::Rpc,
    wallet::Wallet,
};
use serde_json::{Value, json};
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// The program under test.
pub(crate) const OPAL: &str = env!("CARGO_BIN_EXE_opal");

/// Until a few dozen blocks are safe, with other tests beside it.
pub(crate) const LIMIT: Duration = Duration::from_secs(240);

/// What a test has at hand. The devnet ends last, so that what follows it logs no noise.
pub(crate) struct Scene {
    pub(crate) programs: Programs,
    pub(crate) devnet: Devnet,
    pub(crate) jwt: Jwt,
    pub(crate) scratch: Scratch,
}

impl Scene {
    /// A devnet of one chain with these flags, or `None` where Go is missing.
    #[track_caller]
    pub(crate) fn start(test: &str, flags: &[&str]) -> Option<Self> {
        let programs = programs(test)?;
        let scratch = Scratch::new(test);
        let mut all = vec!["--chains", "1"];
        all.extend(flags);
        let devnet = Devnet::opal(Path::new(OPAL), &all, &scratch);
        let jwt = Jwt::write(scratch.path().join("jwt.txt"));
        Some(Self { programs, devnet, jwt, scratch })
    }

    pub(crate) fn chain(&self) -> &DevnetChain {
        &self.devnet.chains[0]
    }

    /// The devnet's own view of the chain's safe blocks.
    pub(crate) fn rollup(&self) -> &Rpc {
        self.chain().rollup.as_ref().expect("a derived chain has a rollup RPC")
    }

    pub(crate) fn rollup_file(&self) -> PathBuf {
        self.devnet.rollup_file(self.chain().chain_id)
    }

    pub(crate) fn genesis_file(&self) -> PathBuf {
        self.devnet.genesis_file(self.chain().chain_id)
    }

    /// An op-geth with the chain's genesis.
    pub(crate) fn op_geth(&self, name: &str) -> Geth {
        Geth::start(&GethOptions {
            program: &self.programs.op_geth,
            name,
            genesis: Some(&self.genesis_file()),
            jwt: &self.jwt,
            folder: self.scratch.path(),
            flags: &["--rollup.disabletxpoolgossip=true"],
        })
    }

    /// An op-node on the Engine API at this address.
    pub(crate) fn op_node(&self, name: &str, engine: &Rpc, sequencer: bool) -> OpNode {
        OpNode::start(&OpNodeOptions {
            program: &self.programs.op_node,
            name,
            l1: self.devnet.l1.url(),
            l1_beacon: self.devnet.beacon.as_deref(),
            l2_engine: engine.url(),
            jwt: &self.jwt,
            rollup: &self.rollup_file(),
            l1_config: &self.devnet.l1_genesis(),
            sequencer,
            folder: self.scratch.path(),
        })
    }

    /// An op-batcher for the sequencer at these two addresses.
    pub(crate) fn op_batcher(&self, l2: &Rpc, rollup: &Rpc, flags: &[&str]) -> OpBatcher {
        let key = self.devnet.batcher_key_file(self.chain().chain_id);
        let key = std::fs::read_to_string(key).expect("the devnet exports the key");
        OpBatcher::start(&OpBatcherOptions {
            program: &self.programs.op_batcher,
            name: "op-batcher",
            l1: self.devnet.l1.url(),
            l2: l2.url(),
            rollup: rollup.url(),
            key: key.trim(),
            cell_proof_time: 0,
            availability: "blobs",
            folder: self.scratch.path(),
            flags,
        })
    }

    /// A process of opal that tells its endpoints as one JSON object.
    #[track_caller]
    pub(crate) fn opal(&self, name: &str, arguments: &[&str]) -> (Process, Value) {
        let mut command = Command::new(OPAL);
        command.args(arguments).arg("--json");
        let mut process = Process::start(name, &mut command, self.scratch.path());
        let ready = process.line("the ready line", LIMIT, |line| line.stream == Stream::Out);
        let ready = serde_json::from_str(&ready.text).expect("the ready line is JSON");
        (process, ready)
    }

    /// Sends a transfer on L2, and with it now and then a deposit from L1; gives up quietly while a fork passes.
    pub(crate) fn traffic(&self, l2: &Rpc, round: u64) {
        let stranger = Wallet::dev(9).address;
        let _ = Wallet::dev(0).send(l2, Some(stranger), 1, Default::default());
        if round.is_multiple_of(4) {
            let portal = self.devnet.portal(self.chain().chain_id);
            // A plain transfer to the portal is a deposit to the sender.
            let _ = Wallet::dev(1).send(&self.devnet.l1, Some(portal), 1_000, Default::default());
        }
    }

    /// Waits with traffic on the chain until `check` holds.
    #[track_caller]
    pub(crate) fn with_traffic(&self, what: &str, l2: &Rpc, mut check: impl FnMut() -> bool) {
        let mut round = 0;
        until(what, LIMIT, || {
            if round % 20 == 0 {
                self.traffic(l2, round / 20);
            }
            round += 1;
            check().then_some(())
        });
    }
}

/// A path as an argument.
#[track_caller]
pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a scratch folder's name is text")
}

/// The number of the block with this label in a rollup node's sync status.
pub(crate) fn labelled(rollup: &Rpc, label: &str) -> Option<u64> {
    let status = rollup.call("optimism_syncStatus", json!([])).ok()?;
    status[label]["number"].as_u64()
}

/// Demands that both sides have the same blocks up to `last`, in every field that a hash covers.
#[track_caller]
pub(crate) fn same_blocks(ours: &Rpc, theirs: &Rpc, last: u64) {
    for number in 0..=last {
        let tag = format!("0x{number:x}");
        let (ours, theirs) = (ours.block(&tag), theirs.block(&tag));
        let hash = |block: &Option<Value>| block.as_ref().map(|it| it["hash"].clone());
        assert!(
            hash(&ours).is_some() && hash(&ours) == hash(&theirs),
            "block {number} differs:\n  {ours:?}\n  {theirs:?}"
        );
    }
}

/// Demands that both rollup nodes made the same L2 blocks safe with the same L1 blocks, up to L1 block `last`; gives
/// how many safe heads there were.
#[track_caller]
pub(crate) fn same_safe_heads(ours: &Rpc, theirs: &Rpc, last: u64) -> usize {
    let mut heads = Vec::new();
    for number in 1..=last {
        let at = |rollup: &Rpc| {
            rollup.call("optimism_safeHeadAtL1Block", json!([format!("0x{number:x}")])).ok()
        };
        let (ours, theirs) = (at(ours), at(theirs));
        assert_eq!(ours, theirs, "safe head at L1 block {number}");
        heads.extend(ours.map(|it| it["safeHead"]["number"].clone()));
    }
    heads.dedup();
    heads.len()
}

/// Demands that every deposit of a block succeeded: the transactions of an upgrade are deposits.
#[track_caller]
pub(crate) fn deposits_succeeded(rpc: &Rpc, number: u64) -> usize {
    let receipts: Vec<Value> = rpc.get("eth_getBlockReceipts", json!([format!("0x{number:x}")]));
    let deposits = receipts.iter().filter(|it| it["type"] == "0x7e");
    deposits
        .map(|it| assert_eq!(it["status"], "0x1", "block {number}: {}", it["transactionHash"]))
        .count()
}
