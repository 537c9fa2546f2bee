//! Generated chains through every fork, executed three ways: over a state in memory, over trie nodes by their hash, and
//! by op-geth (issue 3, rows E1 to E14; peers.md section 1).
//!
//! **Invariant:** a chain is made from its seed alone. Where Go is missing the first two ways still run.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../../../fault-proof/execute/tests/fork_rules/memory.rs"]
mod memory;

mod asm;
mod chain;
mod contracts;
mod differ;
mod generate;
mod geth;
mod keys;
mod l1;
mod nodes;
mod rng;

use chain::{Chain, schedule};
use opal_harness::{peer::go_peer, ran};
use opal_types::Fork;
use rng::Rng;

#[test]
fn a_chain_through_every_fork_is_the_same_three_ways() {
    let test = "peer_geth::every_fork";
    let program = go_peer("geth", test);
    for seed in 1..=2 {
        let forks = schedule(Fork::Bedrock, Fork::Lagoon, 6);
        let mut rng = Rng(seed);
        let mut chain = Chain::new(&format!("seed {seed}"), forks, program.as_deref());
        for _ in 0..70 {
            let attributes = generate::block(&mut rng, &chain);
            chain.push(&attributes);
        }
        ran(test, &format!("{} blocks compared with op-geth", chain.compared));
    }
}
