//! The Go stack stands without opal: what the tests beside opal rely on, and what they are compared with.
//!
//! **Invariant:** nothing of opal runs here.

use opal_harness::{
    go_stack::{Network, programs},
    process::Scratch,
    ran,
};
use std::time::{Duration, Instant};

/// Until Karst is safe, with other tests beside it.
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn sequencer_and_follower_agree_through_karst() {
    let Some(programs) = programs("sequencer_and_follower_agree_through_karst") else { return };
    let start = Instant::now();
    let scratch = Scratch::new("go-stack");
    let network = Network::start(programs, &scratch);
    let sequencer = network.op_node("sequencer", &network.first.engine, true);
    let batcher = network.op_batcher(&network.first.rpc, &sequencer.rpc);
    let following = network.op_geth("second-geth");
    let mut follower = network.op_node("follower", &following.engine, false);
    let up = start.elapsed();

    let last = network.karst() + 2;
    follower.until_number("safe_l2", last, LIMIT);
    for number in 0..=last {
        let tag = format!("0x{number:x}");
        assert_eq!(following.rpc.head(&tag), network.first.rpc.head(&tag), "block {number}");
    }
    assert!(batcher.published() > 0);
    let figures = format!("{last} blocks, up after {up:.1?}, {:.1?} in all", start.elapsed());
    ran("the Go stack alone", &figures);
}
