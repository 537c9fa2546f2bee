//! L1 attributes transactions (D17).

use super::{ACTIVATION, bytes, chain, fork, text, word};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Address, U256};
use op_alloy_consensus::TxDeposit;
use opal_harness::Vectors;
use opal_types::{L1BlockInfo, L1Info, L1InfoFormat, SystemConfig, l1_info_deposit};
use serde_json::Value;

const FILE: &str = "protocol/l1-attributes.json";

/// The system config of a case, as far as the transaction speaks of it.
fn system_config(case: &Value) -> SystemConfig {
    let fields = &case["sysCfg"];
    let operator = bytes(fields, "operatorFeeParams");
    SystemConfig {
        batcher: text(fields, "batcher").parse().expect("an address"),
        overhead: word(fields, "overhead").into(),
        scalar: word(fields, "scalar").into(),
        operator_fee_scalar: u32::from_be_bytes(operator[20..24].try_into().expect("4")),
        operator_fee_constant: u64::from_be_bytes(operator[24..].try_into().expect("8")),
        da_footprint_gas_scalar: number(fields, "daFootprintGasScalar"),
        ..SystemConfig::default()
    }
}

/// A decimal number of a case.
#[track_caller]
fn number<T: std::str::FromStr>(case: &Value, field: &str) -> T {
    let text = match &case[field] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    text.parse().unwrap_or_else(|_| panic!("{field}: {text}"))
}

fn l1_block(case: &Value) -> L1BlockInfo {
    L1BlockInfo {
        hash: word(case, "l1Hash"),
        number: number(case, "l1Number"),
        timestamp: number(case, "l1Time"),
        base_fee: number(case, "l1BaseFee"),
        // An L1 without blobs has the lowest blob base fee.
        blob_base_fee: if case.get("l1BlobBaseFee").is_some_and(|it| !it.is_null()) {
            number(case, "l1BlobBaseFee")
        } else {
            U256::ONE
        },
    }
}

/// T43: in the activation blocks of Ecotone, Isthmus and Jovian the old format is still in use.
#[test]
fn l1_attributes_are_the_go_nodes_in_every_fork_and_its_activation_block() {
    let Some(vectors) = Vectors::for_test("l1_data::attributes") else { return };
    let cases: Vec<Value> = vectors.json(FILE);
    assert_eq!(cases.len(), 48);
    for case in &cases {
        let config = chain(fork(text(case, "fork")));
        let activation = case["activationBlock"].as_bool().expect("a flag");
        let timestamp = if activation { ACTIVATION } else { ACTIVATION + config.block_time };
        let (system_config, l1) = (system_config(case), l1_block(case));
        let sequence_number = number(case, "seq");
        let raw = bytes(case, "depositTx");

        let made = l1_info_deposit(&config, &system_config, sequence_number, &l1, timestamp);
        assert_eq!(made.as_ref().map(Encodable2718::encoded_2718), Ok(raw.clone()), "{case}");

        let deposit = TxDeposit::decode_2718(&mut raw.as_slice()).expect("a deposit");
        let info = L1Info::decode(&config, timestamp, &deposit.input).expect("L1 attributes");
        let format = L1InfoFormat::at(&config, timestamp);
        check_read(&info, format, &system_config, &l1);
        assert_eq!(info.sequence_number, sequence_number);
        assert_eq!(info.encode(format), deposit.input);
        only_its_own_format(format, &deposit.input);
    }
    vectors.finish();
}

/// What is read is what was written, and zero where the format has no room.
fn check_read(info: &L1Info, format: L1InfoFormat, system_config: &SystemConfig, l1: &L1BlockInfo) {
    assert_eq!((info.number, info.timestamp, info.hash), (l1.number, l1.timestamp, l1.hash));
    assert_eq!((info.base_fee, info.batcher), (l1.base_fee, system_config.batcher));
    if format == L1InfoFormat::Bedrock {
        assert_eq!((info.overhead, info.scalar), (system_config.overhead, system_config.scalar));
        assert_eq!((info.blob_base_fee, info.base_fee_scalar), (U256::ZERO, 0));
    } else {
        assert_eq!(info.blob_base_fee, l1.blob_base_fee);
        let scalars = system_config.fee_scalars().expect("Ecotone's form");
        assert_eq!(
            (info.base_fee_scalar, info.blob_base_fee_scalar),
            (scalars.base_fee, scalars.blob_base_fee)
        );
        assert_eq!(scalars.to_word(), system_config.scalar);
    }
    let has_operator_fee = matches!(format, L1InfoFormat::Isthmus | L1InfoFormat::Jovian);
    let operator_fee = (system_config.operator_fee_scalar, system_config.operator_fee_constant);
    assert_eq!(
        (info.operator_fee_scalar, info.operator_fee_constant),
        if has_operator_fee { operator_fee } else { (0, 0) }
    );
    let footprint = match (format, system_config.da_footprint_gas_scalar) {
        (L1InfoFormat::Jovian, 0) => 400,
        (L1InfoFormat::Jovian, scalar) => scalar,
        _ => 0,
    };
    assert_eq!(info.da_footprint_gas_scalar, footprint);
}

