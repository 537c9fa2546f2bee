//! kill -9 at random moments: with `--state` the next start goes on, nothing that was safe is lost, followers agree.

use crate::process::{Service, free_ports};
use alloy_primitives::{Address, Bytes};
use opal_harness::{
    rpc::{Rpc, quantity},
    wallet::Wallet,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Times that the devnet is killed.
const KILLS: u64 = 6;
/// Virtual seconds that each life would last.
const LIFE_S: u64 = 4_000;
/// The account that sends all the time.
const USER: usize = 3;
/// Real time that a follower has to catch up.
const PATIENCE: Duration = Duration::from_secs(120);

struct Life<'a> {
    ports: &'a [String],
    state: &'a Path,
    /// Further arguments.
    more: &'a [&'a str],
}

impl Life<'_> {
    fn start(&self) -> Service {
        let [l1, l2, beacon, rollup, admin] = self.ports else { panic!("five ports") };
        let export = self.state.join("export");
        let arguments = [
            "devnet",
            "--json",
            "--chains",
            "1",
            "--clock",
            "virtual",
            "--data-availability",
            "calldata",
            "--state",
            self.state.to_str().unwrap(),
            "--export",
            export.to_str().unwrap(),
            "--l1.port",
            l1,
            "--l2.starting.port",
            l2,
            "--beacon.port",
            beacon,
            "--rollup.starting.port",
            rollup,
            "--admin.port",
            admin,
        ];
        Service::start(&[&arguments, self.more].concat())
    }
}

fn block_hash(service: &Service, rpc: &Value, number: u64) -> Value {
    let at = format!("{number:#x}");
    service.call::<Value>(rpc, "eth_getBlockByNumber", json!([at, false]))["hash"].clone()
}

fn safe(service: &Service, rollup: &Value) -> (u64, Value) {
    labelled(service, rollup, "safe_l2")
}

fn labelled(service: &Service, rollup: &Value, label: &str) -> (u64, Value) {
    let status: Value = service.call(rollup, "optimism_syncStatus", ());
    let block = &status[label];
    (block["number"].as_u64().unwrap(), block["hash"].clone())
}

/// Lives for a while, and is killed. What had this label just before.
fn live_and_die(life: &Life<'_>, moment_ms: u64, label: &str) -> (u64, Value) {
    let service = life.start();
    let ready = service.ready();
    let rollup = &ready["chains"][0]["rollup"];
    thread::scope(|scope| {
        let killed = scope.spawn(|| {
            // It does not answer: it is killed in the middle.
            let _ = service.try_call::<Value>(&ready["admin"], "opal_advance", [LIFE_S]);
        });
        let deadline = Instant::now() + Duration::from_millis(moment_ms);
        let mut last = labelled(&service, rollup, label);
        let users = Rpc::new(ready["chains"][0]["rpc"].as_str().unwrap());
        while Instant::now() < deadline {
            // A pool that is just opening, or gone, may refuse.
            let _ =
                Wallet::dev(USER).send(&users, Some(Address::repeat_byte(0x11)), 1, Bytes::new());
            last = labelled(&service, rollup, label);
        }
        service.kill();
        killed.join().unwrap();
        last
    })
}

#[test]
fn nothing_safe_is_lost_and_followers_agree() {
    let folder = tempfile::tempdir().unwrap();
    let ports = free_ports(5);
    let life = Life { ports: &ports, state: folder.path(), more: &[] };
    let first = life.start();
    // Its L1 is unplugged by each kill, and comes back.
    let onlooker = node(&first.ready(), folder.path(), "onlooker");
    let onlookers_ready = onlooker.ready();
    first.kill();
    let mut safes = Vec::new();
    for round in 0..KILLS {
        safes.push(live_and_die(&life, moment_ms(round), "safe_l2"));
    }
    let service = life.start();
    let ready = service.ready();
    let (rpc, rollup) = (&ready["chains"][0]["rpc"], &ready["chains"][0]["rollup"]);
    let _: Value = service.call(&ready["admin"], "opal_advance", [300]);
    for (number, hash) in &safes {
        assert_eq!(block_hash(&service, rpc, *number), *hash, "safe block {number} is gone");
    }
    let (number, hash) = safe(&service, rollup);
    assert!(number > safes.last().unwrap().0, "no block became safe after the last start");
    check_transfers(&service, rpc);
    check_agrees((&service, rpc), (&onlooker, &onlookers_ready), (number, &hash));
    // A follower that is itself killed once.
    let latecomer = node(&ready, folder.path(), "latecomer");
    latecomer.ready();
    thread::park_timeout(Duration::from_millis(400));
    latecomer.kill();
    drop(latecomer);
    let latecomer = node(&ready, folder.path(), "latecomer");
    let latecomers_ready = latecomer.ready();
    check_agrees((&service, rpc), (&latecomer, &latecomers_ready), (number, &hash));
}

