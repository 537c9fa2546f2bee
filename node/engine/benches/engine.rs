//! Empty blocks through the whole engine: attributes, payload, insertion, forkchoice; and the same
//! inserted by another engine: `cargo bench -p opal-engine --bench engine`
//!
//! **Invariant:** the engine is opened before the clock starts; it counts CPU time.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed run")]

#[path = "../tests/engine/keys.rs"]
mod keys;
#[path = "../tests/engine/world.rs"]
#[expect(dead_code, reason = "the tests use the rest")]
mod world;

use alloy_primitives::B256;
use opal_engine::{BlockData, Forkchoice, StoreLocation};
use opal_harness::measure::{CpuTime, peak_memory_mib};
use std::time::Instant;

const BLOCKS: u32 = 5_000;

fn main() {
    println!(
        "{:<34} {:>9} {:>12} {:>9}",
        "5,000 empty blocks", "blocks/s", "per CPU s", "peak MiB"
    );
    let mut blocks = Vec::new();
    for (name, is_l2) in [("L2 built and inserted, memory", true), ("L1, memory", false)] {
        let world = if is_l2 {
            world::l2(StoreLocation::Memory)
        } else {
            world::l1(StoreLocation::Memory, 0)
        };
        measure(name, || {
            for _ in 0..BLOCKS {
                let built = world.grow();
                if is_l2 {
                    blocks.push(BlockData::from(&*built.block));
                }
            }
        });
    }
    transfers();
    let folder = tempfile::tempdir().unwrap();
    for (name, store) in [
        ("L2 inserted, memory", StoreLocation::Memory),
        ("L2 inserted, folder", StoreLocation::Folder(folder.path().to_owned())),
    ] {
        let world = world::l2(store);
        measure(name, || {
            for block in &blocks {
                world.engine.insert(block).unwrap();
                let (head, zero) = (block.hash, B256::ZERO);
                world.engine.forkchoice(Forkchoice { head, safe: zero, finalized: zero }).unwrap();
            }
        });
    }
}

/// Blocks of transfers, through the pool.
fn transfers() {
    let world = world::l1(StoreLocation::Memory, 0);
    let mut raw = Vec::new();
    for nonce in 0..1_000 {
        let sign = |key: &keys::Key| {
            let tx = world.transfer(nonce);
            key.sign(alloy_consensus::TxEip1559 { gas_limit: 21_000, ..tx })
        };
        raw.extend(world::funded().iter().map(sign));
    }
    measure("4,000 transfers into the pool", || {
        for raw in &raw {
            world.send(raw);
        }
    });
    measure("4,000 transfers into 3 blocks", || {
        let blocks = [world.grow(), world.grow(), world.grow()];
        let count = |built: &opal_engine::BuiltBlock| built.block.transactions.len();
        assert_eq!(blocks.iter().map(count).sum::<usize>(), raw.len());
    });
}

fn measure(name: &str, run: impl FnOnce()) {
    let (wall, clock) = (Instant::now(), CpuTime::start());
    run();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), clock.elapsed());
    let per = |seconds: f64| f64::from(BLOCKS) / seconds;
    let peak = peak_memory_mib().unwrap_or(f64::NAN);
    println!("{name:<34} {:>9.0} {:>12.0} {peak:>9.0}", per(wall), per(cpu));
}
