//! What the engine builds.

use crate::world::{self, GWEI, World, funded};
use alloy_consensus::TxEip1559;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use opal_engine::{BlockData, DaLimits, EngineError, InsertStatus, StoreLocation};
use opal_execute::StateRead;

const MEMORY: StoreLocation = StoreLocation::Memory;

/// Hashes of the pool's transactions in a block.
fn pooled(world: &World, block: &opal_engine::Block) -> Vec<B256> {
    let deposits = usize::from(world.rules.l2().is_some());
    block.transaction_hashes[deposits..].to_vec()
}

/// Bytes that do not compress.
fn noise(length: usize) -> Vec<u8> {
    let words = (0_u64..).flat_map(|index| keccak256(index.to_be_bytes()).0);
    words.take(length).collect()
}

#[test]
fn the_best_tip_goes_first_and_nonces_keep_their_order() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let [alice, bob, carol, _] = funded();
        let tip = |nonce, tip| TxEip1559 {
            max_priority_fee_per_gas: tip * GWEI,
            ..world.transfer(nonce)
        };
        let second = world.send(&alice.sign(tip(1, 5)));
        let first = world.send(&alice.sign(tip(0, 1)));
        let best = world.send(&bob.sign(tip(0, 3)));
        let middle = world.send(&carol.sign(tip(0, 2)));
        let built = world.grow();
        assert_eq!(pooled(&world, &built.block), [best, middle, first, second]);
        let gas = U256::from(21_000 * 11 * GWEI);
        assert_eq!(built.fees, gas);
        assert!(world.engine.pool().is_empty());
        let location = world.engine.transaction(second).unwrap().unwrap();
        assert_eq!(location.block_hash, built.block.header.hash());
    }
}

#[test]
fn a_transaction_that_another_one_made_unaffordable_is_passed_over() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let [alice, bob, carol, _] = funded();
        world.send(&bob.sign(world.delegation(0, &alice, world::SWEEPER)));
        world.grow();
        // Whoever calls Alice now takes all she has.
        let poor = world.send(&alice.sign(world.transfer(1)));
        let to = TxKind::Call(alice.address);
        let tip = 5 * GWEI;
        let sweep = TxEip1559 { to, max_priority_fee_per_gas: tip, ..world.transfer(1) };
        let sweep = world.send(&bob.sign(sweep));
        let other = world.send(&carol.sign(world.transfer(0)));
        let built = world.grow();
        assert_eq!(pooled(&world, &built.block), [sweep, other]);
        assert!(world.engine.pool().find(poor).is_none());
    }
}

#[test]
fn no_tx_pool_leaves_the_pool_alone() {
    let world = world::l2(MEMORY);
    let [alice, ..] = funded();
    let hash = world.send(&alice.sign(world.transfer(0)));
    let mut attributes = world.attributes(world.head());
    attributes.no_tx_pool = true;
    let built = world.build_with(world.head(), attributes);
    assert_eq!(built.block.transactions.len(), 1);
    world.follow(world.insert(&built));
    assert!(world.engine.pool().find(hash).is_some());
}

#[test]
fn a_block_is_filled_up_to_its_gas_limit() {
    let world = world::l1(MEMORY, 0);
    for key in funded() {
        for nonce in 0..3 {
            let tx = TxEip1559 { gas_limit: 12_000_000, ..world.count(nonce) };
            world.send(&key.sign(tx));
        }
    }
    // Gas limits count until a transaction is done, what it really used afterwards.
    let built = world.grow();
    assert_eq!(built.block.transactions.len(), 12);
    assert!(built.block.header.gas_used < 1_000_000);
}

#[test]
fn the_footprint_of_data_stays_within_the_gas_limit() {
    let world = world::l2(MEMORY);
    let noise = noise(60_000);
    for key in funded() {
        let input = Bytes::from(noise.clone());
        let tx = TxEip1559 { gas_limit: 4_000_000, input, ..world.transfer(0) };
        world.send(&key.sign(tx));
    }
    let built = world.grow();
    // 400 gas per byte: a block of 30 M gas has room for 75,000 bytes.
    assert_eq!(pooled(&world, &built.block).len(), 1);
    let footprint = built.block.header.blob_gas_used.unwrap();
    assert!(footprint > 10_000_000 && footprint <= world::GAS_LIMIT, "{footprint}");
    assert_eq!(world.engine.pool().status().pending, 3);
}

#[test]
fn limits_on_data_size_are_obeyed() {
    let world = world::l2(MEMORY);
    let [alice, bob, carol, _] = funded();
    let noise = noise(2_000);
    let long = TxEip1559 { input: Bytes::from(noise), gas_limit: 200_000, ..world.transfer(0) };
    let long = world.send(&alice.sign(long));
    world.send(&bob.sign(world.transfer(0)));
    world.send(&carol.sign(world.transfer(0)));
    let pool = world.engine.pool();
    pool.set_da_limits(DaLimits { transaction: Some(1_000), block: Some(150) });
    let built = world.grow();
    assert_eq!(pooled(&world, &built.block).len(), 1);
    assert!(pool.find(long).is_some());
    pool.set_da_limits(DaLimits::default());
    assert_eq!(pooled(&world, &world.grow().block).len(), 2);
}

#[test]
fn attributes_that_no_block_can_have_are_refused_at_once() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let head = world.head();
        let mut late = world.attributes(head);
        late.timestamp = 100;
        let error = world.engine.build(head, late).unwrap_err();
        assert!(matches!(error, EngineError::InvalidAttributes(_)), "{error}");
        let unknown = world.engine.build(B256::with_last_byte(1), world.attributes(head));
        assert!(matches!(unknown.unwrap_err(), EngineError::UnknownBlock(_)));
    }
    let world = world::l2(MEMORY);
    let mut attributes = world.attributes(world.head());
    attributes.transactions.push(Bytes::from_static(&[0x02, 0xc0]));
    let error = world.engine.build(world.head(), attributes).unwrap_err();
    assert!(matches!(error, EngineError::InvalidAttributes(_)), "{error}");
}

