//! Proofs and witnesses hold against the headers they are for.

use crate::client::Served;
use crate::world::{self, COUNTER, funded};
use alloy_consensus::TrieAccount;
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_trie::{Nibbles, proof::verify_proof};
use opal_engine::{BlockData, StoreLocation};
use opal_execute::{Key, RevmCrypto, TrieState};
use opal_types::{Attributes, ExtraData};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const MEMORY: StoreLocation = StoreLocation::Memory;

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// Checks the proof against the header of the same block.
async fn verify(served: &Served, address: Address, slots: Value, at: &str) -> Value {
    let block = served.ok("eth_getBlockByNumber", json!([at, false])).await;
    let state_root: B256 = read(&block["stateRoot"]);
    let proof = served.ok("eth_getProof", json!([address, slots, at])).await;
    let nodes: Vec<Bytes> = read(&proof["accountProof"]);
    let code_hash: B256 = read(&proof["codeHash"]);
    let account = (!code_hash.is_zero()).then(|| TrieAccount {
        nonce: read::<U64>(&proof["nonce"]).to(),
        balance: read(&proof["balance"]),
        storage_root: read(&proof["storageHash"]),
        code_hash,
    });
    let value = account.map(alloy_rlp::encode);
    verify_proof(state_root, Nibbles::unpack(keccak256(address)), value, &nodes).unwrap();
    for slot in proof["storageProof"].as_array().unwrap() {
        let key: U256 = read(&slot["key"]);
        let value: U256 = read(&slot["value"]);
        let nodes: Vec<Bytes> = read(&slot["proof"]);
        let key = Nibbles::unpack(keccak256(B256::from(key)));
        let value = (!value.is_zero()).then(|| alloy_rlp::encode(value));
        verify_proof(read(&proof["storageHash"]), key, value, &nodes).unwrap();
    }
    proof
}

#[tokio::test]
async fn a_proof_holds_against_the_header() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let served = Served::new(world).await;
        let [alice, ..] = funded();
        for nonce in 0..3 {
            served.world.send(&alice.sign(served.world.count(nonce)));
            served.world.grow();
        }
        for (at, count) in [("0x1", "0x1"), ("0x2", "0x2"), ("latest", "0x3")] {
            let proof = verify(&served, COUNTER, json!(["0x0", "0x7"]), at).await;
            assert_eq!(proof["storageProof"][0]["value"], json!(count), "{at}");
            assert_eq!(proof["storageProof"][0]["key"], json!("0x0"));
            assert_eq!(proof["storageProof"][1]["value"], json!("0x0"));
        }
        verify(&served, alice.address, json!([]), "latest").await;
        let nobody = Address::repeat_byte(0x99);
        let proof = verify(&served, nobody, json!([]), "latest").await;
        assert_eq!(proof["balance"], json!("0x0"));
        assert_eq!(proof["storageHash"], json!(B256::ZERO));
    }
}

#[tokio::test]
async fn a_proof_has_a_bounded_number_of_slots() {
    let served = Served::new(world::l2(MEMORY)).await;
    let slots: Vec<_> = (0..1_025).map(|slot| format!("{slot:#x}")).collect();
    let (code, text) = served.no("eth_getProof", json!([COUNTER, slots, "latest"])).await;
    assert_eq!((code, text.as_str()), (-32602, "too many slots: 1025, at most 1024"));
}

#[tokio::test]
async fn nodes_and_codes_are_found_by_their_hash() {
    let served = Served::new(world::l2(MEMORY)).await;
    let proof = served.ok("eth_getProof", json!([COUNTER, [], "latest"])).await;
    let block = served.ok("eth_getBlockByNumber", json!(["latest", false])).await;
    let node = served.ok("debug_dbGet", json!([block["stateRoot"]])).await;
    assert_eq!(node, proof["accountProof"][0]);
    let code = served.ok("eth_getCode", json!([COUNTER])).await;
    let hash = proof["codeHash"].as_str().unwrap().trim_start_matches("0x").to_owned();
    // geth's database has codes behind the letter c.
    for key in [format!("0x63{hash}"), format!("0x{hash}")] {
        assert_eq!(served.ok("debug_dbGet", json!([key])).await, code);
    }
    for key in ["0x1234".to_owned(), format!("0x{:064x}", 1), "nonsense".to_owned()] {
        let wanted = (-32000, "not found".to_owned());
        assert_eq!(served.no("debug_dbGet", json!([key])).await, wanted);
    }
}

#[tokio::test]
async fn a_witness_is_enough_to_execute_the_block() {
    let served = Served::new(world::l2(MEMORY)).await;
    let [alice, bob, ..] = funded();
    served.world.send(&alice.sign(served.world.count(0)));
    served.world.grow();
    served.world.send(&bob.sign(served.world.count(0)));
    let built = served.world.grow();
    let witness = served.ok("debug_executionWitness", json!(["latest"])).await;
    let mut known: BTreeMap<B256, Bytes> = BTreeMap::new();
    for part in ["state", "codes"] {
        for bytes in read::<Vec<Bytes>>(&witness[part]) {
            known.insert(keccak256(&bytes), bytes);
        }
    }
    let parent = serde_json::to_vec(&witness["headers"][0]).unwrap();
    let parent = opal_types::read::header_json(&parent).unwrap();
    assert_eq!(parent.hash(), built.block.header.parent_hash);
    let config = served.world.rules.l2().unwrap();
    let data = BlockData::from(&*built.block);
    let extra = ExtraData::decode(&config.forks, data.header.timestamp, &data.header.extra_data);
    let extra = extra.unwrap().unwrap();
    let attributes = Attributes {
        timestamp: data.header.timestamp,
        prev_randao: data.header.mix_hash,
        fee_recipient: data.header.beneficiary,
        withdrawals: data.withdrawals.clone(),
        parent_beacon_block_root: data.header.parent_beacon_block_root,
        transactions: data.transactions.clone(),
        gas_limit: data.header.gas_limit,
        eip1559: Some(extra.params),
        min_base_fee: extra.min_base_fee,
    };
    let mut state = TrieState::new(|key: &Key| known.get(key.hash()).cloned(), &parent);
    let outcome =
        opal_execute::execute(config, &parent, &attributes, &mut state, &mut RevmCrypto).unwrap();
    assert_eq!(outcome.header.hash(), built.block.header.hash());
    let l1 = Served::new(world::l1(MEMORY, 0)).await;
    let (_, text) = l1.no("debug_executionWitness", json!(["latest"])).await;
    assert!(text.contains("OP Stack chains only"), "{text}");
}
