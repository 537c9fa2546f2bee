//! What the host reads: chain configs, pre-image files, precompile requests.

use super::input::Input;
use alloy_primitives::{Address, Bytes, U256, keccak256};
use opal_execute::{Function, RevmCrypto};
use opal_host::{PreimageFile, answer_precompile};
use opal_program::{PreimageKey, wire::MAX_PREIMAGE_BYTES};
use opal_types::{
    ChainConfig, L1Config,
    read::{Superchain, header_json, l1_config_json, rollup_json, superchains_json},
};

pub(crate) fn config(data: &[u8]) {
    let mut input = Input(data);
    let kind = input.number();
    let text = input.0;
    match kind % 5 {
        0 => rollup_json(text).iter().for_each(check),
        1 => superchains_json(text).iter().flatten().for_each(check),
        2 => {
            if let Ok(config) = l1_config_json(text) {
                assert_eq!(L1Config::from_rlp(&config.to_rlp()), Ok(config));
            }
        }
        3 => drop(header_json(text)),
        _ => registry(text),
    }
}

/// The file of a superchain, a NUL, the file of a chain.
fn registry(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    let (superchain, chain) = text.split_once('\0').unwrap_or((text, ""));
    if let Ok(superchain) = Superchain::from_toml(superchain) {
        superchain.chain_toml(chain).iter().for_each(check);
    }
}

fn check(config: &ChainConfig) {
    assert_eq!(ChainConfig::from_rlp(&config.to_rlp()).as_ref(), Ok(config));
}

pub(crate) fn preimages(data: &[u8]) {
    let content = Bytes::copy_from_slice(data);
    let Ok(file) = PreimageFile::parse(content) else { return };
    let mut input = Input(data);
    let mut count = 0;
    while let Some(length) = input.array() {
        let record = input.take(u32::from_be_bytes(length) as usize);
        let found = file.get(PreimageKey::keccak(keccak256(record)));
        assert_eq!(found.map(|it| it.as_ref()), Some(record), "record {count}");
        count += 1;
    }
    assert!(file.len() <= count, "no record from nowhere");
}

/// Long numbers are slow, not different.
const MAX_MODEXP_BYTES: u64 = 512;

pub(crate) fn precompile(data: &[u8]) {
    if is_slow(data) {
        return;
    }
    let Ok(answer) = answer_precompile(data, &mut RevmCrypto) else { return };
    assert!(matches!(answer.as_slice(), [0] | [1, ..]), "a status stands in front");
    assert_eq!(answer_precompile(data, &mut RevmCrypto), Ok(answer), "the same question again");
}

/// Whether a request is a MODEXP of long numbers that the host still answers.
fn is_slow(request: &[u8]) -> bool {
    let mut input = Input(request);
    if input.array::<20>().map(Address::from) != Some(Function::ModExp.address()) {
        return false;
    }
    input.take(8);
    let mut length = || U256::from_be_bytes(input.array::<32>().unwrap_or_default());
    let lengths = [length(), length(), length()];
    let is_answered = |it: &U256| *it <= U256::from(MAX_PREIMAGE_BYTES);
    lengths.iter().all(is_answered) && lengths.iter().any(|it| *it > U256::from(MAX_MODEXP_BYTES))
}