/// Trap: a payload that leaves out an empty withdrawals root is refused by its own builder.
#[test]
fn an_empty_message_passer_still_has_its_root_in_the_payload() {
    let world = world::l2(MEMORY);
    let built = world.build(world.head());
    let payload = built.block.payload();
    let empty = alloy_consensus::EMPTY_ROOT_HASH;
    assert_eq!(payload.withdrawals_root, Some(empty));
    assert_eq!(built.block.message_passer_root, Some(empty));
    let block = BlockData::from_payload(&payload).unwrap();
    let hash = payload.block_hash;
    assert_eq!(world.engine.insert(&block).unwrap(), InsertStatus::Valid { hash });
}

#[test]
fn every_header_field_is_checked() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let [alice, ..] = funded();
        world.send(&alice.sign(world.count(0)));
        let good = BlockData::from(&*world.build(world.head()).block);
        type Change = fn(&mut BlockData);
        let changes: [(&str, Change); 16] = [
            ("state_root", |it| it.header.state_root.0[0] ^= 1),
            ("receipts_root", |it| it.header.receipts_root.0[0] ^= 1),
            ("transactions_root", |it| it.header.transactions_root.0[0] ^= 1),
            ("logs_bloom", |it| it.header.logs_bloom.0[0] ^= 1),
            ("gas_used", |it| it.header.gas_used += 1),
            ("gas_limit", |it| it.header.gas_limit = 1 << 63),
            ("base_fee_per_gas", |it| it.header.base_fee_per_gas = Some(1)),
            ("timestamp", |it| it.header.timestamp = 100),
            ("number", |it| it.header.number += 1),
            ("difficulty", |it| it.header.difficulty = U256::from(1)),
            ("nonce", |it| it.header.nonce.0[7] = 1),
            ("ommers_hash", |it| it.header.ommers_hash.0[0] ^= 1),
            ("withdrawals_root", |it| it.header.withdrawals_root = Some(B256::with_last_byte(1))),
            ("blob_gas_used", |it| it.header.blob_gas_used = Some(131_072)),
            ("excess_blob_gas", |it| it.header.excess_blob_gas = Some(131_072)),
            ("requests_hash", |it| it.header.requests_hash = Some(B256::ZERO)),
        ];
        for (name, change) in changes {
            let mut bad = good.clone();
            change(&mut bad);
            bad.hash = bad.header.hash_slow();
            let status = world.engine.insert(&bad).unwrap();
            let InsertStatus::Invalid { latest_valid, reason } = status else {
                panic!("{name}: {status:?}")
            };
            assert_eq!(latest_valid, world.head());
            assert!(reason.contains(name), "{name}: {reason}");
        }
        let hash = good.hash;
        assert_eq!(world.engine.insert(&good).unwrap(), InsertStatus::Valid { hash });
    }
}

/// Trap: the same invalid block again and again must not be executed again and again, nor become
/// valid.
#[test]
fn an_invalid_block_stays_invalid_and_so_do_its_children() {
    let world = world::l2(MEMORY);
    let mut bad = BlockData::from(&*world.build(world.head()).block);
    bad.header.state_root = B256::ZERO;
    bad.hash = bad.header.hash_slow();
    let first = world.engine.insert(&bad).unwrap();
    assert!(matches!(first, InsertStatus::Invalid { .. }));
    assert_eq!(world.engine.insert(&bad).unwrap(), first);
    let mut child = bad.clone();
    child.header.parent_hash = bad.hash;
    child.hash = child.header.hash_slow();
    let status = world.engine.insert(&child).unwrap();
    let InsertStatus::Invalid { latest_valid, .. } = status else { panic!("{status:?}") };
    assert_eq!(latest_valid, world.head());
    // The deposits-only block of the same attributes is another one, and valid.
    let mut attributes = world.attributes(world.head());
    attributes.no_tx_pool = true;
    world.follow(world.insert(&world.build_with(world.head(), attributes)));
}

#[test]
fn a_block_whose_hash_is_not_its_own_is_invalid_and_its_right_form_is_not() {
    let world = world::l2(MEMORY);
    let good = BlockData::from(&*world.build(world.head()).block);
    let wrong = BlockData { hash: B256::with_last_byte(9), ..good.clone() };
    assert!(matches!(world.engine.insert(&wrong).unwrap(), InsertStatus::Invalid { .. }));
    let orphan_parent = B256::with_last_byte(7);
    let mut orphan = good.clone();
    orphan.header.parent_hash = orphan_parent;
    orphan.hash = orphan.header.hash_slow();
    assert_eq!(world.engine.insert(&orphan).unwrap(), InsertStatus::Syncing);
    let hash = good.hash;
    assert_eq!(world.engine.insert(&good).unwrap(), InsertStatus::Valid { hash });
}

#[test]
fn withdrawals_reach_their_receivers_on_l1() {
    let world = world::l1(MEMORY, 0);
    let receiver = Address::with_last_byte(0x99);
    let mut attributes = world.attributes(world.head());
    attributes.withdrawals = Some(vec![alloy_eips::eip4895::Withdrawal {
        index: 0,
        validator_index: 0,
        address: receiver,
        amount: 5,
    }]);
    world.follow(world.insert(&world.build_with(world.head(), attributes)));
    let account = world.engine.state_at(world.head()).unwrap().account(receiver).unwrap();
    assert_eq!(account.unwrap().balance, U256::from(5 * GWEI));
}
