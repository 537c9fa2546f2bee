//! Transition states as the specification of fault proofs writes them (I11).
//!
//! **Invariant:** each printed state is written, read and hashed.

use alloy_primitives::{B256, hex, keccak256};
use opal_harness::Vectors;
use opal_types::{
    INVALID_TRANSITION, INVALID_TRANSITION_HASH, OptimisticBlock, SuperRoot, TransitionState,
    TransitionStateError,
};
use serde_json::Value;

#[track_caller]
fn bytes(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().expect("a text")).expect("hex")
}

#[track_caller]
fn word(value: &Value) -> B256 {
    B256::from_slice(&bytes(value))
}

#[test]
fn transition_states_have_the_printed_encodings() {
    let Some(vectors) = Vectors::for_test("transitions::printed") else { return };
    let file: Value = vectors.json("derived/spec-values.json");
    let super_root = SuperRoot::decode(&bytes(&file["super_root"][0]["encoded"])).expect("a root");
    let cases = file["transition_state"]["vectors"].as_array().expect("cases");
    assert_eq!(cases.len(), 4);
    for case in cases {
        let block = |pair: &Value| OptimisticBlock {
            block_hash: word(&pair[0]),
            output_root: word(&pair[1]),
        };
        let blocks: Vec<_> =
            case["pending"].as_array().expect("blocks").iter().map(block).collect();
        let step = case["step"].as_u64().expect("a step");
        let state =
            TransitionState::new(super_root.clone(), blocks.clone(), step).expect("a state");
        let encoded = bytes(&case["encoded"]);
        assert_eq!(state.encode(), encoded);
        assert_eq!(state.hash(), word(&case["hash"]));
        assert_eq!(TransitionState::decode(&encoded).as_ref(), Ok(&state));
        assert_eq!(
            (state.super_root(), state.blocks(), state.step()),
            (&super_root, &*blocks, step)
        );
        check_damage(&encoded);
    }
    assert_eq!(keccak256(INVALID_TRANSITION), INVALID_TRANSITION_HASH);
    assert_eq!(INVALID_TRANSITION_HASH, word(&file["invalid_transition_hash"]));
    assert!(TransitionState::decode(INVALID_TRANSITION).is_err());
    vectors.finish();
}

/// What is cut, grown or of another version is refused; what is flipped is refused or another
/// state.
#[track_caller]
fn check_damage(encoded: &[u8]) {
    for length in 0..encoded.len() {
        assert!(TransitionState::decode(&encoded[..length]).is_err(), "cut at {length}");
    }
    assert!(TransitionState::decode(&[encoded, &[0]].concat()).is_err());
    for at in 0..encoded.len() {
        let mut flipped = encoded.to_vec();
        flipped[at] ^= 0x80;
        let found = TransitionState::decode(&flipped);
        assert!(found.is_err() || found.is_ok_and(|it| it.encode() == flipped), "flipped at {at}");
    }
    let bare = &[&[1], &encoded[1..]].concat();
    let found = TransitionState::decode(bare);
    assert_eq!(found, Err(TransitionStateError::UnknownVersion { version: 1 }));
}

#[test]
fn no_state_is_beyond_the_last_step() {
    let chain = opal_types::ChainOutput { chain_id: Default::default(), output_root: B256::ZERO };
    let super_root = SuperRoot::new(0, vec![chain]).expect("a root");
    let block = OptimisticBlock { block_hash: B256::ZERO, output_root: B256::ZERO };
    let make = |count, step| TransitionState::new(super_root.clone(), vec![block; count], step);
    let last = make(127, 127).expect("a full state");
    assert_eq!(TransitionState::decode(&last.encode()), Ok(last.clone()));
    assert_eq!(make(0, 128), Err(TransitionStateError::StepTooHigh { step: 128 }));
    assert_eq!(make(128, 0), Err(TransitionStateError::TooManyBlocks { count: 128 }));
    // The step is the last byte. 0x80 would be zero, so the next number has two.
    let mut beyond = last.encode();
    *beyond.last_mut().expect("a step") = 0x81;
    assert!(TransitionState::decode(&beyond).is_err());
}
