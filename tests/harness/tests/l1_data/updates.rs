//! System-config updates (D18).

use super::{ACTIVATION, bytes, chain, fork, text, word};
use alloy_primitives::{Address, B256, Log, LogData, U256};
use opal_harness::Vectors;
use opal_types::{
    BaseFeeParams, CONFIG_UPDATE_EVENT, ConfigUpdateError, Fork, SkippedUpdate, SystemConfig,
};
use serde_json::Value;

/// What all cases start from.
fn before() -> SystemConfig {
    let mut batcher = [0; 20];
    batcher[0] = 1;
    SystemConfig {
        batcher: Address::new(batcher),
        overhead: U256::from(2) << 248,
        scalar: U256::from(3),
        gas_limit: 7,
        ..SystemConfig::default()
    }
}

/// What a case wants it to become.
fn after(case: &Value) -> SystemConfig {
    let fields = &case["post"];
    let number = |field: &str| fields[field].as_u64().unwrap_or_else(|| panic!("{field}: {case}"));
    let operator = bytes(fields, "operatorFeeParams");
    let eip1559 = bytes(fields, "eip1559Params").try_into().expect("8 bytes");
    SystemConfig {
        batcher: text(fields, "batcher").parse().expect("an address"),
        overhead: word(fields, "overhead").into(),
        scalar: word(fields, "scalar").into(),
        gas_limit: number("gasLimit"),
        eip1559: BaseFeeParams::from_bytes(eip1559),
        operator_fee_scalar: u32::from_be_bytes(operator[20..24].try_into().expect("4")),
        operator_fee_constant: u64::from_be_bytes(operator[24..].try_into().expect("8")),
        min_base_fee: number("minBaseFee"),
        da_footprint_gas_scalar: number("daFootprintGasScalar").try_into().expect("a u16"),
    }
}

/// The log of an update.
fn update(kind: B256, data: Vec<u8>) -> Log {
    log(vec![CONFIG_UPDATE_EVENT, B256::ZERO, kind], data)
}

fn log(topics: Vec<B256>, data: Vec<u8>) -> Log {
    let data = LogData::new(topics, data.into()).expect("at most four topics");
    Log { address: chain(Fork::Bedrock).l1_system_config, data }
}

/// The log of an update with one word, well formed.
fn one_word(kind: u8, value: U256) -> Log {
    let words = [U256::from(32), U256::from(32), value].map(|it| it.to_be_bytes::<32>());
    update(B256::with_last_byte(kind), words.concat())
}

/// The Go node's words for a reason; `None` = it is silent.
fn go_text(error: ConfigUpdateError) -> Option<String> {
    let reason = match error {
        ConfigUpdateError::UnknownKind { kind } => {
            return Some(format!("unknown SystemConfig event type: {kind}"));
        }
        ConfigUpdateError::Offset => "invalid pointer field".to_owned(),
        ConfigUpdateError::Length { .. } => "invalid length field".to_owned(),
        ConfigUpdateError::TooManyBytes { .. } => "too many bytes".to_owned(),
        ConfigUpdateError::Value { value } => format!("could not read {}", go_name(value)),
        ConfigUpdateError::Scalar(_) => return None,
        other => panic!("{other}"),
    };
    Some(format!("error parsing system config: {reason}"))
}

fn go_name(value: &str) -> &str {
    match value {
        "EIP-1559 parameters" => "eip-1559 params",
        "operator fee" => "operator fee params",
        "minimum base fee" => "minBaseFee",
        other => other,
    }
}

#[test]
fn config_updates_change_what_they_change_in_the_go_node() {
    let Some(vectors) = Vectors::for_test("l1_data::updates") else { return };
    let file: Value = vectors.json("protocol/system-config-updates.json");
    assert_eq!(word(&file, "eventAbiHash"), CONFIG_UPDATE_EVENT);
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 120);
    for case in cases {
        let config = chain(fork(text(case, "fork")));
        let log = update(word(case, "updateType"), bytes(case, "data"));
        let mut found = before();
        let result = found.apply_log(&config, ACTIVATION, &log);
        let changed = case["changed"].as_bool().expect("a flag");
        assert_eq!(result.unwrap_or(false), changed, "{case}");
        assert_eq!(result.err().and_then(go_text).as_deref(), case["err"].as_str(), "{case}");
        assert_eq!(found, if changed { after(case) } else { before() }, "{case}");

        let mut by_block = before();
        let skipped = by_block.apply_logs(&config, ACTIVATION, [&log]);
        let wanted = result.err().map(|reason| SkippedUpdate { index: 0, reason });
        assert_eq!(skipped, Vec::from_iter(wanted));
        assert_eq!(by_block, found);
    }
    vectors.finish();
}

