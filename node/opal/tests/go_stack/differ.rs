//! Where opal and the Go stack are known to differ: pinned, so that the day they agree again is noticed.
//!
//! Reused channel ids (monorepo#22833) are a test of `opal-derive`, prerequisites of a cycle (monorepo#22825) one of
//! `opal-message`: op-node decides the first as opal does, and nothing of the second runs before interop does.
//!
//! **Invariant:** each difference is one rule, and the block before it is the same on both sides.

use crate::scene::{LIMIT, Scene, labelled, same_blocks};
use alloy_primitives::{Address, U256};
use opal_harness::{
    process::until,
    ran,
    rpc::{Rpc, quantity},
    wallet::{Call, Wallet},
};
use serde_json::{Value, json};

/// The precompile of bn256 pairings.
const PAIRING: Address = Address::with_last_byte(8);

/// One pair more than Karst allows, far fewer than Jovian did. Zeros are points, and their product is one.
const INPUT_BYTES: usize = 301 * 192;

/// Blocks on which both sides agree.
const BLOCKS_BEFORE: u64 = 4;

/// Karst's limit of bn256 pairings is not in op-geth, which only takes Osaka's rules for it.
#[test]
fn pairings_beyond_karsts_limit_split_op_geth_from_the_chain() {
    let Some(scene) = Scene::start("go-differ-pairing", &[]) else { return };
    let rpc = &scene.chain().rpc;
    let before = |rpc: &Rpc| rpc.head("latest").filter(|(number, _)| *number >= BLOCKS_BEFORE);
    until("blocks before the call", LIMIT, || before(rpc));
    let wallet = Wallet::dev(0);
    let raw = wallet.sign(&Call {
        chain_id: scene.chain().chain_id,
        nonce: 0,
        to: Some(PAIRING),
        value: U256::ZERO,
        input: vec![0; INPUT_BYTES].into(),
        gas_limit: 16_000_000,
        max_fee_per_gas: 100_000_000_000,
    });
    let hash: Value = rpc.get("eth_sendRawTransaction", json!([raw]));
    let receipt = |rpc: &Rpc| {
        let receipt = rpc.call("eth_getTransactionReceipt", json!([hash])).ok()?;
        (!receipt.is_null()).then_some(receipt)
    };
    let ours = until("the call in a block", LIMIT, || receipt(rpc));
    assert_eq!(ours["status"], "0x0");
    let number = quantity(&ours["blockNumber"]).expect("a receipt tells its block");

    let geth = scene.op_geth("op-geth");
    let node = scene.op_node("op-node", &geth.engine, false);
    until("the call is safe on op-geth", LIMIT, || {
        labelled(&node.rpc, "safe_l2").filter(|it| *it >= number)
    });
    same_blocks(rpc, &geth.rpc, number - 1);
    let theirs = receipt(&geth.rpc).expect("the transaction is in the batch");
    assert_eq!(theirs["status"], "0x1", "op-geth has Karst's limit now: remove this test");
    assert_ne!(theirs["blockHash"], ours["blockHash"]);
    ran("Karst's pairing limit is not in op-geth", &format!("block {number} differs"));
}
