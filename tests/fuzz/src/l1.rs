//! What L1 says: attributes transactions, config updates, deposits, headers.

use super::{forks, input::Input};
use alloy_consensus::Header;
use alloy_eips::Decodable2718;
use alloy_primitives::{B256, Bytes, Log, LogData, U256, keccak256};
use alloy_rlp::Decodable;
use op_alloy_consensus::TxDeposit;
use opal_types::{
    ExtraData, Fork, L1Flavour, L1Info, L1InfoFormat, deposit_from_log, encode_deposit,
};

pub(crate) fn info(data: &[u8]) {
    use L1InfoFormat::{Bedrock, Ecotone, Isthmus, Jovian};
    for format in [Bedrock, Ecotone, Isthmus, Jovian] {
        if let Ok(info) = L1Info::decode_as(format, data) {
            assert_eq!(info.encode(format).as_ref(), data, "{format:?}");
        }
    }
    for fork in [Fork::Granite, Fork::Holocene, Fork::Jovian] {
        if let Ok(Some(extra)) = ExtraData::decode(&forks::times(fork, 0), 9, data) {
            assert_eq!(extra.encode().as_ref(), data, "extra data of {fork:?}");
        }
    }
}

/// A log: the number of its topics, the topics, the data. The first topic is `event` mostly.
fn log(input: &mut Input<'_>, event: B256) -> Log {
    let count = input.number() % 8;
    let topics = (0..count).map(|_| B256::from(input.array().unwrap_or_default()));
    let mut topics: Vec<_> = topics.take(4).collect();
    if count < 5 {
        topics.iter_mut().take(1).for_each(|it| *it = event);
    }
    let data = LogData::new_unchecked(topics, Bytes::copy_from_slice(input.0));
    Log { address: forks::PORTAL, data }
}

pub(crate) fn config_update(data: &[u8]) {
    let mut input = Input(data);
    let fork = forks::fork(input.number());
    let config = forks::config(forks::times(fork, 0));
    let log = log(&mut input, opal_types::CONFIG_UPDATE_EVENT);
    let before = &config.genesis.system_config;
    let mut after = before.clone();
    match after.apply_log(&config, 9, &log) {
        Err(_) => assert_eq!(&after, before, "a refused update changes nothing"),
        Ok(changed) => assert_eq!(changed, &after != before, "it says whether it changed"),
    }
    if fork >= Fork::Ecotone {
        assert!(after.fee_scalars().is_ok(), "scalars that mean nothing do not pass");
    }
    let mut config = config;
    config.genesis.system_config = after;
    let read = opal_types::ChainConfig::from_rlp(&config.to_rlp());
    assert_eq!(read, Ok(config), "what it becomes can be written down");
}

pub(crate) fn deposit_log(data: &[u8]) {
    let log = log(&mut Input(data), opal_types::DEPOSIT_EVENT);
    let Ok(deposit) = deposit_from_log(&log, B256::repeat_byte(1), 2) else { return };
    let encoded = encode_deposit(&deposit);
    let mut rest = encoded.as_ref();
    let read = TxDeposit::decode_2718(&mut rest).expect("a deposit can be read");
    assert_eq!((read, rest.len()), (deposit, 0));
}

pub(crate) fn header(data: &[u8]) {
    for flavour in [L1Flavour::Ethereum, L1Flavour::CChain] {
        if let Ok(header) = flavour.decode_header(data) {
            assert_eq!(header.hash, keccak256(data), "{flavour:?}");
        }
    }
    let mut rest = data;
    let Ok(wanted) = Header::decode(&mut rest) else { return };
    let Some(base_fee) = wanted.base_fee_per_gas.filter(|_| rest.is_empty()) else { return };
    let found = L1Flavour::Ethereum.decode_header(data).expect("what alloy reads, opal reads");
    assert_eq!(
        (found.number, found.timestamp, found.parent_hash, found.mix_hash, found.base_fee),
        (
            wanted.number,
            wanted.timestamp,
            wanted.parent_hash,
            wanted.mix_hash,
            U256::from(base_fee)
        )
    );
    assert_eq!(found.excess_blob_gas, wanted.excess_blob_gas);
    assert_eq!(found.parent_beacon_block_root, wanted.parent_beacon_block_root);
    assert_eq!(found.logs_bloom, wanted.logs_bloom);
    assert_eq!(
        (found.transactions_root, found.receipts_root),
        (wanted.transactions_root, wanted.receipts_root)
    );
}
