//! Deposits that succeed and fail, one at a time (E1), and contracts that come and go.
//!
//! **Invariant:** each case asserts success and gas beside the hashes that all agree on.

use super::{
    asm::{asm, init_code},
    contracts::{BURNER, FACTORY, LOGGER, MIRROR, REVERTER, SUICIDE, WRITER},
    generate::words,
    keys::Key,
    scene::{FORKS, Scene, across, alone_at_each, at_each},
};
use alloy_consensus::{TxEip7702, TxLegacy};
use alloy_eips::eip7702::Authorization;
use alloy_primitives::{Address, Bytes, TxKind, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::{Invalid, TransactionFault, predeploys::CREATE2_DEPLOYER};
use opal_types::Fork;

/// Runs one deposit after the L1 attributes; gives success and gas.
#[track_caller]
fn deposited(scene: &mut Scene, tx: TxDeposit) -> (bool, u64) {
    scene.deposit(tx);
    let outcome = scene.run();
    (outcome.receipts[1].success, outcome.transactions[1].gas_used)
}

/// What a call costs that costs nothing beside its 21,000 gas; before Regolith its limit.
fn plain(scene: &Scene, limit: u64) -> u64 {
    if scene.has(Fork::Regolith) { 21_000 } else { limit }
}

#[test]
fn deposits_mint_and_count_their_nonce_whatever_becomes_of_them() {
    // E1. Value, receiver, gas limit, success.
    at_each("deposits_mint", &FORKS, |scene| {
        let from = Address::repeat_byte(0x51);
        let nobody = TxKind::Call(Address::repeat_byte(0x77));
        let mut balance = U256::ZERO;
        let cases = [
            (10, nobody, 50_000, true),
            (u64::MAX, nobody, 50_000, false),
            (u64::MAX, TxKind::Create, 70_000, false),
            (10, TxKind::Call(REVERTER), 80_000, false),
            (10, TxKind::Call(BURNER), 60_000, false),
            (10, TxKind::Call(MIRROR), 60_000, false),
            (10, nobody, 20_999, false),
            (10, TxKind::Create, 52_999, false),
            (0, nobody, 0, false),
            (0, TxKind::Call(LOGGER), 100_000, true),
            (10, TxKind::Create, 90_000, true),
        ];
        for (nonce, (value, to, gas_limit, succeeds)) in cases.into_iter().enumerate() {
            let value = U256::from(value);
            let tx = TxDeposit { from, to, mint: 100, value, gas_limit, ..scene.blank() };
            let (success, gas) = deposited(scene, tx);
            assert_eq!(success, succeeds, "{:?}, deposit {nonce}", scene.fork);
            assert!(gas <= gas_limit);
            balance += U256::from(100) - if succeeds { value } else { U256::ZERO };
            assert_eq!(scene.balance(from), balance, "{:?}, deposit {nonce}", scene.fork);
            let now = scene.chain.state.accounts[&from].0.nonce;
            assert_eq!(now, nonce as u64 + 1, "{:?}, deposit {nonce}", scene.fork);
        }
    });
}

#[test]
fn deposits_are_refused_only_when_the_block_has_no_gas_for_them() {
    at_each("block_gas", &FORKS, |scene| {
        let limit = scene.next.gas_limit;
        let to = TxKind::Call(Address::repeat_byte(0x77));
        let tx = TxDeposit { to, gas_limit: limit, ..scene.blank() };
        scene.deposit(tx);
        if scene.has(Fork::Regolith) {
            let invalid = scene.refuse();
            let fault = |it: &Invalid| match it {
                Invalid::Transaction { index: 1, fault } => Some(fault.clone()),
                _ => None,
            };
            assert!(matches!(fault(&invalid), Some(TransactionFault::BlockGas { .. })));
            return;
        }
        // Before Regolith the L1 attributes take none.
        let outcome = scene.run();
        assert_eq!(outcome.header.gas_used, limit);
    });
}

#[test]
fn deposits_of_more_wei_than_anybody_has_still_mint() {
    at_each("large_mints", &FORKS, |scene| {
        let from = Address::repeat_byte(0x52);
        for round in 1..=2_u64 {
            let to = TxKind::Call(Address::repeat_byte(0x78));
            let tx = TxDeposit { from, to, mint: u128::MAX, value: U256::MAX, ..scene.blank() };
            assert_eq!(deposited(scene, tx), (false, 100_000));
            assert_eq!(scene.balance(from), U256::from(u128::MAX) * U256::from(round));
        }
        let value = U256::from(u128::MAX);
        let to = TxKind::Call(Address::repeat_byte(0x78));
        let gas = plain(scene, 100_000);
        let tx = TxDeposit { from, to, value, ..scene.blank() };
        assert_eq!(deposited(scene, tx), (true, gas));
    });
}

#[test]
fn a_deposit_with_much_data_pays_the_floor_from_isthmus() {
    // EIP-7623: 1,000 non-zero bytes are 16,000 gas, or at least 40,000 from Prague.
    at_each("floor", &FORKS, |scene| {
        let to = TxKind::Call(Address::repeat_byte(0x77));
        let isthmus = scene.has(Fork::Isthmus);
        for limit in [36_999, 37_000, 60_999, 61_000, 200_000] {
            let input = Bytes::from(vec![1; 1000]);
            let tx = TxDeposit { to, input, gas_limit: limit, ..scene.blank() };
            let least = if isthmus { 61_000 } else { 37_000 };
            let gas = if limit >= least && scene.has(Fork::Regolith) { least } else { limit };
            assert_eq!(deposited(scene, tx), (limit >= least, gas), "{:?}", scene.fork);
        }
    });
}

#[test]
fn contracts_and_their_init_code_have_a_largest_size() {
    // EIP-170: 24,576 bytes; EIP-3860 from Canyon: 49,152.
    at_each("code_sizes", &FORKS, |scene| {
        let canyon = scene.has(Fork::Canyon);
        let gas_limit = 8_000_000;
        for (size, fits) in [(24_576, true), (24_577, false)] {
            let input = init_code(&[], &vec![0; size]);
            let tx = TxDeposit { to: TxKind::Create, input, gas_limit, ..scene.blank() };
            assert_eq!(deposited(scene, tx).0, fits, "{:?}: {size}", scene.fork);
        }
        for (size, fits) in [(49_152, true), (49_153, !canyon)] {
            let input = Bytes::from(vec![0; size]);
            scene.call(FACTORY, input.clone(), gas_limit);
            scene.run();
            let key = Key::new(1);
            let like = scene.transfer(&key, 0);
            let signed = key.sign(TxLegacy {
                chain_id: None,
                nonce: like.nonce,
                gas_price: like.max_fee_per_gas,
                gas_limit,
                to: TxKind::Create,
                value: U256::ZERO,
                input,
            });
            scene.next.transactions.push(signed);
            if fits {
                assert!(scene.run().receipts[1].success);
            } else {
                scene.refuse();
            }
        }
        // London: no contract starts with 0xef.
        let input = init_code(&[], &[0xef]);
        let tx = TxDeposit { to: TxKind::Create, input, gas_limit, ..scene.blank() };
        assert_eq!(deposited(scene, tx), (false, gas_limit));
    });
}

#[test]
fn deposits_may_create_with_init_code_of_any_size() {
    // Spec: deposits.md, as clarified in specs#938: L1 limits the size, and EIP-3860 does not apply. op-geth
    // v1.101702.3-rc.7 lets such a deposit fail.
    alone_at_each("deposited_init_code", &FORKS, |scene| {
        let input = Bytes::from(vec![0; 100_000]);
        let tx = TxDeposit { to: TxKind::Create, input, gas_limit: 8_000_000, ..scene.blank() };
        assert!(deposited(scene, tx).0, "{:?}", scene.fork);
    });
}

#[test]
fn a_contract_that_destroyed_itself_comes_again_without_its_storage() {
    // EIP-6780 from Ecotone: only in the transaction of its creation.
    at_each("come_again", &FORKS, |scene| {
        let before = asm("NUMBER 1 SSTORE 7 2 SSTORE");
        let init = init_code(&before, &asm("5 3 SSTORE 0 CALLDATALOAD SELFDESTRUCT"));
        let child = FACTORY.create2_from_code([0; 32], &init);
        let ecotone = scene.has(Fork::Ecotone);
        let mut heir = U256::ZERO;
        for round in 0..3 {
            scene.call(FACTORY, init.clone(), 500_000);
            scene.run();
            assert_eq!(scene.slot(child, 2), U256::from(7));
            let tx = TxDeposit {
                to: TxKind::Call(child),
                mint: 9,
                value: U256::from(9),
                gas_limit: 200_000,
                input: words(&[0x99]),
                ..scene.blank()
            };
            scene.deposit(tx);
            heir += U256::from(9);
            if round == 1 {
                // And again in the same block.
                scene.call(FACTORY, init.clone(), 500_000);
                scene.call(child, words(&[0x99]), 200_000);
            }
            scene.run();
            assert_eq!(scene.balance(Address::with_last_byte(0x99)), heir);
            let there = scene.chain.state.accounts.contains_key(&child);
            assert_eq!(there, ecotone, "{:?}", scene.fork);
        }
        scene.call(SUICIDE, words(&[0x9a]), 200_000);
        scene.run();
        assert_eq!(scene.slot(SUICIDE, 1).is_zero(), !ecotone, "{:?}", scene.fork);
    });
}

#[test]
fn the_create2_deployer_works_from_the_first_canyon_block_on() {
    // E14: deploy(value, salt, code), by its selector.
    across("create2_deployer", Fork::Canyon, |scene| {
        let mut input = vec![0x66, 0xcf, 0xa0, 0x57];
        let init = init_code(&[], &asm("STOP"));
        input.extend(words(&[0, 1, 96, init.len() as u64]));
        input.extend(&init);
        input.resize(4 + 5 * 32, 0);
        let child = CREATE2_DEPLOYER.create2_from_code(U256::from(1).to_be_bytes::<32>(), &init);
        let mut there = Vec::new();
        for _ in 0..4 {
            scene.call(CREATE2_DEPLOYER, input.clone().into(), 500_000);
            scene.run();
            there.push(scene.chain.state.accounts.contains_key(&child));
        }
        assert_eq!(there, [false, false, true, true]);
    });
}

#[test]
fn storage_that_is_cleared_leaves_no_trace_in_the_trie() {
    at_each("clear_storage", &FORKS, |scene| {
        let all: Vec<u64> = (1..=40).flat_map(|slot| [slot, 0]).collect();
        for count in [1, 20, 39, 40] {
            scene.call(WRITER, words(&all[..count * 2]), 2_000_000);
            scene.run();
            assert_eq!(scene.chain.state.accounts[&WRITER].1.len(), 40 - count);
        }
        scene.call(WRITER, words(&[3, 4, 3, 0, 5, 6]), 2_000_000);
        scene.run();
        assert_eq!(scene.chain.state.accounts[&WRITER].1.len(), 1);
    });
}

#[test]
fn accounts_delegate_and_stop_from_isthmus() {
    // EIP-7702.
    at_each("delegate", &FORKS, |scene| {
        let (sender, other) = (Key::new(1), Key::new(2));
        let delegate = |key: &Key, address, nonce| {
            key.authorize(Authorization { chain_id: U256::ZERO, address, nonce })
        };
        let rounds = [
            vec![delegate(&other, WRITER, 0), delegate(&sender, LOGGER, 1)],
            vec![delegate(&other, WRITER, 0), delegate(&sender, Address::ZERO, 3)],
            vec![delegate(&other, SUICIDE, 1), delegate(&other, Address::ZERO, 2)],
        ];
        let mut has_code = Vec::new();
        for authorization_list in rounds {
            let like = scene.transfer(&sender, 0);
            let tx = sender.sign(TxEip7702 {
                chain_id: like.chain_id,
                nonce: like.nonce,
                gas_limit: 300_000,
                max_fee_per_gas: like.max_fee_per_gas,
                max_priority_fee_per_gas: 0,
                to: other.address,
                value: U256::from(5),
                access_list: Default::default(),
                authorization_list,
                input: words(&[3, 9]),
            });
            scene.next.transactions.push(tx);
            if !scene.has(Fork::Isthmus) {
                let invalid = scene.refuse();
                let fault = TransactionFault::Type(4);
                assert_eq!(invalid, Invalid::Transaction { index: 1, fault });
                return;
            }
            scene.run();
            let accounts = &scene.chain.state.accounts;
            let empty = alloy_primitives::KECCAK256_EMPTY;
            has_code.push([&sender, &other].map(|it| accounts[&it.address].0.code_hash != empty));
        }
        assert_eq!(has_code, [[true, true], [false, true], [false, false]]);
        assert_eq!(scene.slot(other.address, 3), U256::from(9));
    });
}
