//! Properties of all codecs: what is encoded is decoded again, and bytes that are no encoding are
//! refused.
//!
//! **Invariant:** the seed is fixed, so that a run can be repeated.

use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B256, Bytes, Log, LogData, U256};
use opal_types::{
    AltDa, AltDaCommitment, Attributes, BaseFeeParams, BlockId, ChainConfig, ChainOutput,
    DEPOSIT_EVENT, ExtraData, ForkTimes, Genesis, OutputRoot, SuperRoot, SystemConfig,
    deposit_from_log,
};
use proptest::{
    collection::vec,
    option,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};

fn config() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(3),
        ..Config::default()
    }
}

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn number() -> impl Strategy<Value = U256> {
    word().prop_map(|word| U256::from_be_bytes(word.0))
}

fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

fn block_id() -> impl Strategy<Value = BlockId> {
    (any::<u64>(), word()).prop_map(|(number, hash)| BlockId { number, hash })
}

fn base_fee_params() -> impl Strategy<Value = BaseFeeParams> {
    any::<(u32, u32)>()
        .prop_map(|(denominator, elasticity)| BaseFeeParams { denominator, elasticity })
}

fn system_config() -> impl Strategy<Value = SystemConfig> {
    let fees = any::<(u64, u32, u64, u64, u16)>();
    (address(), number(), number(), base_fee_params(), fees).prop_map(
        |(batcher, overhead, scalar, eip1559, fees)| SystemConfig {
            batcher,
            overhead,
            scalar,
            gas_limit: fees.0,
            eip1559,
            operator_fee_scalar: fees.1,
            operator_fee_constant: fees.2,
            min_base_fee: fees.3,
            da_footprint_gas_scalar: fees.4,
        },
    )
}

fn fork_times() -> impl Strategy<Value = ForkTimes> {
    any::<[Option<u64>; 11]>().prop_map(
        |[
            regolith,
            canyon,
            delta,
            ecotone,
            fjord,
            granite,
            holocene,
            isthmus,
            jovian,
            karst,
            lagoon,
        ]| {
            ForkTimes {
                regolith,
                canyon,
                delta,
                ecotone,
                fjord,
                granite,
                holocene,
                isthmus,
                jovian,
                karst,
                lagoon,
            }
        },
    )
}

fn alt_da() -> impl Strategy<Value = AltDa> {
    (address(), any::<(bool, u64, u64)>()).prop_map(|(challenge_contract, rest)| AltDa {
        challenge_contract,
        commitment: if rest.0 { AltDaCommitment::Generic } else { AltDaCommitment::Keccak },
        challenge_window: rest.1,
        resolve_window: rest.2,
    })
}

prop_compose! {
    fn chain_config()(
        l1 in block_id(),
        l2 in block_id(),
        system_config in system_config(),
        forks in fork_times(),
        addresses in [address(), address(), address()],
        numbers in any::<[u64; 7]>(),
        eip1559 in base_fee_params(),
        eip1559_denominator_canyon in any::<u32>(),
        keep_karst_upgrade_gas in any::<bool>(),
        pectra_blob_schedule_time in any::<Option<u64>>(),
        alt_da in option::of(alt_da()),
    ) -> ChainConfig {
        let [batch_inbox, deposit_contract, l1_system_config] = addresses;
        ChainConfig {
            genesis: Genesis { l1, l2, l2_time: numbers[0], system_config },
            block_time: numbers[1],
            max_sequencer_drift: numbers[2],
            seq_window_size: numbers[3],
            channel_timeout: numbers[4],
            l1_chain_id: numbers[5],
            l2_chain_id: numbers[6],
            forks,
            pectra_blob_schedule_time,
            batch_inbox,
            deposit_contract,
            l1_system_config,
            eip1559,
            eip1559_denominator_canyon,
            keep_karst_upgrade_gas,
            alt_da,
        }
    }
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
    fn attributes()(
        timestamp in any::<u64>(),
        prev_randao in word(),
        fee_recipient in address(),
        withdrawals in option::of(vec(withdrawal(), 0..3)),
        parent_beacon_block_root in option::of(word()),
        transactions in vec(vec(any::<u8>(), 0..80).prop_map(Bytes::from), 0..6),
        gas_limit in any::<u64>(),
        eip1559 in option::of(base_fee_params()),
        min_base_fee in any::<Option<u64>>(),
    ) -> Attributes {
        Attributes {
            timestamp,
            prev_randao,
            fee_recipient,
            withdrawals,
            parent_beacon_block_root,
            transactions,
            gas_limit,
            eip1559,
            min_base_fee,
        }
    }
}

