//! The engine as the driver uses it.

use crate::world;
use alloy_primitives::B256;
use opal_engine::{EngineHandle, Forkchoice, InsertStatus, Label, StoreLocation};

#[tokio::test]
async fn a_block_is_built_inserted_and_found_through_the_handle() {
    let world = world::l2(StoreLocation::Memory);
    let handle = EngineHandle::Local(world.engine.clone());
    let parent = world.head();
    let state = Forkchoice { head: parent, safe: B256::ZERO, finalized: B256::ZERO };
    let attributes = world.attributes(parent);
    let id = handle.build(state, &attributes).await.unwrap();
    let payload = handle.payload(id, attributes.timestamp).await.unwrap();
    let hash = payload.block_hash;
    assert_eq!(handle.insert(&payload).await.unwrap(), InsertStatus::Valid { hash });
    handle.forkchoice(Forkchoice { head: hash, safe: hash, finalized: parent }).await.unwrap();
    let of = async |label| handle.block_by_label(label).await.unwrap().unwrap().header.hash();
    assert_eq!(of(Label::Latest).await, hash);
    assert_eq!(of(Label::Safe).await, hash);
    assert_eq!(of(Label::Finalized).await, parent);
    let block = handle.block_by_number(1).await.unwrap().unwrap();
    assert_eq!((block.header.hash(), block.transactions), (hash, payload.transactions));
    let first = handle.ancestor(hash, 0).await.unwrap().unwrap();
    assert_eq!(first.header.hash(), parent);
    let root = handle.output_root(hash).await.unwrap().unwrap();
    assert_eq!(root.block_hash, hash);
    let mut late = attributes;
    late.timestamp = 1;
    let error = handle.build(state, &late).await.unwrap_err();
    assert!(error.is_invalid_attributes(), "{error}");
}
