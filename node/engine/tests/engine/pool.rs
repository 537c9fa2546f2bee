//! What the pool takes, keeps and refuses.

use crate::world::{self, FUNDS, GWEI, funded};
use alloy_consensus::{
    BlobTransactionSidecar, SignableTransaction, TxEip1559, TxEip4844, TxEip4844WithSidecar,
};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip4844::{Blob, env_settings::EnvKzgSettings};
use alloy_eips::eip7594::{BlobTransactionSidecarEip7594, BlobTransactionSidecarVariant};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use opal_engine::{ChainEvent, PoolLimits, PoolStatus, StoreLocation};
use std::sync::Arc;

const MEMORY: StoreLocation = StoreLocation::Memory;

#[test]
fn refusals_read_as_those_of_geth() {
    let world = world::l2(MEMORY);
    let [alice, bob, ..] = funded();
    let base = world.transfer(0);
    let check = |tx: TxEip1559, wanted: &str| {
        let refusal = world.refusal(&alice.sign(tx));
        assert!(refusal.starts_with(wanted), "{refusal}, wanted {wanted}");
    };
    let gas = |gas_limit| TxEip1559 { gas_limit, ..world.transfer(0) };
    check(gas(20_999), "intrinsic gas too low: gas 20999, minimum needed 21000");
    check(gas(world::GAS_LIMIT + 1), "exceeds block gas limit");
    check(gas((1 << 24) + 1), "transaction gas limit too high (cap: 16777216, tx: 16777217)");
    check(
        TxEip1559 { input: vec![1; 1000].into(), gas_limit: 40_000, ..base.clone() },
        "insufficient gas for floor data gas cost",
    );
    check(
        TxEip1559 { chain_id: 1, ..base.clone() },
        "invalid chain id for signer: have 1 want 901",
    );
    check(
        TxEip1559 { max_priority_fee_per_gas: 11 * GWEI, ..base.clone() },
        "max priority fee per gas higher than max fee per gas",
    );
    check(
        TxEip1559 { value: U256::from(FUNDS), ..base.clone() },
        "insufficient funds for gas * price + value",
    );
    check(
        TxEip1559 { max_fee_per_gas: u128::MAX, ..base.clone() },
        "insufficient funds for gas * price + value",
    );
    check(
        TxEip1559 {
            to: TxKind::Create,
            input: vec![0; 49_153].into(),
            gas_limit: 1 << 24,
            ..base.clone()
        },
        "max initcode size exceeded",
    );
    check(
        TxEip1559 { input: vec![0; 140_000].into(), gas_limit: 1 << 24, ..base.clone() },
        "oversized data",
    );
    check(TxEip1559 { nonce: u64::MAX, ..base.clone() }, "nonce has max value");
    let mut deposit = vec![0x7e];
    deposit.extend([0xc0]);
    assert!(world.refusal(&deposit.into()).starts_with("transaction type not supported"));
    assert!(
        world
            .refusal(&Bytes::from_static(&[3, 0xc0]))
            .starts_with("transaction type not supported")
    );
    assert!(
        world
            .refusal(&Bytes::from_static(&[0xc1, 0x80]))
            .starts_with("invalid transaction encoding")
    );
    assert!(world.refusal(&Bytes::new()).starts_with("invalid transaction encoding"));
    let raw = alice.sign(base);
    world.send(&raw);
    assert_eq!(world.refusal(&raw), "already known");
    world.grow();
    let low = world.refusal(&alice.sign(world.count(0)));
    assert_eq!(low, "nonce too low: next nonce 1, tx nonce 0");
    world.send(&bob.sign(world.legacy(0, 2 * GWEI)));
}

#[test]
fn a_replacement_must_outbid_by_ten_percent() {
    let world = world::l1(MEMORY, 0);
    let [alice, ..] = funded();
    let first = world.send(&alice.sign(world.legacy(0, 10 * GWEI)));
    let refusal = world.refusal(&alice.sign(world.legacy(0, 11 * GWEI - 1)));
    assert!(refusal.starts_with("replacement transaction underpriced"), "{refusal}");
    let second = world.send(&alice.sign(world.legacy(0, 11 * GWEI)));
    let pool = world.engine.pool();
    assert!(pool.find(first).is_none() && pool.find(second).is_some());
    assert_eq!(pool.status(), PoolStatus { pending: 1, queued: 0 });
}

