//! Followers of a long L1: `opal node`, and op-node on op-geth beside it, derive an empty chain over RPC.
//!
//! **Invariant:** both read the same L1 from the same process; the clock runs from a follower's start until the block is safe.

use opal_harness::{
    devnet::Devnet,
    go_stack::{Geth, GethOptions, Jwt, OpNode, OpNodeOptions, programs},
    process::{Process, Scratch, Stream, until},
    rpc::Rpc,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

const OPAL: &str = env!("CARGO_BIN_EXE_opal");

/// Length of the L1 in seconds; a block of L1 and of L2 every two.
const SECONDS: u64 = 6_000;

/// The clock is moved in steps, each of which the devnet's services work off.
const STEP: u64 = 200;

/// Batches in call data: proofs of blobs would take most of the time in which the L1 is made.
const FLAGS: [&str; 6] = ["--chains", "1", "--clock", "virtual", "--data-availability", "calldata"];

const LIMIT: Duration = Duration::from_secs(600);

struct Scene {
    devnet: Devnet,
    scratch: Scratch,
    /// The last safe block.
    last: u64,
}

pub(crate) fn run() {
    let scratch = Scratch::new("bench-follow");
    let devnet = Devnet::opal(Path::new(OPAL), &FLAGS, &scratch);
    let rollup = devnet.chains[0].rollup.clone().unwrap();
    let admin = devnet.admin.clone().unwrap();
    for _ in 0..SECONDS / STEP {
        admin.call("opal_advance", json!([STEP])).unwrap();
    }
    let last = until("a safe head", LIMIT, || safe(&rollup).filter(|it| *it > SECONDS / 3));
    let scene = Scene { devnet, scratch, last };
    println!("\nFollowers of {last} empty blocks over RPC, with their start:");
    print("opal node", last, scene.opal());
    if let Some(time) = scene.go_stack() {
        print("op-node on op-geth", last, time);
    }
}

fn print(name: &str, blocks: u64, time: Duration) {
    let seconds = time.as_secs_f64();
    println!("{name:<40}{seconds:>10.1} s{:>10.0} blocks/s", blocks as f64 / seconds);
}

fn safe(rollup: &Rpc) -> Option<u64> {
    rollup.call("optimism_syncStatus", json!([])).ok()?["safe_l2"]["number"].as_u64()
}

impl Scene {
    fn until_safe(&self, rollup: &Rpc) {
        until("the follower's safe head", LIMIT, || safe(rollup).filter(|it| *it >= self.last));
    }

    fn opal(&self) -> Duration {
        let start = Instant::now();
        let mut command = Command::new(OPAL);
        command.args(["node", "--json", "--rpc.port", "0", "--rollup.port", "0"]);
        command.args(["--l1", self.devnet.l1.url()]).arg("--chains").arg(self.devnet.export());
        command.args(["--l1.beacon", self.devnet.beacon.as_deref().unwrap()]);
        let mut node = Process::start("opal-node", &mut command, self.scratch.path());
        let ready = node.line("the ready line", LIMIT, |line| line.stream == Stream::Out);
        let ready: Value = serde_json::from_str(&ready.text).unwrap();
        self.until_safe(&Rpc::new(ready["chains"][0]["rollup"].as_str().unwrap()));
        start.elapsed()
    }

    fn go_stack(&self) -> Option<Duration> {
        let programs = programs("bench devnet: followers")?;
        let chain = &self.devnet.chains[0];
        let jwt = Jwt::write(self.scratch.path().join("jwt.txt"));
        let start = Instant::now();
        let geth = Geth::start(&GethOptions {
            program: &programs.op_geth,
            name: "op-geth",
            genesis: Some(&self.devnet.genesis_file(chain.chain_id)),
            jwt: &jwt,
            folder: self.scratch.path(),
            flags: &["--rollup.disabletxpoolgossip=true"],
        });
        let node = OpNode::start(&OpNodeOptions {
            program: &programs.op_node,
            name: "op-node",
            l1: self.devnet.l1.url(),
            l1_beacon: self.devnet.beacon.as_deref(),
            l2_engine: geth.engine.url(),
            jwt: &jwt,
            rollup: &self.devnet.rollup_file(chain.chain_id),
            l1_config: &self.devnet.l1_genesis(),
            sequencer: false,
            folder: self.scratch.path(),
        });
        self.until_safe(&node.rpc);
        let time = start.elapsed();
        let hash = |rpc: &Rpc| rpc.head(&format!("0x{:x}", self.last)).map(|(_, hash)| hash);
        assert_eq!(hash(&geth.rpc), hash(&chain.rpc));
        Some(time)
    }
}