/// The other formats refuse the data, and so does its own one byte shorter or longer.
fn only_its_own_format(format: L1InfoFormat, data: &[u8]) {
    let all =
        [L1InfoFormat::Bedrock, L1InfoFormat::Ecotone, L1InfoFormat::Isthmus, L1InfoFormat::Jovian];
    for other in all {
        assert_eq!(L1Info::decode_as(other, data).is_ok(), other == format, "{other:?}");
    }
    assert!(L1Info::decode_as(format, &data[1..]).is_err());
    assert!(L1Info::decode_as(format, &data[..data.len() - 1]).is_err());
    assert!(L1Info::decode_as(format, &[data, &[0]].concat()).is_err());
    let mut other_function = data.to_vec();
    other_function[0] ^= 1;
    assert!(L1Info::decode_as(format, &other_function).is_err());
}

#[test]
fn printed_l1_attributes_are_read() {
    let Some(vectors) = Vectors::for_test("l1_data::printed_attributes") else { return };
    let printed = &vectors.json::<Value>("derived/spec-values.json")["l1_info_calldata"];
    let read = |name, format| {
        let data = bytes(printed, name);
        let info = L1Info::decode_as(format, &data).expect(name);
        assert_eq!(info.encode(format), data, "{name}");
        assert_eq!(
            info.batcher,
            "0x6887246668a3b87f54deb3b94ba47a6f63f32985".parse::<Address>().expect("an address")
        );
        info
    };
    let bedrock = read("bedrock", L1InfoFormat::Bedrock);
    assert_eq!((bedrock.number, bedrock.sequence_number), (18_334_955, 4));
    assert_eq!((bedrock.overhead, bedrock.scalar), (U256::from(0xbc), U256::from(0xa6fe0)));
    let ecotone = read("ecotone", L1InfoFormat::Ecotone);
    assert_eq!((ecotone.number, ecotone.sequence_number), (19_655_712, 5));
    assert_eq!((ecotone.base_fee_scalar, ecotone.blob_base_fee_scalar), (1368, 810_949));
    let isthmus = read("isthmus", L1InfoFormat::Isthmus);
    assert_eq!((isthmus.operator_fee_scalar, isthmus.operator_fee_constant), (0xabcd, 0xdcba));
    assert_eq!(isthmus.origin(), ecotone.origin());
    vectors.finish();
}

/// A scalar of before Ecotone that its four bytes cannot hold is the largest weight; one that
/// Ecotone does not know at all leaves no attributes to make.
#[test]
fn odd_scalars_of_before_ecotone_saturate_or_are_refused() {
    let config = chain(opal_types::Fork::Ecotone);
    let l1 = L1BlockInfo {
        hash: Default::default(),
        number: 1,
        timestamp: 1,
        base_fee: U256::ONE,
        blob_base_fee: U256::ONE,
    };
    let at = |scalar: U256, timestamp| {
        let system_config = SystemConfig { scalar, ..SystemConfig::default() };
        let made = l1_info_deposit(&config, &system_config, 0, &l1, timestamp)?;
        Ok::<_, opal_types::ScalarError>(L1Info::decode(&config, timestamp, &made.input).unwrap())
    };
    let wide = at(U256::ONE << 32, ACTIVATION + 2).unwrap();
    assert_eq!((wide.base_fee_scalar, wide.blob_base_fee_scalar), (u32::MAX, 0));
    for version in 1..=255u8 {
        let scalar = U256::from(version) << 248 | U256::ONE << 200;
        assert_eq!(at(scalar, ACTIVATION).unwrap().scalar, scalar, "as it is in Bedrock's form");
        assert!(at(scalar, ACTIVATION + 2).is_err(), "{version}");
    }
}