#[test]
fn a_gap_queues_until_it_is_filled() {
    let world = world::l1(MEMORY, 0);
    let [alice, ..] = funded();
    let mut events = world.engine.subscribe();
    let mut pending = || match events.try_recv() {
        Ok(ChainEvent::PendingTransaction(hash)) => Some(hash),
        _ => None,
    };
    let late = world.send(&alice.sign(world.transfer(2)));
    assert_eq!(pending(), None);
    let pool = world.engine.pool();
    assert_eq!(pool.status(), PoolStatus { pending: 0, queued: 1 });
    assert_eq!(pool.pending_nonce(alice.address), Some(0));
    let first = world.send(&alice.sign(world.transfer(0)));
    assert_eq!(pending(), Some(first));
    assert_eq!(pool.pending_nonce(alice.address), Some(1));
    let middle = world.send(&alice.sign(world.transfer(1)));
    assert_eq!((pending(), pending()), (Some(middle), Some(late)));
    assert_eq!(pool.pending_nonce(alice.address), Some(3));
    let content = pool.content();
    assert_eq!(content.pending[&alice.address].len(), 3);
    assert!(content.queued.is_empty());
    pool.remove(middle).unwrap();
    assert_eq!(pool.status(), PoolStatus { pending: 1, queued: 1 });
}

#[test]
fn all_that_waits_must_be_affordable_together() {
    let world = world::l1(MEMORY, 0);
    let [alice, ..] = funded();
    let half = |nonce| TxEip1559 { value: U256::from(FUNDS / 2), ..world.transfer(nonce) };
    world.send(&alice.sign(half(0)));
    let refusal = world.refusal(&alice.sign(half(1)));
    assert!(refusal.starts_with("insufficient funds for gas * price + value"), "{refusal}");
}

#[test]
fn a_full_pool_lets_the_cheapest_go() {
    let limits = PoolLimits { transactions: 3, per_sender: 2, ..PoolLimits::STANDARD };
    let world = world::l1_with(MEMORY, 0, limits);
    let [alice, bob, carol, dave] = funded();
    world.send(&alice.sign(world.legacy(0, 5 * GWEI)));
    let cheap = world.send(&alice.sign(world.legacy(1, 2 * GWEI)));
    let refusal = world.refusal(&alice.sign(world.legacy(2, 9 * GWEI)));
    assert!(refusal.starts_with("account limit exceeded"), "{refusal}");
    world.send(&bob.sign(world.legacy(0, 3 * GWEI)));
    let refusal = world.refusal(&carol.sign(world.legacy(0, 2 * GWEI)));
    assert!(refusal.starts_with("transaction underpriced"), "{refusal}");
    world.send(&dave.sign(world.legacy(0, 4 * GWEI)));
    let pool = world.engine.pool();
    assert!(pool.find(cheap).is_none());
    assert_eq!(pool.status(), PoolStatus { pending: 3, queued: 0 });
}

#[test]
fn the_pools_bound_in_bytes_holds() {
    let limits = PoolLimits { bytes: 300, ..PoolLimits::STANDARD };
    let world = world::l1_with(MEMORY, 0, limits);
    let mut taken = 0;
    for (index, key) in funded().iter().enumerate() {
        taken += usize::from(
            world.engine.pool().add(&key.sign(world.legacy(0, 2 * GWEI - index as u128))).is_ok(),
        );
    }
    assert_eq!(taken, 2);
}

/// Trap: an Ecotone scalar taken for a Bedrock one overflowed the fee in op-geth's pool while it
/// held its lock.
#[test]
fn the_largest_scalars_make_transactions_unaffordable_and_nothing_else() {
    let full = "f".repeat(64);
    let ecotone_scalar = format!("01{}", "0".repeat(62));
    let cases: [&[(&str, &str)]; 3] = [
        &[("3", "0"), ("7", "0"), ("6", &ecotone_scalar)],
        &[("1", &full), ("3", &full), ("7", &full)],
        &[("8", "ffffffffffffffffffffffff")],
    ];
    for slots in cases {
        let world = world::l2_with(MEMORY, slots);
        let [alice, ..] = funded();
        let refusal = world.refusal(&alice.sign(world.transfer(0)));
        assert!(refusal.starts_with("insufficient funds for gas * price + value"), "{refusal}");
        // The chain goes on, and so does the pool.
        world.grow();
        assert!(world.engine.pool().is_empty());
    }
}

#[test]
fn the_l1_fee_counts_for_affordability() {
    let world = world::l2(MEMORY);
    let [alice, ..] = funded();
    let gas = U256::from(21_000 * GWEI * 2);
    let all = U256::from(FUNDS) - gas;
    let tx =
        TxEip1559 { gas_limit: 21_000, max_fee_per_gas: 2 * GWEI, value: all, ..world.transfer(0) };
    let refusal = world.refusal(&alice.sign(tx.clone()));
    assert!(refusal.starts_with("insufficient funds for gas * price + value"), "{refusal}");
    world.send(&alice.sign(TxEip1559 { value: all - U256::from(100_000 * GWEI), ..tx }));
}

#[test]
fn a_contract_cannot_send_but_an_account_with_a_delegation_can() {
    let world = world::l1(MEMORY, 0);
    let [alice, bob, ..] = funded();
    world.send(&bob.sign(world.delegation(0, &alice, world::COUNTER)));
    world.grow();
    world.send(&alice.sign(world.transfer(1)));
    assert_eq!(world.grow().block.transactions.len(), 1);
    let mut empty = world.delegation(1, &alice, world::COUNTER);
    empty.authorization_list.clear();
    let refusal = world.refusal(&bob.sign(empty));
    assert_eq!(refusal, "set code tx must have at least one authorization tuple");
}

