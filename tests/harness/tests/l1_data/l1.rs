//! L1 chain configs and headers (D24, design.md decision 6).

use super::chain;
use alloy_primitives::{B256, Bytes, U256, b256, bytes, hex};
use alloy_rlp::Encodable;
use opal_harness::Vectors;
use opal_types::{
    BlobParams, BlobScheduleError, Fork, L1Config, L1Flavour, L1HeaderError,
    read::{ReadError, l1_config_json},
};
use serde_json::Value;

#[test]
fn recorded_l1_configs_are_read_with_and_without_their_genesis() {
    let Some(vectors) = Vectors::for_test("l1_data::l1_configs") else { return };
    for file in vectors.files() {
        let genesis: Value = vectors.json(&file);
        let config = l1_config_json(&vectors.bytes(&file)).expect(&file);
        assert_eq!(l1_config_json(genesis["config"].to_string().as_bytes()).unwrap(), config);
        assert_eq!(Some(config.chain_id), genesis["config"]["chainId"].as_u64());
        assert_eq!(
            config.blob_schedule()[0],
            BlobParams { timestamp: 0, update_fraction: 3_338_477 }
        );
        let scheduled = ["cancunTime", "pragueTime", "osakaTime", "bpo1Time"]
            .iter()
            .filter(|time| genesis["config"].get(time).is_some())
            .count();
        assert_eq!(config.blob_schedule().len(), scheduled);
        assert_eq!(L1Config::from_rlp(&config.to_rlp()), Ok(config));
    }
    vectors.finish();
}

