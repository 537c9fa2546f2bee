//! What only an L1 has: forks since the merge, requests, a price of blobs.

use crate::reorgs::state_of;
use crate::world::{self, DEPOSITS, WITHDRAWALS, funded};
use alloy_consensus::TxEip1559;
use alloy_eips::eip7685::Requests;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use opal_engine::{L1Rules, L1RulesError, PoolLimits, StoreLocation};
use opal_execute::StateRead;
use serde_json::json;

const MEMORY: StoreLocation = StoreLocation::Memory;
/// Later than any test.
const NEVER: u64 = 1 << 40;

/// Every fork can be the one of the first block, and come at the next one.
#[test]
fn chains_cross_every_fork() {
    for first in 0..=4 {
        for second in first..=4 {
            let time = |fork| match fork {
                fork if fork < first => 0,
                fork if fork < second => 104,
                _ => NEVER,
            };
            let text = world::l1_genesis_with([0, 1, 2, 3].map(time), json!({}));
            let world = world::l1_of(&text, MEMORY, PoolLimits::STANDARD);
            let [alice, ..] = funded();
            for nonce in 0..4 {
                world.send(&alice.sign(world.count(nonce)));
                let block = world.grow().block;
                assert_eq!(block.transactions.len(), 1);
                let forks = if block.header.timestamp < 104 { first } else { second };
                assert_eq!(block.header.withdrawals_root.is_some(), forks > 0);
                assert_eq!(block.header.excess_blob_gas.is_some(), forks > 1);
                assert_eq!(block.header.requests_hash.is_some(), forks > 2);
            }
        }
    }
}

/// Before Cancun a contract that destroys itself loses its storage; going back gives it back.
#[test]
fn a_destroyed_contracts_storage_comes_back_with_a_reorg() {
    let victim = Address::with_last_byte(0xc3);
    let accounts = json!({ victim.to_string(): {
        // With call data: selfdestruct. Without: slot[number] = 1.
        "balance": "0x5", "nonce": "0x1", "code": "0x3660095760014355005b33ff",
        "storage": { format!("0x{:064x}", 0): format!("0x{:064x}", 7) },
    } });
    let text = world::l1_genesis_with([0, NEVER, NEVER, NEVER], accounts);
    let world = world::l1_of(&text, MEMORY, PoolLimits::STANDARD);
    let [alice, ..] = funded();
    let call = |nonce, input: &'static [u8]| TxEip1559 {
        to: TxKind::Call(victim),
        value: U256::ZERO,
        input: Bytes::from_static(input),
        ..world.transfer(nonce)
    };
    let mut blocks = vec![world.head()];
    for (nonce, input) in [(0, b"".as_slice()), (1, b""), (2, b"x"), (3, b"")] {
        world.send(&alice.sign(call(nonce, input)));
        blocks.push(world.grow().block.header.hash());
    }
    let slots = |index: usize| {
        let mut view = world.engine.state_at(blocks[index]).unwrap();
        let exists = view.account(victim).unwrap().is_some();
        let slots: Vec<_> =
            (0..5).map(|it| view.storage(victim, U256::from(it)).unwrap()).collect();
        state_of(&world.engine, blocks[index], &[victim]);
        (exists, slots.iter().map(|it| it.to::<u64>()).collect::<Vec<_>>())
    };
    let wanted = [
        (true, vec![7, 0, 0, 0, 0]),
        (true, vec![7, 1, 0, 0, 0]),
        (true, vec![7, 1, 1, 0, 0]),
        (false, vec![0; 5]),
        (false, vec![0; 5]),
    ];
    for head in [4, 2, 3, 0, 4, 1, 4] {
        world.follow(blocks[head]);
        for (index, wanted) in wanted.iter().enumerate() {
            assert_eq!(&slots(index), wanted, "head {head}, block {index}");
        }
    }
}

#[test]
fn requests_are_collected_and_committed_to() {
    let topic = "649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5";
    let accounts = json!({
        // 76 zero bytes, as one withdrawal request has them.
        WITHDRAWALS: { "balance": "0x0", "code": "0x604c5ff3" },
        // Logs its call data under the topic of deposits.
        DEPOSITS: { "balance": "0x0", "code": format!("0x365f5f377f{topic}365fa100") },
    });
    let text = world::l1_genesis_with([0; 4], accounts);
    let world = world::l1_of(&text, MEMORY, PoolLimits::STANDARD);
    let [alice, ..] = funded();
    let deposit = |nonce, input: Vec<u8>| TxEip1559 {
        to: TxKind::Call(DEPOSITS.parse().unwrap()),
        value: U256::ZERO,
        input: input.into(),
        ..world.transfer(nonce)
    };
    let mut event = Vec::new();
    for offset in [160_u64, 256, 320, 384, 512] {
        event.extend(U256::from(offset).to_be_bytes::<32>());
    }
    for (fill, length) in [(1_u8, 48_usize), (2, 32), (3, 8), (4, 96), (5, 8)] {
        event.extend(U256::from(length).to_be_bytes::<32>());
        event.extend(std::iter::repeat_n(fill, length));
        event.resize(event.len().next_multiple_of(32), 0);
    }
    world.send(&alice.sign(deposit(0, event.clone())));
    world.send(&alice.sign(deposit(1, event)));
    let block = world.grow().block;
    let one: Vec<u8> = [(1, 48), (2, 32), (3, 8), (4, 96), (5, 8)]
        .iter()
        .flat_map(|(fill, length)| std::iter::repeat_n(*fill, *length))
        .collect();
    let deposits = [vec![0], one.clone(), one].concat();
    let withdrawals = [vec![1], vec![0; 76]].concat();
    assert_eq!(block.requests, [Bytes::from(deposits), Bytes::from(withdrawals)]);
    let wanted = Requests::new(block.requests.clone()).requests_hash();
    assert_eq!(block.header.requests_hash, Some(wanted));
}

#[test]
fn rules_that_are_not_known_are_refused_by_name() {
    let text = world::l1_genesis(0);
    let change = |field: &str, value: serde_json::Value| {
        let mut genesis: serde_json::Value = serde_json::from_slice(&text).unwrap();
        genesis["config"][field] = value;
        L1Rules::from_genesis_json(&serde_json::to_vec(&genesis).unwrap())
    };
    let refused = |field: &str, value| change(field, value).unwrap_err();
    assert!(matches!(refused("londonBlock", json!(5)), L1RulesError::BeforeMerge { .. }));
    assert!(matches!(refused("amsterdamTime", json!(5)), L1RulesError::UnknownFork { .. }));
    assert!(matches!(refused("blobSchedule", json!({})), L1RulesError::NoBlobParams { .. }));
    assert!(matches!(refused("shanghaiTime", json!(5)), L1RulesError::Order { .. }));
    assert!(matches!(refused("bpo1Time", json!(5)), L1RulesError::NoBlobParams { .. }));
    assert!(change("amsterdamTime", json!(null)).is_ok());
    let rules = change("osakaTime", json!(null)).unwrap();
    assert_eq!(rules.osaka, None);
}
