//! Properties of payloads and transition states: what is encoded is decoded again, and bytes that
//! are no encoding are refused.
//!
//! **Invariant:** the seed is fixed, so that a run can be repeated.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bloom, Bytes, U256};
use opal_types::{
    ChainOutput, OptimisticBlock, PayloadEnvelope, PayloadError, PayloadVersion, SuperRoot,
    TransitionState,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};

const VERSIONS: [PayloadVersion; 4] =
    [PayloadVersion::V1, PayloadVersion::V2, PayloadVersion::V3, PayloadVersion::V4];

fn config() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(4),
        ..Config::default()
    }
}

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

fn withdrawal() -> impl Strategy<Value = Withdrawal> {
    (any::<(u64, u64, u64)>(), address()).prop_map(|(numbers, address)| Withdrawal {
        index: numbers.0,
        validator_index: numbers.1,
        address,
        amount: numbers.2,
    })
}

prop_compose! {
    fn envelope()(
        version in prop::sample::select(VERSIONS.to_vec()),
        words in [word(), word(), word(), word(), word(), word(), word(), word()],
        fee_recipient in address(),
        bloom in any::<u8>(),
        numbers in any::<[u64; 6]>(),
        extra_data in vec(any::<u8>(), 0..33),
        transactions in vec(vec(any::<u8>(), 0..40), 0..6),
        withdrawals in vec(withdrawal(), 0..17),
    ) -> PayloadEnvelope {
        let [v2, v3, v4] = [1, 2, 3].map(|at| version >= VERSIONS[at]);
        PayloadEnvelope {
            parent_hash: words[0],
            fee_recipient,
            state_root: words[1],
            receipts_root: words[2],
            logs_bloom: Bloom::repeat_byte(bloom),
            prev_randao: words[3],
            number: numbers[0],
            gas_limit: numbers[1],
            gas_used: numbers[2],
            timestamp: numbers[3],
            extra_data: extra_data.into(),
            base_fee_per_gas: U256::from_be_bytes(words[4].0),
            block_hash: words[5],
            transactions: transactions.into_iter().map(Bytes::from).collect(),
            withdrawals: v2.then_some(withdrawals),
            blob_gas_used: v3.then_some(numbers[4]),
            excess_blob_gas: v3.then_some(numbers[5]),
            parent_beacon_block_root: v3.then_some(words[6]),
            withdrawals_root: v4.then_some(words[7]),
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn payloads_survive_ssz(envelope in envelope()) {
        let version = envelope.version().unwrap();
        let encoded = envelope.encode().unwrap();
        prop_assert_eq!(PayloadEnvelope::decode(version, &encoded), Ok(envelope));
        for other in VERSIONS {
            if let Ok(read) = PayloadEnvelope::decode(other, &encoded) {
                prop_assert_eq!(read.encode(), Ok(encoded.clone()));
            }
        }
    }

    #[test]
    fn a_changed_payload_is_refused_or_encodes_to_the_changed_bytes(
        envelope in envelope(),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        length in any::<prop::sample::Index>(),
    ) {
        let version = envelope.version().unwrap();
        let mut encoded = envelope.encode().unwrap();
        for (at, byte) in changes {
            *at.get_mut(&mut encoded) = byte;
        }
        for bytes in [&encoded[..], &encoded[..length.index(encoded.len())]] {
            if let Ok(other) = PayloadEnvelope::decode(version, bytes) {
                prop_assert_eq!(other.encode(), Ok(bytes.to_vec()));
            }
        }
    }

    #[test]
    fn offsets_of_any_value_are_refused_or_the_same(
        envelope in envelope(),
        at in 0usize..3,
        to in 0u32..900,
    ) {
        let version = envelope.version().unwrap();
        let mut encoded = envelope.encode().unwrap();
        let front = if version >= PayloadVersion::V3 { 32 } else { 0 };
        // Extra data, transactions, and from V2 withdrawals.
        let places: &[usize] =
            if version == PayloadVersion::V1 { &[436, 504] } else { &[436, 504, 508] };
        let place = front + places[at % places.len()];
        encoded[place..place + 4].copy_from_slice(&to.to_le_bytes());
        if let Ok(other) = PayloadEnvelope::decode(version, &encoded) {
            prop_assert_eq!(other.encode(), Ok(encoded));
        }
    }

    #[test]
    fn transition_states_survive_their_encoding(
        timestamp in any::<u64>(),
        chains in vec(any::<(u64, [u8; 32])>(), 1..4),
        blocks in vec([word(), word()], 0..5),
        step in 0u64..128,
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let chain = |(id, root): (u64, [u8; 32])| ChainOutput {
            chain_id: U256::from(id),
            output_root: B256::new(root),
        };
        let super_root = SuperRoot::new(timestamp, chains.into_iter().map(chain).collect());
        let block = |[block_hash, output_root]: [B256; 2]| {
            OptimisticBlock { block_hash, output_root }
        };
        let blocks = blocks.into_iter().map(block).collect();
        let state = TransitionState::new(super_root.unwrap(), blocks, step).unwrap();
        let mut encoded = state.encode();
        prop_assert_eq!(TransitionState::decode(&encoded), Ok(state));
        *at.get_mut(&mut encoded) ^= flip;
        if let Ok(other) = TransitionState::decode(&encoded) {
            prop_assert_eq!(other.encode(), encoded);
        }
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(mut bytes in vec(any::<u8>(), 0..700)) {
        for version in VERSIONS {
            let _ = PayloadEnvelope::decode(version, &bytes);
        }
        if let Some(first) = bytes.first_mut() {
            *first = 0xff;
        }
        let _ = TransitionState::decode(&bytes);
    }
}

/// A V1 payload with these transactions as they would lie on the wire.
fn with_transactions(list: &[u8]) -> Vec<u8> {
    let empty = PayloadEnvelope::default().encode().expect("an empty payload fits");
    [empty.as_slice(), list].concat()
}

#[track_caller]
fn check(list: &[u8], expected: Result<Vec<Bytes>, PayloadError>) {
    let decoded = PayloadEnvelope::decode(PayloadVersion::V1, &with_transactions(list));
    assert_eq!(decoded.map(|it| it.transactions), expected);
}

#[test]
fn lists_of_transactions_have_one_form() {
    check(&[], Ok(vec![]));
    check(&[4, 0, 0, 0], Ok(vec![Bytes::new()]));
    check(&[4, 0, 0, 0, 7], Ok(vec![vec![7].into()]));
    check(&[8, 0, 0, 0, 8, 0, 0, 0], Ok(vec![Bytes::new(), Bytes::new()]));
    check(&[8, 0, 0, 0, 9, 0, 0, 0, 7], Ok(vec![vec![7].into(), Bytes::new()]));
    // An offset cut short, a list without offsets, offsets that are not whole, backward, beyond.
    check(&[4, 0, 0], Err(PayloadError::TooShort { length: 3, fixed: 4 }));
    check(&[0, 0, 0, 0], Err(PayloadError::FirstOffset { offset: 0, wanted: 4 }));
    check(&[5, 0, 0, 0, 0], Err(PayloadError::FirstOffset { offset: 5, wanted: 8 }));
    let backward = PayloadError::Offset { offset: 7, least: 8, length: 8 };
    check(&[8, 0, 0, 0, 7, 0, 0, 0], Err(backward));
    let beyond = PayloadError::Offset { offset: 9, least: 8, length: 8 };
    check(&[8, 0, 0, 0, 9, 0, 0, 0], Err(beyond));
    let all = u32::MAX as usize;
    check(&[255; 4], Err(PayloadError::TooShort { length: 4, fixed: all }));
}

#[test]
fn no_list_is_longer_than_the_format_allows() {
    let mut envelope = PayloadEnvelope {
        withdrawals: Some(vec![Withdrawal::default(); 17]),
        ..Default::default()
    };
    let too_many = PayloadError::TooLong { field: "withdrawals", length: 17 };
    assert_eq!(envelope.encode(), Err(too_many));
    envelope.withdrawals = Some(vec![]);
    let mut bytes = envelope.encode().unwrap();
    bytes.extend([0; 17 * 44]);
    assert_eq!(PayloadEnvelope::decode(PayloadVersion::V2, &bytes), Err(too_many));
    bytes.truncate(bytes.len() - 1);
    let not_whole = PayloadError::WithdrawalsLength { length: 17 * 44 - 1 };
    assert_eq!(PayloadEnvelope::decode(PayloadVersion::V2, &bytes), Err(not_whole));

    let count = (1 << 20) + 1;
    let offset = u32::try_from(count * 4).unwrap().to_le_bytes();
    let too_many = PayloadError::TooLong { field: "transactions", length: count };
    check(&offset.repeat(count), Err(too_many));
    envelope.transactions = vec![Bytes::new(); count];
    assert_eq!(envelope.encode(), Err(too_many));
}