/// Every shortened form of an encoding is refused, and so is one byte too many.
fn no_other_length<T>(encoded: &[u8], decode: impl Fn(&[u8]) -> Option<T>) {
    for length in 0..encoded.len() {
        assert!(decode(&encoded[..length]).is_none(), "cut at {length}");
    }
    assert!(decode(&[encoded, &[0]].concat()).is_none(), "one byte too many");
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn chain_configs_survive_rlp(config in chain_config()) {
        let encoded = config.to_rlp();
        prop_assert_eq!(ChainConfig::from_rlp(&encoded), Ok(config));
        no_other_length(&encoded, |it| ChainConfig::from_rlp(it).ok());
    }

    #[test]
    fn a_changed_config_is_refused_or_encodes_to_the_changed_bytes(
        config in chain_config(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut encoded = config.to_rlp();
        *at.get_mut(&mut encoded) ^= flip;
        if let Ok(other) = ChainConfig::from_rlp(&encoded) {
            prop_assert_eq!(other.to_rlp(), encoded);
        }
    }

    #[test]
    fn attributes_survive_rlp(attributes in attributes()) {
        let encoded = attributes.to_rlp();
        prop_assert_eq!(Attributes::from_rlp(&encoded), Ok(attributes));
        no_other_length(&encoded, |it| Attributes::from_rlp(it).ok());
    }

    #[test]
    fn changed_attributes_are_refused_or_encode_to_the_changed_bytes(
        attributes in attributes(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let mut encoded = attributes.to_rlp();
        *at.get_mut(&mut encoded) ^= flip;
        if let Ok(other) = Attributes::from_rlp(&encoded) {
            prop_assert_eq!(other.to_rlp(), encoded);
        }
    }

    #[test]
    fn super_roots_survive_their_encoding(
        timestamp in any::<u64>(),
        chains in vec((number(), word()), 1..5),
    ) {
        let chains: Vec<_> = chains
            .into_iter()
            .map(|(chain_id, output_root)| ChainOutput { chain_id, output_root })
            .collect();
        let root = SuperRoot::new(timestamp, chains).unwrap();
        let encoded = root.encode();
        prop_assert!(root.is_sorted());
        prop_assert_eq!(SuperRoot::decode(&encoded), Ok(root));
        no_other_length(&encoded, |it| SuperRoot::decode(it).ok().filter(|_| it.len() % 64 != 9));
    }

    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..400), head in any::<u8>()) {
        let _ = ChainConfig::from_rlp(&bytes);
        let _ = Attributes::from_rlp(&bytes);
        if let Ok(root) = OutputRoot::decode(&bytes) {
            prop_assert_eq!(root.encode(), bytes.as_slice());
        }
        let versioned = [&[head & 1], bytes.as_slice()].concat();
        if let Ok(root) = SuperRoot::decode(&versioned) {
            prop_assert_eq!(root.encode(), versioned.as_slice());
        }
        for data in [ExtraData::decode_holocene(&versioned), ExtraData::decode_jovian(&versioned)] {
            prop_assert!(data.is_err() || data.unwrap().encode() == versioned);
        }
    }

    #[test]
    fn any_log_is_a_deposit_or_an_error(
        topics in vec(word(), 0..4),
        mut data in vec(any::<u8>(), 0..320),
        length in 0u8..,
    ) {
        // Half of the way to a legal log, so that the later checks are reached.
        if data.len() >= 64 {
            data[..64].fill(0);
            data[31] = 32;
            data[63] = length;
        }
        let topics = [vec![DEPOSIT_EVENT], topics, vec![B256::ZERO]].concat();
        let Some(data) = LogData::new(topics, data.into()) else { return Ok(()) };
        let _ = deposit_from_log(&Log { address: Address::ZERO, data }, B256::ZERO, 7);
    }
}