/// A blob transaction with two blobs, with proofs as before Osaka or from it.
fn blob_transaction(nonce: u64, fee: u128, osaka: bool) -> (Bytes, Vec<B256>) {
    let [alice, ..] = funded();
    let blobs = vec![Blob::repeat_byte(1), Blob::repeat_byte(2)];
    let sidecar = if osaka {
        let sidecar = BlobTransactionSidecarEip7594::try_from_blobs_with_settings(
            blobs,
            EnvKzgSettings::Default.get(),
        )
        .unwrap();
        BlobTransactionSidecarVariant::Eip7594(sidecar)
    } else {
        let sidecar = BlobTransactionSidecar::try_from_blobs_with_settings(
            blobs,
            EnvKzgSettings::Default.get(),
        )
        .unwrap();
        BlobTransactionSidecarVariant::Eip4844(sidecar)
    };
    let hashes: Vec<_> = sidecar.versioned_hashes().collect();
    let tx = TxEip4844 {
        chain_id: world::L1_CHAIN,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: fee,
        max_priority_fee_per_gas: fee,
        to: Address::with_last_byte(0x77),
        value: U256::ZERO,
        access_list: Default::default(),
        blob_versioned_hashes: hashes.clone(),
        max_fee_per_blob_gas: fee,
        input: Bytes::new(),
    };
    let signature = alice.sign_hash(tx.signature_hash());
    let signed = TxEip4844WithSidecar { tx, sidecar }.into_signed(signature);
    (signed.encoded_2718().into(), hashes)
}

#[test]
fn blobs_stay_with_the_block_that_used_them() {
    for (osaka_time, osaka) in [(0, true), (1 << 40, false)] {
        let world = world::l1(MEMORY, osaka_time);
        let (raw, hashes) = blob_transaction(0, 2 * GWEI, osaka);
        let hash = world.send(&raw);
        assert_eq!(world.refusal(&raw), "already known");
        let built = world.grow();
        assert_eq!(built.block.transaction_hashes, [hash]);
        assert_eq!(built.blobs.len(), 2);
        assert_eq!(built.block.header.blob_gas_used, Some(2 * 131_072));
        assert!(world.engine.pool().is_empty());
        let blobs = world.engine.blobs_of_block(world.head()).unwrap();
        let found: Vec<_> = blobs.iter().map(|it| it.versioned_hash).collect();
        assert_eq!(found, hashes);
        assert_eq!(blobs[1].blob, Bytes::from(vec![2; 131_072]));
        assert_eq!(blobs[1].has_cell_proofs(), osaka);
        assert_eq!(world.engine.blob(hashes[0]).unwrap(), Some(Arc::clone(&blobs[0])));
        // Back into the pool with its blobs, and into another block.
        let parent = built.block.header.parent_hash;
        world.follow(parent);
        assert!(world.engine.pool().find(hash).is_some());
        let world = world::World { salt: 1, ..world };
        assert_eq!(world.grow().blobs.len(), 2);
    }
}

#[test]
fn blobs_are_judged_by_the_rules_of_the_fork() {
    let world = world::l1(MEMORY, 0);
    let (old, _) = blob_transaction(0, 2 * GWEI, false);
    assert_eq!(world.refusal(&old), "unexpected sidecar version, want: 1, got: 0");
    let (raw, _) = blob_transaction(0, 2 * GWEI, true);
    let mut spoiled = raw.to_vec();
    let last = spoiled.len() - 1;
    spoiled[last] ^= 1;
    let refusal = world.refusal(&spoiled.into());
    assert!(refusal.starts_with("invalid blob sidecar"), "{refusal}");
    let (gapped, _) = blob_transaction(1, 2 * GWEI, true);
    let refusal = world.refusal(&gapped);
    assert_eq!(refusal, "nonce too high: tx nonce 1, gapped nonce 0");
    world.send(&raw);
    let [alice, ..] = funded();
    let refusal = world.refusal(&alice.sign(world.transfer(1)));
    assert!(refusal.starts_with("address already reserved"), "{refusal}");
    let (little_more, _) = blob_transaction(0, 3 * GWEI, true);
    let refusal = world.refusal(&little_more);
    assert!(refusal.starts_with("replacement transaction underpriced"), "{refusal}");
    let (double, _) = blob_transaction(0, 4 * GWEI, true);
    world.send(&double);
    assert_eq!(world.engine.pool().status(), PoolStatus { pending: 1, queued: 0 });
    let block = world.grow().block;
    let bare = &block.transactions[0];
    world.follow(block.header.parent_hash);
    world.engine.pool().clear();
    assert_eq!(world.refusal(bare), "missing sidecar in blob transaction");
}