/// Reorgs of L1 up to 20 deep every 15 blocks, some of which drop transactions, and now and then an outage of the batcher.
fn faults() -> String {
    let reorg = |turn: u64| {
        let (at, depth, drops) = (turn * 15, 1 + turn * 7 % 20, turn.is_multiple_of(3));
        format!(
            "[[fault]]\nkind = \"l1-reorg\"\nat = {at}\ndepth = {depth}\ndrop-transactions = {drops}\n"
        )
    };
    let outage =
        |at: u64| format!("[[fault]]\nkind = \"batcher-outage\"\nat = {at}\nblocks = 40\n");
    (1..=500).map(reorg).chain((1..=40).map(|turn| outage(turn * 190))).collect()
}

#[test]
fn nothing_final_is_lost_and_followers_agree_while_l1_reorgs() {
    let folder = tempfile::tempdir().unwrap();
    let schedule = folder.path().join("chaos.toml");
    std::fs::write(&schedule, faults()).unwrap();
    let ports = free_ports(5);
    let more = ["--finality-depth", "32", "--seq-window-size", "100", "--chaos"];
    let more = [&more[..], &[schedule.to_str().unwrap()]].concat();
    let life = Life { ports: &ports, state: folder.path(), more: &more };
    let first = life.start();
    let onlooker = node(&first.ready(), folder.path(), "onlooker");
    let onlookers_ready = onlooker.ready();
    first.kill();
    let finals: Vec<_> = (0..KILLS)
        .map(|round| live_and_die(&life, 500 + moment_ms(round), "finalized_l2"))
        .collect();
    let service = life.start();
    let ready = service.ready();
    let (rpc, rollup) = (&ready["chains"][0]["rpc"], &ready["chains"][0]["rollup"]);
    let _: Value = service.call(&ready["admin"], "opal_advance", [600]);
    for (number, hash) in &finals {
        assert_eq!(block_hash(&service, rpc, *number), *hash, "final block {number} is gone");
    }
    let (number, hash) = labelled(&service, rollup, "finalized_l2");
    assert!(number > finals.last().unwrap().0, "no block became final after the last start");
    check_transfers(&service, rpc);
    check_agrees((&service, rpc), (&onlooker, &onlookers_ready), (number, &hash));
}

/// Moments that differ from run to run of the machine anyway.
const fn moment_ms(round: u64) -> u64 {
    300 + round * 677 % 1_900
}

/// Users' transfers are in safe blocks.
#[track_caller]
fn check_transfers(service: &Service, rpc: &Value) {
    let parameters = json!([Wallet::dev(USER).address, "safe"]);
    let sent: Value = service.call(rpc, "eth_getTransactionCount", parameters);
    assert!(quantity(&sent).unwrap() > KILLS, "{sent} transfers are safe");
}

/// A follower of this devnet that keeps its chain in a folder of that name.
fn node(ready: &Value, folder: &Path, name: &str) -> Service {
    Service::start(&[
        "node",
        "--json",
        "--l1",
        ready["l1"]["rpc"].as_str().unwrap(),
        "--l1.beacon",
        ready["l1"]["beacon"].as_str().unwrap(),
        "--chains",
        folder.join("export").to_str().unwrap(),
        "--state",
        folder.join(name).to_str().unwrap(),
        "--rpc.port",
        "0",
        "--rollup.port",
        "0",
    ])
}

/// Waits until a follower has this safe block, and compares the blocks below it.
#[track_caller]
fn check_agrees(
    (devnet, rpc): (&Service, &Value),
    (node, ready): (&Service, &Value),
    (number, hash): (u64, &Value),
) {
    let own = &ready["chains"][0];
    let deadline = Instant::now() + PATIENCE;
    while safe(node, &own["rollup"]).0 < number {
        assert!(Instant::now() < deadline, "the follower is too slow");
        thread::park_timeout(Duration::from_millis(50));
    }
    for number in (0..=number).rev().step_by(7) {
        let ours = block_hash(devnet, rpc, number);
        assert_eq!(block_hash(node, &own["rpc"], number), ours, "block {number}");
    }
    assert_eq!(block_hash(node, &own["rpc"], number), *hash);
}