#[test]
fn a_blob_schedule_that_cannot_be_is_refused_with_its_place() {
    let read = |text: &str| l1_config_json(text.as_bytes());
    let schedule = |text: &str| {
        read(&format!(
            r#"{{"chainId": 7, "cancunTime": 5, "pragueTime": 9, "blobSchedule": {text}}}"#
        ))
    };
    let cancun = r#""cancun": {"target": 3, "max": 6, "baseFeeUpdateFraction": 3338477}"#;
    // Prague without parameters keeps Cancun's.
    assert_eq!(schedule(&format!("{{{cancun}}}")).unwrap().blob_schedule().len(), 1);
    let unknown = schedule(&format!(r#"{{{cancun}, "osaca": {{"baseFeeUpdateFraction": 1}}}}"#));
    assert!(unknown.unwrap_err().to_string().contains("unknown field `osaca`"));
    assert!(matches!(schedule("{}"), Err(ReadError::NoBlobParams { fork: "cancun" })));
    let zero = schedule(&cancun_and_prague(cancun, 0)).unwrap_err();
    let timestamp = 9;
    assert!(matches!(
        zero,
        ReadError::BlobSchedule(BlobScheduleError::ZeroFraction { timestamp: 9 })
    ));
    let before = L1Config::new(
        7,
        L1Flavour::Ethereum,
        vec![
            BlobParams { timestamp, update_fraction: 1 },
            BlobParams { timestamp: 8, update_fraction: 1 },
        ],
    );
    assert_eq!(before, Err(BlobScheduleError::Order { timestamp: 8, earlier: 9 }));
    // An L1 without blobs.
    assert_eq!(read(r#"{"chainId": 43114}"#).unwrap().blob_schedule(), []);
    assert!(read("{}").unwrap_err().to_string().contains("chainId"));
}

fn cancun_and_prague(cancun: &str, fraction: u64) -> String {
    format!(r#"{{{cancun}, "prague": {{"baseFeeUpdateFraction": {fraction}}}}}"#)
}

#[test]
fn the_blob_base_fee_follows_the_schedule_of_ethereum() {
    let mainnet = L1Config::builtin(1).unwrap();
    let fraction_at = |timestamp| {
        let fee = mainnet.blob_base_fee(100_000_000, timestamp);
        mainnet
            .blob_schedule()
            .iter()
            .find(|it| fee == mainnet.blob_base_fee(100_000_000, it.timestamp))
            .map(|it| it.update_fraction)
    };
    // e ** (100,000,000 / 3,338,477) is about 1.03e13.
    let cancun = mainnet.blob_base_fee(100_000_000, 1_710_338_135);
    assert!(
        cancun > U256::from(10_000_000_000_000u64) && cancun < U256::from(11_000_000_000_000u64)
    );
    assert_eq!(mainnet.blob_base_fee(100_000_000, 1_710_338_134), U256::ONE, "before Cancun");
    assert_eq!(fraction_at(1_746_612_310), Some(3_338_477));
    assert_eq!(fraction_at(1_746_612_311), Some(5_007_716));
    assert_eq!(fraction_at(1_764_798_551), Some(5_007_716));
    assert_eq!(fraction_at(1_765_290_071), Some(8_346_193));
    assert_eq!(fraction_at(1_767_747_671), Some(11_684_671));
    assert_eq!(mainnet.blob_base_fee(0, u64::MAX), U256::ONE);
    // Nonsense is bounded, not endless.
    assert_eq!(mainnet.blob_base_fee(u64::MAX, u64::MAX), U256::from(u128::MAX));
    assert_eq!(L1Config::builtin(11_155_111).unwrap().blob_schedule().len(), 5);
    assert_eq!(L1Config::builtin(5), None);
}

/// A field of a header, encoded.
fn field(value: impl Encodable) -> Vec<u8> {
    alloy_rlp::encode(value)
}

/// The list of encoded fields.
fn list(fields: &[Vec<u8>]) -> Vec<u8> {
    let payload = fields.concat();
    let mut encoded = Vec::new();
    alloy_rlp::Header { list: true, payload_length: payload.len() }.encode(&mut encoded);
    [encoded, payload].concat()
}

/// Block 5,760,288 of Avalanche's C-Chain (October 2021), field by field.
fn c_chain_header() -> Vec<Vec<u8>> {
    let word = |text: &str| field(text.parse::<B256>().expect("a hash"));
    vec![
        word("0x7dc8ef36dbac74134798b78406ccce73f926b35a7d11ca22029672bd9d84cd3d"),
        word("0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"),
        field(bytes!("0100000000000000000000000000000000000000")),
        word("0xfb149ac2f5fc1d9159964d9de2e1ae30b3608273fff78fcc8fb15c1b76a47625"),
        word("0x002cb0567dccea3f36059008cbf1dd5d25a52bbf4abde4eb4b58db9a26cd2ca4"),
        word("0x8b2a08f91826aa3201bbf866a8588080dde8aaeb448caf9c6035b5c0b8f593b1"),
        field(Bytes::from(hex::decode(C_CHAIN_BLOOM).expect("hex"))),
        field(1u64),
        field(0x57e520u64),
        field(0x7a1200u64),
        field(0x7a1b9u64),
        field(0x616c6f77u64),
        field(Bytes::from(hex::decode(C_CHAIN_EXTRA).expect("hex"))),
        field(B256::ZERO),
        field([0u8; 8]),
        word("0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421"),
        field(0x5d21dba00u64),
        field(0u64),
        field(0u64),
    ]
}

const C_CHAIN_BLOOM: &str = "\
    002004000010200400020000800000004000000000000000204001000000000000000000000000000040000000\
    800100000000002000000020000000002000000000800002000000000040084100002200400000004000000000\
    000000000000000000000200040000000001000248000100000000008400000000308000040000000000000100\
    000000020080000000000000801000100800040040000008100200000020000000020000000000000080800000\
    000000000000010000000100401008020100200010080000000000000000000000000014200000020000200000\
    10141000000000000000001008000800002008000000200000000000000000";
const C_CHAIN_EXTRA: &str = "\
    000000000000000000000000000a206f0000000000000000000000000009971e000000000009a8fb00000000000e50a\
    50000000000000000000000000000000000000000000000000000000000000000";

#[test]
fn a_c_chain_header_has_its_own_fields_and_hash() {
    let fields = c_chain_header();
    let header = L1Flavour::CChain.decode_header(&list(&fields)).unwrap();
    let hash = b256!("ec8148b1712a372e6ab418358ed0cf2051a1f04f80e6a4f77f352d2ab2f9338a");
    assert_eq!((header.hash, header.number), (hash, 5_760_288));
    assert_eq!(header.base_fee, U256::from(25_000_000_000u64));
    assert_eq!((header.excess_blob_gas, header.parent_beacon_block_root), (None, None));
    let config = chain(Fork::Jovian);
    let info =
        L1Config::new(43_114, L1Flavour::CChain, vec![]).unwrap().block_info(&config, &header);
    assert_eq!((info.blob_base_fee, info.hash), (U256::ONE, hash));

    // Etna and Granite append five fields, Helicon changes what the roots speak of.
    let granite = [field(0u64), field(0u64), field(B256::ZERO), field(1u64), field(2u64)];
    let granite = [fields.as_slice(), &granite].concat();
    let later = L1Flavour::CChain.decode_header(&list(&granite)).unwrap();
    assert_eq!(later.excess_blob_gas, Some(0));
    assert_eq!(later.parent_beacon_block_root, Some(B256::ZERO));
    let helicon = [granite, vec![field(0u64)]].concat();
    assert_eq!(
        L1Flavour::CChain.decode_header(&list(&helicon)),
        Err(L1HeaderError::UnknownFields { known: 24 })
    );
    // Before its phase 3 the C-Chain had no base fee, and Ethereum's order does not fit.
    let old = list(&fields[..16]);
    assert_eq!(L1Flavour::CChain.decode_header(&old), Err(L1HeaderError::NoBaseFee));
    assert!(L1Flavour::Ethereum.decode_header(&list(&fields)).is_err());
}

#[test]
fn damaged_headers_are_read_or_refused() {
    let encoded = list(&c_chain_header());
    for flavour in [L1Flavour::Ethereum, L1Flavour::CChain] {
        for length in 0..encoded.len() {
            assert!(flavour.decode_header(&encoded[..length]).is_err(), "{length}");
        }
        assert!(flavour.decode_header(&[encoded.as_slice(), &[0]].concat()).is_err());
        for at in 0..encoded.len() {
            for flip in [0x01, 0x40, 0x80, 0xff] {
                let mut damaged = encoded.clone();
                damaged[at] ^= flip;
                let hash = alloy_primitives::keccak256(&damaged);
                if let Ok(header) = flavour.decode_header(&damaged) {
                    assert_eq!(header.hash, hash);
                }
            }
        }
    }
}