/// A malformed or unknown log is passed over; op-node and kona once dropped the whole block's
/// updates for it.
#[test]
fn a_bad_config_log_is_skipped_alone() {
    let config = chain(Fork::Jovian);
    let gas_limit = one_word(2, U256::from(30_000_000));
    let bad = [
        log(vec![CONFIG_UPDATE_EVENT], vec![]),
        log(vec![CONFIG_UPDATE_EVENT, B256::with_last_byte(1), B256::ZERO], vec![]),
        one_word(0, U256::MAX),
        one_word(8, U256::ONE),
        update(B256::repeat_byte(0xff), vec![]),
        update(B256::with_last_byte(2), vec![0; 31]),
    ];
    let footprint = one_word(7, U256::from(500));
    let logs: Vec<_> = [gas_limit].into_iter().chain(bad).chain([footprint]).collect();
    let mut found = before();
    let skipped = found.apply_logs(&config, ACTIVATION, &logs);
    assert_eq!(skipped.iter().map(|it| it.index).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    assert_eq!(skipped[0].reason, ConfigUpdateError::TopicCount { count: 1 });
    let version = B256::with_last_byte(1);
    assert_eq!(skipped[1].reason, ConfigUpdateError::UnknownVersion { version });
    assert_eq!((found.gas_limit, found.da_footprint_gas_scalar), (30_000_000, 500));
}

#[test]
fn logs_of_other_contracts_and_other_events_are_no_updates() {
    let config = chain(Fork::Jovian);
    let mut foreign = one_word(2, U256::from(9));
    foreign.address = config.deposit_contract;
    let other_event = log(vec![B256::ZERO, B256::ZERO, B256::with_last_byte(2)], vec![0; 96]);
    let mut found = before();
    let skipped =
        found.apply_logs(&config, ACTIVATION, &[foreign, other_event, log(vec![], vec![])]);
    assert_eq!((found, skipped), (before(), vec![]));
}

/// No block may have one zero without the other; both stand for the chain's constants.
#[test]
fn base_fee_params_with_one_zero_are_skipped() {
    let config = chain(Fork::Holocene);
    let apply = |denominator: u64, elasticity: u64| {
        let mut found = before();
        let value = U256::from(denominator) << 32 | U256::from(elasticity);
        let result = found.apply_log(&config, ACTIVATION, &one_word(4, value));
        (result, found.eip1559)
    };
    let zero = BaseFeeParams::default();
    assert!(matches!(apply(0, 5), (Err(ConfigUpdateError::BaseFee(_)), kept) if kept == zero));
    assert!(matches!(apply(5, 0), (Err(ConfigUpdateError::BaseFee(_)), kept) if kept == zero));
    assert_eq!(apply(0, 0), (Ok(false), zero));
    let wanted = BaseFeeParams { denominator: 100, elasticity: 4 };
    assert_eq!(apply(100, 4), (Ok(true), wanted));
}

/// The time of the L1 block decides, not that of the L2 block which takes the update up.
#[test]
fn the_scalar_has_a_version_from_ecotone_by_l1_time() {
    let config = chain(Fork::Ecotone);
    let words = [U256::from(32), U256::from(64), U256::from(5), U256::ONE << 255];
    let log = update(B256::with_last_byte(1), words.map(|it| it.to_be_bytes::<32>()).concat());
    let mut found = before();
    assert_eq!(found.apply_log(&config, ACTIVATION - 1, &log), Ok(true));
    assert_eq!((found.overhead, found.scalar), (U256::from(5), U256::ONE << 255));
    let kept = found.clone();
    assert!(matches!(
        found.apply_log(&config, ACTIVATION, &log),
        Err(ConfigUpdateError::Scalar(_))
    ));
    assert_eq!(found, kept);
}
