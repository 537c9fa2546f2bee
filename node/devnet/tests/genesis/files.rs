//! The files, read back.

use crate::{options, set};
use alloy_consensus::Header;
use opal_devnet::genesis::{Alloc, BALANCE, build};
use opal_execute::predeploys::MESSAGE_PASSER;
use opal_types::{
    Fork,
    read::{GenesisFile, l1_config_json, rollup_json},
};
use std::fs;

#[test]
fn what_is_written_reads_back_as_what_was_built() {
    for newest in [Fork::Delta, Fork::Granite, Fork::Holocene, Fork::Karst, Fork::Lagoon] {
        let folder = tempfile::tempdir().unwrap();
        let set = set(newest);
        set.write(folder.path()).unwrap();
        let read = |name: &str| fs::read(folder.path().join(name)).unwrap();
        let l1 = set.l1.as_ref().unwrap();
        assert_eq!(l1_config_json(&read("l1-genesis.json")).unwrap(), l1.config);
        let file = GenesisFile::from_json(&read("l1-genesis.json")).unwrap();
        assert_eq!(file.alloc, l1.alloc);
        for chain in &set.chains {
            let id = chain.config.l2_chain_id;
            let config = rollup_json(&read(&format!("{id}/rollup.json"))).unwrap();
            assert_eq!(config, chain.config);
            let file = GenesisFile::from_json(&read(&format!("{id}/genesis.json"))).unwrap();
            assert_eq!(file.alloc, chain.alloc);
            check_header(&file, &chain.header, &chain.config.forks);
        }
        let set: serde_json::Value = serde_json::from_slice(&read("dependency-set.json")).unwrap();
        assert_eq!(set, serde_json::json!({ "dependencies": { "901": {}, "902": {} } }));
    }
}

/// The reader makes the header that was hashed.
fn check_header(file: &GenesisFile, header: &Header, forks: &opal_types::ForkTimes) {
    let passer_root = header.withdrawals_root.unwrap_or_default();
    assert_eq!(file.header(forks, header.state_root, passer_root), *header);
}

#[test]
fn op_geth_is_told_of_ethereums_forks() {
    let later = [(Fork::Isthmus, 10), (Fork::Jovian, 20), (Fork::Karst, 30)];
    let set = build(&options(Fork::Lagoon, &later)).unwrap();
    let file = set.chains[0].genesis_json();
    let config = &file["config"];
    let time = |seconds: u64| serde_json::json!(crate::GENESIS_TIME + seconds);
    for (ours, ethereums, expected) in [
        ("canyonTime", "shanghaiTime", serde_json::json!(0)),
        ("ecotoneTime", "cancunTime", serde_json::json!(0)),
        ("isthmusTime", "pragueTime", time(10)),
        ("karstTime", "osakaTime", time(30)),
    ] {
        assert_eq!(config[ours], expected);
        assert_eq!(config[ethereums], expected);
    }
    for absent in ["deltaTime", "lagoonTime", "blobSchedule"] {
        assert!(config.get(absent).is_none(), "{absent}");
    }
    assert_eq!(file["extraData"], "0x00000000fa00000006");
}

#[test]
fn the_message_passer_is_never_without_storage() {
    for fork in Fork::ALL.into_iter().filter(|fork| *fork >= Fork::Regolith) {
        let alloc: &Alloc = &set(fork).chains[0].alloc;
        assert!(!alloc[&MESSAGE_PASSER].storage.is_empty());
    }
}

#[test]
fn the_same_options_give_the_same_blocks() {
    let [first, second] = [0, 1].map(|_| set(Fork::Lagoon));
    assert_eq!(first.l1.unwrap().header, second.l1.unwrap().header);
    for (first, second) in first.chains.iter().zip(&second.chains) {
        assert_eq!(first.header, second.header);
    }
    let [one, two] = [&first.chains[0], &first.chains[1]];
    assert_ne!(one.header.state_root, two.header.state_root);
    assert_eq!(BALANCE.to_string(), "10000000000000000000000");
}
