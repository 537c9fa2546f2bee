//! Properties of what L2 takes from L1: what is written is read again, and no bytes of a stranger
//! do harm.
//!
//! **Invariant:** the seed is fixed, so that a run can be repeated.

use alloy_consensus::Header;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Log, LogData, U256, keccak256};
use opal_types::{
    BLOB_SIZE, BaseFeeParams, BlobParams, BlockId, CONFIG_UPDATE_EVENT, ChainConfig, EpochPosition,
    ExtraData, FeeScalars, Fork, ForkTimes, Genesis, L1BlockInfo, L1Config, L1Flavour, L1Info,
    L1InfoFormat, OfBlockError, SystemConfig, decode_blob, encode_blob, l1_info_deposit,
    upgrade_gas,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};

/// When [`chain`]'s youngest fork activates.
const ACTIVATION: u64 = 1000;
const FORMATS: [L1InfoFormat; 4] =
    [L1InfoFormat::Bedrock, L1InfoFormat::Ecotone, L1InfoFormat::Isthmus, L1InfoFormat::Jovian];

fn config() -> Config {
    Config {
        cases: 128,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(4),
        ..Config::default()
    }
}

fn word() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

fn number() -> impl Strategy<Value = U256> {
    word().prop_map(|word| U256::from_be_bytes(word.0))
}

/// All forks up to Jovian from genesis, Karst and Lagoon as asked.
fn chain(karst: Option<u64>, lagoon: Option<u64>) -> ChainConfig {
    let forks = ForkTimes {
        regolith: Some(0),
        canyon: Some(0),
        delta: Some(0),
        ecotone: Some(0),
        fjord: Some(0),
        granite: Some(0),
        holocene: Some(0),
        isthmus: Some(0),
        jovian: Some(0),
        karst,
        lagoon,
    };
    ChainConfig {
        genesis: Genesis {
            l1: BlockId { number: 5, hash: B256::repeat_byte(5) },
            l2: BlockId { number: 0, hash: B256::repeat_byte(6) },
            l2_time: 0,
            system_config: SystemConfig { gas_limit: 9, ..SystemConfig::default() },
        },
        block_time: 2,
        max_sequencer_drift: 600,
        seq_window_size: 3600,
        channel_timeout: 300,
        l1_chain_id: 900,
        l2_chain_id: 901,
        forks,
        pectra_blob_schedule_time: None,
        batch_inbox: Address::repeat_byte(1),
        deposit_contract: Address::repeat_byte(2),
        l1_system_config: Address::repeat_byte(3),
        eip1559: BaseFeeParams { denominator: 50, elasticity: 6 },
        eip1559_denominator_canyon: 250,
        keep_karst_upgrade_gas: false,
        alt_da: None,
    }
}

/// A block with the attributes of `system_config`, which the header carries too.
fn block(config: &ChainConfig, system_config: &SystemConfig, timestamp: u64) -> (Header, Vec<u8>) {
    let l1 = L1BlockInfo {
        hash: B256::repeat_byte(7),
        number: 8,
        timestamp: 9,
        base_fee: U256::from(10),
        blob_base_fee: U256::from(11),
    };
    let extra =
        ExtraData { params: system_config.eip1559, min_base_fee: Some(system_config.min_base_fee) };
    let header = Header {
        number: 1,
        timestamp,
        gas_limit: system_config.gas_limit,
        extra_data: extra.encode(),
        ..Header::default()
    };
    let deposit =
        l1_info_deposit(config, system_config, 3, &l1, timestamp).expect("a sound scalar");
    (header, deposit.encoded_2718())
}

