//! A folder outlives its engine, however that ended.

use crate::world::{self, funded};
use alloy_primitives::U256;
use opal_engine::{Engine, EngineOptions, OpenError, PoolLimits, StoreLocation};
use opal_execute::StateRead;
use opal_types::read::GenesisFile;
use std::fs;

#[test]
fn an_engine_that_is_dropped_goes_on_where_its_last_forkchoice_was() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().join("state"));
    let [alice, ..] = funded();
    let mut heads = Vec::new();
    for nonce in 0..5 {
        let world = world::l2(location.clone());
        assert_eq!(heads.last().copied().unwrap_or_else(|| world.head()), world.head());
        world.send(&alice.sign(world.count(nonce)));
        heads.push(world.grow().block.header.hash());
        // Inserted, but never made the head: nobody relies on it.
        world.insert(&world.build(world.head()));
    }
    let world = world::l2(location);
    let mut state = world.engine.state_at(world.head()).unwrap();
    assert_eq!(state.storage(world::COUNTER, U256::ZERO).unwrap(), U256::from(5));
    for (hash, number) in heads.iter().zip(1..) {
        assert_eq!(world.engine.hash_by_number(number).unwrap(), Some(*hash));
        assert_eq!(world.engine.receipts(*hash).unwrap().unwrap().len(), 2);
    }
    // All the way back as well.
    world.follow(world.engine.first_block().hash);
}

/// A copy of the file taken while the engine runs is what the disk holds after a sudden end.
#[test]
fn whatever_the_disk_holds_at_any_moment_opens() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().join("state"));
    let world = world::l2(location);
    let [alice, ..] = funded();
    for nonce in 0..8 {
        world.send(&alice.sign(world.count(nonce)));
        let built = world.build(world.head());
        let before = world.head();
        let inserted = world.insert(&built);
        for (name, head) in [("inserted", before), ("followed", inserted)] {
            world.follow(head);
            let copy = folder.path().join(format!("{name}-{nonce}"));
            fs::create_dir(&copy).unwrap();
            fs::copy(folder.path().join("state/chain.redb"), copy.join("chain.redb")).unwrap();
            let other = world::l2(StoreLocation::Folder(copy));
            assert_eq!(other.head(), head);
            let mut state = other.engine.state_at(head).unwrap();
            let count = state.storage(world::COUNTER, U256::ZERO).unwrap();
            assert_eq!(count, U256::from(nonce + u64::from(name == "followed")));
            other.grow();
        }
    }
}

#[test]
fn a_folder_of_another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let location = StoreLocation::Folder(folder.path().to_owned());
    let rules = world::l2(location.clone()).rules;
    let text = world::l1_genesis(0);
    let l1 = opal_engine::Rules::L1(opal_engine::L1Rules::from_genesis_json(&text).unwrap());
    let genesis = GenesisFile::from_json(&text).unwrap();
    let open = |rules, store| {
        let (genesis, pool) = (genesis.clone(), PoolLimits::STANDARD);
        Engine::open(EngineOptions { rules, genesis, store, pool }).unwrap_err()
    };
    assert!(matches!(open(l1, location.clone()), OpenError::OtherChain { .. }));
    assert!(matches!(open(rules, location), OpenError::OtherGenesis { .. }));
}
