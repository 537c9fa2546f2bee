//! A long L1 without batches: the sequencing window forces empty blocks.
//!
//! **Invariant:** shape and length are those of the run that the Go stack's figures are from.

use crate::{
    chain::{Plan, l1_block, write_configs, write_l1},
    measure, print,
};
use alloy_primitives::Address;
use opal_host::Recording;
use tempfile::TempDir;

const L1_BLOCKS: usize = 3000;
const L1_BLOCK_TIME: u64 = 12;
const SEQUENCING_WINDOW: u64 = 10;
const FORKS: [&str; 10] = [
    "regolith", "canyon", "delta", "ecotone", "fjord", "granite", "holocene", "isthmus", "jovian",
    "karst",
];
/// Blocks per second of op-node and op-geth as a verifier, archive and full (go-stack.md section 5). They cannot run
/// here; theirs is wall time of a machine that did other things too.
const GO_STACK: (f64, f64) = (81.0, 86.0);

pub(crate) fn run() {
    let recording = make();
    let figures = measure(&recording);
    print("empty blocks", &recording, &figures);
    let speed = figures.blocks as f64 / figures.seconds;
    let (archive, full) = GO_STACK;
    println!(
        "Empty blocks per second: {speed:.0}; op-node with op-geth {archive:.0} to {full:.0} (recorded, \
         go-stack.md section 5): ratio {:.1}",
        speed / full
    );
}

fn make() -> Recording {
    let folder = TempDir::new().unwrap();
    let mut blocks = vec![l1_block(None, L1_BLOCK_TIME, Vec::new())];
    while blocks.len() < L1_BLOCKS {
        blocks.push(l1_block(blocks.last(), L1_BLOCK_TIME, Vec::new()));
    }
    let plan = Plan {
        sequencing_window: SEQUENCING_WINDOW,
        forks: &FORKS,
        batcher: Address::repeat_byte(1),
        users: &[],
    };
    write_configs(folder.path(), &blocks[0], plan);
    write_l1(folder.path(), &blocks);
    Recording::open(folder.path()).unwrap()
}
