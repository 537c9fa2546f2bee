//! Blocks through the whole engine: attributes, payload, insertion, forkchoice; and the same
//! inserted by another engine, empty and of 5 Mgas: `cargo bench -p opal-engine --bench engine`
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
/// Blocks of 5 Mgas.
const FULL_BLOCKS: u32 = 200;
/// Transfers of each of the four senders in one of those: 240 cost 5.04 Mgas.
const EACH: u64 = 60;

fn main() {
    println!("{:<34} {:>9} {:>12} {:>9}", "", "each/s", "per CPU s", "peak MiB");
    let mut blocks = Vec::new();
    for (name, is_l2) in
        [("empty L2 blocks built, memory", true), ("empty L1 blocks built, memory", false)]
    {
        let world = if is_l2 {
            world::l2(StoreLocation::Memory)
        } else {
            world::l1(StoreLocation::Memory, 0)
        };
        measure(name, BLOCKS, || {
            for _ in 0..BLOCKS {
                let built = world.grow();
                if is_l2 {
                    blocks.push(BlockData::from(&*built.block));
                }
            }
        });
    }
    transfers();
    insert("empty L2 blocks", &blocks);
    insert("L2 blocks of 5 Mgas", &full_blocks());
}

/// Executes blocks, in memory and on disk.
fn insert(what: &str, blocks: &[BlockData]) {
    let folder = tempfile::tempdir().unwrap();
    for (place, store) in [
        ("memory", StoreLocation::Memory),
        ("folder", StoreLocation::Folder(folder.path().to_owned())),
    ] {
        let world = world::l2(store);
        let count = u32::try_from(blocks.len()).unwrap();
        measure(&format!("{what} inserted, {place}"), count, || {
            for block in blocks {
                world.engine.insert(block).unwrap();
                let (head, zero) = (block.hash, B256::ZERO);
                world.engine.forkchoice(Forkchoice { head, safe: zero, finalized: zero }).unwrap();
            }
        });
    }
}

/// Blocks full of transfers.
fn full_blocks() -> Vec<BlockData> {
    let world = world::l2(StoreLocation::Memory);
    let fill = |number: u64| {
        for nonce in number * EACH..(number + 1) * EACH {
            for key in world::funded() {
                let tx = alloy_consensus::TxEip1559 { gas_limit: 21_000, ..world.transfer(nonce) };
                world.send(&key.sign(tx));
            }
        }
        let built = world.grow();
        let gas_used = built.block.header.inner().gas_used;
        assert!(gas_used > 5_000_000, "{gas_used}");
        BlockData::from(&*built.block)
    };
    (0..u64::from(FULL_BLOCKS)).map(fill).collect()
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
    measure("transfers into the pool", 4_000, || {
        for raw in &raw {
            world.send(raw);
        }
    });
    measure("transfers into 3 blocks", 4_000, || {
        let blocks = [world.grow(), world.grow(), world.grow()];
        let count = |built: &opal_engine::BuiltBlock| built.block.transactions.len();
        assert_eq!(blocks.iter().map(count).sum::<usize>(), raw.len());
    });
}

fn measure(name: &str, count: u32, run: impl FnOnce()) {
    let (wall, clock) = (Instant::now(), CpuTime::start());
    run();
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), clock.elapsed());
    let per = |seconds: f64| f64::from(count) / seconds;
    let peak = peak_memory_mib().unwrap_or(f64::NAN);
    println!("{name:<34} {:>9.0} {:>12.0} {peak:>9.0}", per(wall), per(cpu));
}
