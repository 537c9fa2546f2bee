//! A recorded chain's genesis files, moved to the present: the Go stack alone, without opal.
//!
//! **Invariant:** but for times, ether of the development accounts and a slot of the message passer nothing
//! is changed; the fork schedule keeps its distances.

use super::{Geth, Jwt};
use crate::{
    process::Scratch,
    vectors_root,
    wallet::{DEV_KEYS, Wallet},
};
use serde_json::Value;
use std::{
    path::PathBuf,
    time::{SystemTime, UNIX_EPOCH},
};

const MESSAGE_PASSER: &str = "0x4200000000000000000000000000000000000016";

/// 10,000 ether, as on any devnet.
const DEV_BALANCE: &str = "0x21e19e0c9bab2400000";

/// The files of one chain, as its programs read them.
#[derive(Debug)]
pub struct ShiftedChain {
    /// Genesis of the L1.
    pub l1_genesis: PathBuf,
    /// Genesis of the L2.
    pub l2_genesis: PathBuf,
    /// The secret of both execution clients.
    pub jwt: Jwt,
    /// When the L1 gets Osaka.
    pub osaka_time: u64,
    /// When both chains begin.
    pub genesis_time: u64,
    /// When the L2 gets Karst.
    pub karst_time: u64,
    /// rollup.json, but for the hashes of the two genesis blocks.
    rollup: Value,
}

impl ShiftedChain {
    /// Moves the recording's genesis in `derivation/NAME` of the vectors to now.
    #[track_caller]
    pub fn write(name: &str, scratch: &Scratch) -> Self {
        let folder = vectors_root().join("derivation").join(name);
        let read = |file: &str| -> Value {
            let text = std::fs::read_to_string(folder.join(file));
            let text = text.unwrap_or_else(|error| panic!("{}/{file}: {error}", folder.display()));
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"))
        };
        let [mut l1, mut l2, mut rollup] =
            ["l1-genesis.json", "l2-genesis.json", "rollup.json"].map(read);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let recorded = rollup["genesis"]["l2_time"].as_u64().expect("a rollup config has it");
        let later = |time: u64| if time == 0 { 0 } else { now + time - recorded };
        for genesis in [&mut l1, &mut l2] {
            genesis["timestamp"] = format!("0x{now:x}").into();
            shift(&mut genesis["config"], "Time", later);
        }
        for genesis in [&mut l1, &mut l2] {
            for index in 0..DEV_KEYS.len() {
                let balance = serde_json::json!({"balance": DEV_BALANCE});
                genesis["alloc"][Wallet::dev(index).address.to_string()] = balance;
            }
        }
        // Without storage in the message passer op-geth's payloads lack their withdrawals root from Isthmus on.
        let passer = &mut l2["alloc"][MESSAGE_PASSER];
        passer["storage"] = serde_json::json!({format!("0x{:064x}", 0): format!("0x{:064x}", 1)});
        shift(&mut rollup, "_time", later);
        rollup["genesis"]["l2_time"] = now.into();
        let time = |value: &Value| value.as_u64().unwrap_or(u64::MAX);
        Self {
            l1_genesis: scratch.file("l1-genesis.json", &l1.to_string()),
            l2_genesis: scratch.file("l2-genesis.json", &l2.to_string()),
            jwt: Jwt::write(scratch.path().join("jwt.txt")),
            genesis_time: now,
            osaka_time: time(&l1["config"]["osakaTime"]),
            karst_time: time(&rollup["karst_time"]),
            rollup,
        }
    }

    /// rollup.json with the genesis blocks that the two execution clients computed.
    #[track_caller]
    pub fn write_rollup(&self, scratch: &Scratch, l1: &Geth, l2: &Geth) -> PathBuf {
        let mut rollup = self.rollup.clone();
        for (side, geth) in [("l1", l1), ("l2", l2)] {
            let (_, hash) = geth.rpc.head("0x0").expect("a genesis block");
            rollup["genesis"][side]["hash"] = hash.into();
        }
        scratch.file("rollup.json", &rollup.to_string())
    }
}

/// Moves every number whose name ends so; block time is a duration.
fn shift(object: &mut Value, ending: &str, later: impl Fn(u64) -> u64) {
    for (name, value) in object.as_object_mut().expect("a config is an object") {
        if let Some(time) = value.as_u64().filter(|_| name.ends_with(ending))
            && name != "block_time"
        {
            *value = later(time).into();
        }
    }
}
