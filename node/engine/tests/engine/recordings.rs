//! Blocks of the real Go stack are valid here, and give the same receipts.

use crate::recorded::{self, FOLDERS};
use alloy_primitives::B256;
use opal_engine::{
    BlockData, BuildAttributes, Engine, Forkchoice, ForkchoiceStatus, InsertStatus, StoreLocation,
};
use opal_types::{Attributes, ChainConfig, ExtraData};

/// Makes a block the head.
fn follow(engine: &Engine, head: B256) {
    let state = Forkchoice { head, safe: B256::ZERO, finalized: B256::ZERO };
    assert_eq!(engine.forkchoice(state).unwrap(), ForkchoiceStatus::Valid { head });
}

#[test]
fn l2_blocks_of_op_geth_are_valid_with_the_same_receipts() {
    for name in FOLDERS {
        let Some(recorded) = recorded::open(name, "recordings::l2") else { return };
        let engine = recorded.l2_engine(StoreLocation::Memory);
        for block in recorded.l2_blocks() {
            let (hash, number) = (block.hash, block.header.number);
            let status = engine.insert(&block).unwrap();
            assert_eq!(status, InsertStatus::Valid { hash }, "{name} block {number}");
            follow(&engine, hash);
            let wanted = &recorded.recording.l2[&number];
            let receipts = engine.receipts(hash).unwrap().unwrap();
            let encoded: Vec<_> = receipts.iter().map(|it| it.receipt.encode()).collect();
            assert_eq!(encoded, wanted.receipts, "{name} block {number}");
            let nonces: Vec<_> = receipts.iter().map(|it| it.receipt.deposit_nonce).collect();
            assert_eq!(nonces, wanted.deposit_nonces, "{name} block {number}");
            let root = engine.block(hash).unwrap().unwrap().output_root().unwrap();
            assert_eq!(root.hash(), wanted.output_root, "{name} block {number}");
        }
    }
}

/// The attributes that op-node derived this block from.
fn attributes(config: &ChainConfig, block: &BlockData) -> BuildAttributes {
    let header = &block.header;
    let extra = ExtraData::decode(&config.forks, header.timestamp, &header.extra_data).unwrap();
    BuildAttributes::from(&Attributes {
        timestamp: header.timestamp,
        prev_randao: header.mix_hash,
        fee_recipient: header.beneficiary,
        withdrawals: block.withdrawals.clone(),
        parent_beacon_block_root: header.parent_beacon_block_root,
        transactions: block.transactions.clone(),
        gas_limit: header.gas_limit,
        eip1559: extra.map(|it| it.params),
        min_base_fee: extra.and_then(|it| it.min_base_fee),
    })
}

#[test]
fn attributes_build_the_blocks_that_op_geth_built_of_them() {
    for name in FOLDERS {
        let Some(recorded) = recorded::open(name, "recordings::build") else { return };
        let engine = recorded.l2_engine(StoreLocation::Memory);
        let config = &recorded.recording.config;
        for block in recorded.l2_blocks() {
            let parent = block.header.parent_hash;
            let id = engine.build(parent, attributes(config, &block)).unwrap();
            let built = engine.payload(id).unwrap().block;
            assert_eq!(built.header.hash(), block.hash, "{name} block {}", block.header.number);
            let payload = BlockData::from_payload(&built.payload()).unwrap();
            assert_eq!(payload, block);
            let status = engine.insert(&payload).unwrap();
            assert_eq!(status, InsertStatus::Valid { hash: block.hash });
            follow(&engine, block.hash);
        }
    }
}

#[test]
fn l1_blocks_of_geth_are_valid_with_the_same_receipts() {
    for name in FOLDERS {
        let Some(recorded) = recorded::open(name, "recordings::l1") else { return };
        let engine = recorded.l1_engine(StoreLocation::Memory);
        for head in recorded.recording.l1_heads.clone() {
            for hash in recorded.l1_chain(head) {
                let block = recorded.l1_block(hash);
                let number = block.header.number;
                let status = engine.insert(&block).unwrap();
                assert_eq!(status, InsertStatus::Valid { hash }, "{name} block {number}");
                let receipts = engine.receipts(hash).unwrap().unwrap();
                let encoded: Vec<_> = receipts.iter().map(|it| it.receipt.encode()).collect();
                if let Some(wanted) = &recorded.recording.l1_block(hash).unwrap().receipts {
                    assert_eq!(&encoded, wanted, "{name} block {number}");
                }
            }
            follow(&engine, head);
        }
    }
}