prop_compose! {
    /// One that survives a Jovian block: version 1 scalars, no zeros that stand for something else.
    fn jovian_system_config()(
        batcher in any::<[u8; 20]>(),
        scalars in any::<(u32, u32)>(),
        gas_limit in any::<u64>(),
        eip1559 in (1u32.., 1u32..),
        operator_fee in any::<(u32, u64)>(),
        min_base_fee in any::<u64>(),
        da_footprint_gas_scalar in 1u16..,
    ) -> SystemConfig {
        let (denominator, elasticity) = eip1559;
        let scalars = FeeScalars { base_fee: scalars.0, blob_base_fee: scalars.1 };
        SystemConfig {
            batcher: batcher.into(),
            overhead: U256::ZERO,
            scalar: scalars.to_word(),
            gas_limit,
            eip1559: BaseFeeParams { denominator, elasticity },
            operator_fee_scalar: operator_fee.0,
            operator_fee_constant: operator_fee.1,
            min_base_fee,
            da_footprint_gas_scalar,
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_block_gives_back_its_system_config(system_config in jovian_system_config()) {
        let config = chain(None, None);
        let (header, first) = block(&config, &system_config, ACTIVATION);
        let hash = header.hash_slow();
        let found = SystemConfig::of_block(&config, &header, hash, &first);
        prop_assert_eq!(found, Ok(system_config));
        let l1_origin = BlockId { number: 8, hash: B256::repeat_byte(7) };
        let position = EpochPosition { l1_origin, sequence_number: 3 };
        prop_assert_eq!(EpochPosition::of_block(&config, &header, hash, &first), Ok(position));
        for length in 0..first.len() {
            let cut = SystemConfig::of_block(&config, &header, hash, &first[..length]);
            prop_assert_eq!(cut, Err(OfBlockError::NoDeposit { number: 1 }));
        }
        let longer = [first.as_slice(), &[0]].concat();
        prop_assert!(SystemConfig::of_block(&config, &header, hash, &longer).is_err());
    }

    #[test]
    fn any_bytes_of_the_right_length_are_l1_attributes_that_encode_to_them_or_an_error(
        mut bytes in vec(any::<u8>(), 260),
        clear_words in any::<bool>(),
    ) {
        for format in FORMATS {
            if clear_words && format == L1InfoFormat::Bedrock {
                // Half of the way to legal words: no padding is hit.
                for word in [0, 1, 4] {
                    bytes[4 + 32 * word..][..24].fill(0);
                }
                bytes[4 + 32 * 5..][..12].fill(0);
            }
            bytes[..4].copy_from_slice(&format.selector());
            let data = &bytes[..format.length()];
            if let Ok(info) = L1Info::decode_as(format, data) {
                prop_assert_eq!(info.encode(format).to_vec(), data);
            }
        }
    }

    #[test]
    fn any_config_log_changes_something_or_gives_a_reason(
        topics in vec(word(), 0..3),
        kind in 0u8..10,
        length in 0u8..,
        mut data in vec(any::<u8>(), 0..160),
        time in any::<u64>(),
    ) {
        if data.len() >= 64 {
            data[..64].fill(0);
            data[31] = 32;
            data[63] = length & 0x60;
        }
        let config = chain(None, None);
        let known = [CONFIG_UPDATE_EVENT, B256::ZERO, B256::with_last_byte(kind)].to_vec();
        for topics in [known, [vec![CONFIG_UPDATE_EVENT], topics].concat()] {
            let data = LogData::new(topics, data.clone().into()).unwrap();
            let log = Log { address: config.l1_system_config, data };
            let (mut before, mut after) = (SystemConfig::default(), SystemConfig::default());
            let result = after.apply_log(&config, time, &log);
            prop_assert_eq!(result.unwrap_or(false), after != before);
            let skipped = before.apply_logs(&config, time, [&log]);
            prop_assert_eq!(skipped.len(), usize::from(result.is_err()));
            prop_assert_eq!(before, after);
        }
    }

    #[test]
    fn any_data_survives_a_blob(data in vec(any::<u8>(), 0..3000)) {
        prop_assert_eq!(decode_blob(&encode_blob(&data).unwrap()), Ok(data));
    }

    #[test]
    fn a_blob_that_is_read_is_the_blob_of_its_data(
        start in vec(0u8..0x40, 0..200),
        length in 0u8..250,
    ) {
        let mut blob = Box::new([0; BLOB_SIZE]);
        blob[..start.len()].copy_from_slice(&start);
        blob[1..5].copy_from_slice(&[0, 0, 0, length]);
        if let Ok(data) = decode_blob(&blob) {
            prop_assert_eq!(encode_blob(&data), Ok(blob));
        }
    }

    #[test]
    fn l1_configs_survive_rlp(
        chain_id in any::<u64>(),
        c_chain in any::<bool>(),
        mut times in vec(any::<u64>(), 0..6),
        update_fraction in 1u64..,
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        times.sort();
        let schedule = times.into_iter().map(|timestamp| BlobParams { timestamp, update_fraction });
        let flavour = if c_chain { L1Flavour::CChain } else { L1Flavour::Ethereum };
        let config = L1Config::new(chain_id, flavour, schedule.collect()).unwrap();
        let mut encoded = config.to_rlp();
        for length in 0..encoded.len() {
            prop_assert!(L1Config::from_rlp(&encoded[..length]).is_err());
        }
        prop_assert_eq!(L1Config::from_rlp(&encoded), Ok(config));
        *at.get_mut(&mut encoded) ^= flip;
        if let Ok(other) = L1Config::from_rlp(&encoded) {
            prop_assert_eq!(other.to_rlp(), encoded);
        }
    }

    #[test]
    fn ethereum_headers_are_what_alloy_writes(
        words in [word(), word(), word(), word(), word()],
        numbers in any::<[u64; 3]>(),
        excess_blob_gas in any::<Option<u64>>(),
        at in any::<prop::sample::Index>(),
        flip in 1u8..,
    ) {
        let cancun = excess_blob_gas.is_some();
        let header = Header {
            parent_hash: words[0],
            mix_hash: words[1],
            transactions_root: words[2],
            receipts_root: words[3],
            number: numbers[0],
            timestamp: numbers[1],
            base_fee_per_gas: Some(numbers[2]),
            withdrawals_root: cancun.then_some(B256::ZERO),
            blob_gas_used: cancun.then_some(0),
            excess_blob_gas,
            parent_beacon_block_root: cancun.then_some(words[4]),
            requests_hash: cancun.then_some(B256::ZERO),
            ..Header::default()
        };
        let mut encoded = alloy_rlp::encode(&header);
        let found = L1Flavour::Ethereum.decode_header(&encoded).unwrap();
        prop_assert_eq!(found.hash, header.hash_slow());
        prop_assert_eq!((found.number, found.timestamp), (header.number, header.timestamp));
        prop_assert_eq!((found.parent_hash, found.mix_hash), (words[0], words[1]));
        prop_assert_eq!((found.transactions_root, found.receipts_root), (words[2], words[3]));
        prop_assert_eq!(found.base_fee, U256::from(numbers[2]));
        prop_assert_eq!(found.excess_blob_gas, excess_blob_gas);
        prop_assert_eq!(found.parent_beacon_block_root, header.parent_beacon_block_root);
        *at.get_mut(&mut encoded) ^= flip;
        for flavour in [L1Flavour::Ethereum, L1Flavour::CChain] {
            if let Ok(found) = flavour.decode_header(&encoded) {
                prop_assert_eq!(found.hash, keccak256(&encoded));
            }
        }
    }

    #[test]
    fn a_packed_scalar_is_two_weights_or_an_error(scalar in number(), version in 0u8..3) {
        for scalar in [scalar, scalar & U256::from(u64::MAX) | U256::from(version) << 248] {
            if let Ok(weights) = FeeScalars::from_word(scalar) {
                let version: U256 = scalar >> 248;
                prop_assert!(version <= U256::ONE);
                let word = if version.is_zero() { scalar | U256::ONE << 248 } else { scalar };
                prop_assert_eq!(weights.to_word(), word);
            }
        }
    }
}

/// The activation block of Karst lends itself gas for its upgrade transactions. Chains that went
/// through it with the first release keep it (D20).
#[test]
fn upgrade_gas_is_not_part_of_the_system_config() {
    let system_config = SystemConfig {
        gas_limit: 100_000_000,
        eip1559: BaseFeeParams { denominator: 250, elasticity: 6 },
        ..SystemConfig::default()
    };
    let after = |config: &ChainConfig, timestamp| {
        let (header, first) = block(config, &system_config, timestamp);
        SystemConfig::of_block(config, &header, header.hash_slow(), &first).unwrap().gas_limit
    };
    let karst = chain(Some(ACTIVATION), None);
    assert_eq!(after(&karst, ACTIVATION - 2), 100_000_000);
    assert_eq!(after(&karst, ACTIVATION), 100_000_000 - upgrade_gas(Fork::Karst));
    assert_eq!(after(&karst, ACTIVATION + 2), 100_000_000);
    let sticky = ChainConfig { keep_karst_upgrade_gas: true, ..karst };
    assert_eq!(after(&sticky, ACTIVATION), 100_000_000);
    assert_eq!(after(&chain(Some(0), None), 0), 100_000_000, "from genesis there is no upgrade");
    let lagoon = chain(Some(0), Some(ACTIVATION));
    assert_eq!(after(&lagoon, ACTIVATION), 100_000_000 - upgrade_gas(Fork::Lagoon));
}

#[test]
fn the_first_block_has_the_configured_system_config_and_no_other_hash() {
    let config = chain(None, None);
    let header = Header::default();
    let hash = config.genesis.l2.hash;
    let found = SystemConfig::of_block(&config, &header, hash, &[]);
    assert_eq!(found.as_ref(), Ok(&config.genesis.system_config));
    let position = EpochPosition { l1_origin: config.genesis.l1, sequence_number: 0 };
    assert_eq!(EpochPosition::of_block(&config, &header, hash, &[]), Ok(position));
    let wrong = OfBlockError::WrongGenesis { number: 0, found: B256::ZERO, configured: hash };
    assert_eq!(SystemConfig::of_block(&config, &header, B256::ZERO, &[]), Err(wrong));
}
