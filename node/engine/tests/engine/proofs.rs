//! Proofs hold against the state root, for what is there and for what is not.

use crate::world::{self, funded};
use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::{Nibbles, TrieAccount, proof::verify_proof};
use opal_engine::{AccountProof, StoreLocation};

/// Verifies a proof with alloy's own verifier.
pub(crate) fn check(state_root: B256, proof: &AccountProof) {
    let account = proof.account.map(|account| {
        alloy_rlp::encode(TrieAccount {
            nonce: account.nonce,
            balance: account.balance,
            storage_root: proof.storage_root,
            code_hash: account.code_hash,
        })
    });
    let key = Nibbles::unpack(keccak256(proof.address));
    verify_proof(state_root, key, account, &proof.nodes).unwrap();
    for slot in &proof.slots {
        let key = Nibbles::unpack(keccak256(slot.slot.to_be_bytes::<32>()));
        let value = (!slot.value.is_zero()).then(|| {
            let mut bytes = Vec::new();
            slot.value.encode(&mut bytes);
            bytes
        });
        verify_proof(proof.storage_root, key, value, &slot.nodes).unwrap();
    }
}

#[test]
fn accounts_and_slots_are_proven_present_and_absent() {
    let world = world::l2(StoreLocation::Memory);
    let [alice, ..] = funded();
    world.send(&alice.sign(world.count(0)));
    let old = world.head();
    world.grow();
    for block in [old, world.head()] {
        let mut state = world.engine.state_at(block).unwrap();
        let root = state.header().state_root;
        for address in [alice.address, world::COUNTER, Address::with_last_byte(0xee)] {
            let slots: Vec<_> = (0..4).map(U256::from).collect();
            check(root, &state.proof(address, &slots).unwrap());
        }
        let l1_block = "0x4200000000000000000000000000000000000015".parse().unwrap();
        let slots: Vec<_> = (0..10).map(U256::from).collect();
        let proof = state.proof(l1_block, &slots).unwrap();
        check(root, &proof);
        assert_eq!(proof.slots[1].value, U256::from(1_000_000_000));
        let hash = keccak256(&proof.nodes[0]);
        assert_eq!(hash, root);
        assert_eq!(world.engine.node(root).unwrap().unwrap(), proof.nodes[0]);
    }
}
