//! Configs of all known chains, as the registry, the Go node and kona write them.
//!
//! **Invariant:** whatever file a chain's config is read from, it is the same config.

use opal_harness::Vectors;
use opal_types::{
    AltDa, AltDaCommitment, Attributes, ChainConfig, Fork,
    read::{BlockFixture, ReadError, Superchain, rollup_json, superchains_json},
};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

const GO_NODE: &str = "protocol/rollup-configs.json";
const REGISTRY: &str = "superchain-registry/superchain/configs/";

/// The Go node's configs by chain id.
fn go_node_configs(vectors: &Vectors) -> BTreeMap<u64, ChainConfig> {
    let all: Map<String, Value> = vectors.json(GO_NODE);
    all.values()
        .map(|value| rollup_json(value.to_string().as_bytes()))
        .map(|config| config.expect("the Go node's own file"))
        .map(|config| (config.l2_chain_id, config))
        .collect()
}

#[test]
fn the_go_nodes_configs_are_read_and_survive_rlp() {
    let Some(vectors) = Vectors::for_test("registry::go_node_configs") else { return };
    let configs = go_node_configs(&vectors);
    assert_eq!(configs.len(), 50);
    for config in configs.values() {
        assert_eq!(ChainConfig::from_rlp(&config.to_rlp()).as_ref(), Ok(config));
    }
    let op_mainnet = &configs[&10];
    assert_eq!(op_mainnet.forks.time(Fork::Karst), Some(1_783_526_401));
    assert!(op_mainnet.keep_karst_upgrade_gas);
    let automata = AltDa {
        challenge_contract: "0x08c5dcdd5e46d31cc1591ee15b084663507597f3".parse().unwrap(),
        commitment: AltDaCommitment::Keccak,
        challenge_window: 3600,
        resolve_window: 3600,
    };
    assert_eq!(configs[&65_536].alt_da, Some(automata));
    vectors.finish();
}

#[test]
fn the_registrys_chains_are_the_go_nodes() {
    let Some(vectors) = Vectors::for_test("registry::chains") else { return };
    let mut configs = go_node_configs(&vectors);
    let mut only_here = Vec::new();
    for file in vectors.files_like("superchain-registry/superchain/configs/*/superchain.toml") {
        let folder = file.trim_end_matches("superchain.toml");
        let superchain = Superchain::from_toml(&vectors.text(&file)).expect(&file);
        for file in vectors.files_like(&format!("{folder}*.toml")) {
            if file.ends_with("/superchain.toml") {
                continue;
            }
            let config = superchain.chain_toml(&vectors.text(&file)).expect(&file);
            match configs.remove(&config.l2_chain_id) {
                Some(expected) => assert_eq!(config, expected, "{file}"),
                None => only_here.push(file.trim_start_matches(REGISTRY).to_owned()),
            }
        }
    }
    assert!(configs.is_empty(), "not in the registry: {:?}", configs.keys());
    // Chains that need a client of their own: the Go node leaves them out.
    assert_eq!(only_here, ["mainnet/boba.toml", "mainnet/celo.toml", "sepolia/boba.toml"]);
    vectors.finish();
}

#[test]
fn konas_list_agrees_up_to_its_date() {
    let Some(vectors) = Vectors::for_test("registry::kona_list") else { return };
    let go_node = go_node_configs(&vectors);
    let configs =
        superchains_json(&vectors.bytes("kona/crates/protocol/registry/etc/configs.json")).unwrap();
    assert_eq!(configs.len(), 65);
    let mut changed = Vec::new();
    for config in &configs {
        let Some(mut expected) = go_node.get(&config.l2_chain_id).cloned() else { continue };
        // Karst was scheduled after January 2026.
        expected.keep_karst_upgrade_gas = false;
        expected.forks.karst = None;
        if *config != expected {
            changed.push(config.l2_chain_id);
        }
    }
    assert_eq!(changed, CHANGED_SINCE_JANUARY);
    let custom = vectors.bytes("kona/crates/protocol/registry/tests/fixtures/custom/configs.json");
    let ids: Vec<_> = superchains_json(&custom)
        .unwrap()
        .iter()
        .map(|it| (it.l1_chain_id, it.l2_chain_id))
        .collect();
    assert_eq!(ids, [(9_999_911_112_213, 123_999_119), (9_999_911_112_213, 223_999_119)]);
    vectors.finish();
}

#[test]
fn konas_lists_name_the_chains_of_its_configs() {
    let Some(vectors) = Vectors::for_test("registry::chain_lists") else { return };
    for (folder, count) in [("etc", 65), ("tests/fixtures/custom", 2)] {
        let file = |name: &str| format!("kona/crates/protocol/registry/{folder}/{name}");
        let text = vectors.bytes(&file("configs.json"));
        let configs = superchains_json(&text).expect(folder);
        let known: BTreeMap<_, _> = configs.iter().map(|it| (it.l2_chain_id, it)).collect();
        let raw: Value = serde_json::from_slice(&text).expect(folder);
        let mut chains = raw_chains(&raw);
        assert_eq!((known.len(), chains.len()), (count, count), "{folder}: an id twice");
        for entry in vectors.json::<Vec<Value>>(&file("chainList.json")) {
            let id = entry["chainId"].as_u64().expect("an id");
            let chain = chains.remove(&id).unwrap_or_else(|| panic!("{folder}: {id} twice or new"));
            check_list_entry(&entry, chain);
            // Not the other way: some chains have their data elsewhere without these parameters.
            let kind = entry["dataAvailabilityType"].as_str();
            assert!(known[&id].alt_da.is_none() || kind == Some("alt-da"), "{id}");
        }
        assert!(chains.is_empty(), "{folder}: not in the list: {:?}", chains.keys());
    }
    vectors.finish();
}

/// The chains of kona's configs with their names, by id.
fn raw_chains(configs: &Value) -> BTreeMap<u64, &Value> {
    let superchains = configs["superchains"].as_array().expect("superchains");
    let chains = superchains.iter().filter_map(|it| it["chains"].as_array()).flatten();
    chains.map(|it| (it["l2_chain_id"].as_u64().expect("an id"), it)).collect()
}

/// What list and config both say of a chain is the same. The fixture's levels differ by intent.
#[track_caller]
fn check_list_entry(entry: &Value, chain: &Value) {
    assert_eq!(entry["name"], chain["Name"]);
    assert_eq!(entry["dataAvailabilityType"], chain["DataAvailabilityType"]);
    assert_eq!(entry["governedByOptimism"], chain["GovernedByOptimism"]);
    assert_eq!(entry["rpc"], Value::from(vec![chain["PublicRPC"].clone()]));
    assert_eq!(entry["explorers"], Value::from(vec![chain["Explorer"].clone()]));
    let token = |value: &Value| value.as_str().map(str::to_lowercase);
    assert_eq!(token(&entry["gasPayingToken"]), token(&chain["GasPayingToken"]));
}

/// World Chain, Cyber, Funki, World Chain Sepolia: they scheduled more forks between January and
/// August 2026.
const CHANGED_SINCE_JANUARY: [u64; 4] = [480, 7_560, 33_979, 4_801];

#[test]
fn a_config_from_before_the_op_section_is_refused_by_name() {
    let Some(vectors) = Vectors::for_test("registry::config_901") else { return };
    let mut file: Map<String, Value> =
        vectors.json("optimism-2024-10/op-program/chainconfig/test/configs/901-rollup.json");
    let read =
        |file: &Map<String, Value>| rollup_json(Value::Object(file.clone()).to_string().as_bytes());
    let error = read(&file).unwrap_err().to_string();
    assert!(error.contains("chain_op_config"), "{error}");
    let section =
        r#"{"eip1559Elasticity": 6, "eip1559Denominator": 50, "eip1559DenominatorCanyon": 250}"#;
    file.insert("chain_op_config".to_owned(), serde_json::from_str(section).unwrap());
    assert_eq!(read(&file).unwrap().l2_chain_id, 901);
    vectors.finish();
}

#[test]
fn real_blocks_are_read_and_survive_rlp() {
    let Some(vectors) = Vectors::for_test("registry::block_fixtures") else { return };
    for file in vectors.files() {
        let fixture = BlockFixture::from_json(&vectors.bytes(&file)).expect(&file);
        assert_eq!(fixture.config.l2_chain_id, 11_155_420);
        assert_eq!(fixture.config.forks.at(fixture.attributes.timestamp), Fork::Holocene);
        assert_eq!(
            fixture.attributes.timestamp,
            fixture.parent.timestamp + fixture.config.block_time
        );
        assert_eq!(fixture.attributes.withdrawals, Some(vec![]));
        assert!(!fixture.attributes.transactions.is_empty());
        let encoded = fixture.attributes.to_rlp();
        assert_eq!(Attributes::from_rlp(&encoded), Ok(fixture.attributes));
    }
    vectors.finish();
}

#[test]
fn a_damaged_block_file_is_read_or_refused_with_its_place() {
    let Some(vectors) = Vectors::for_test("registry::damaged_fixtures") else { return };
    let mut refused = 0;
    let files = vectors.files();
    for (round, file) in files.iter().enumerate() {
        let text = vectors.bytes(file);
        // Positions walk over the whole file in a stride that meets no line structure.
        for at in (round..text.len()).step_by(text.len() / 400 + 1) {
            for flip in [0x01, 0x20, 0x80] {
                let mut damaged = text.clone();
                damaged[at] ^= flip;
                let Err(error) = BlockFixture::from_json(&damaged) else { continue };
                let placed = !matches!(error, ReadError::Json { .. })
                    || error.to_string().contains(" column ");
                assert!(placed, "{file} {at} {flip}: {error}");
                refused += 1;
            }
            let cut = BlockFixture::from_json(&text[..at]).unwrap_err().to_string();
            assert!(cut.contains("EOF"), "{file} cut at {at}: {cut}");
        }
    }
    assert!(refused > 1000, "{refused}");
    vectors.finish();
}

#[test]
fn errors_name_the_field_and_the_reason() {
    let Some(vectors) = Vectors::for_test("registry::errors") else { return };
    let all: Map<String, Value> = vectors.json(GO_NODE);
    let read = |change: &dyn Fn(&mut Value)| {
        let mut config = all["op-mainnet"].clone();
        change(&mut config);
        rollup_json(config.to_string().as_bytes()).unwrap_err()
    };
    let check = |change: &dyn Fn(&mut Value), wanted: &[&str]| {
        let error = read(change).to_string();
        assert!(wanted.iter().all(|it| error.contains(it)), "{error}");
    };
    check(&|it| it["fly_time"] = 1.into(), &["unknown field `fly_time`"]);
    check(
        &|it| it["genesis"]["l1"]["hash"] = "0x12".into(),
        &["genesis.l1.hash: ", "line 1 column"],
    );
    check(&|it| it["block_time"] = "2".into(), &["block_time: ", "string"]);
    check(&|it| it["granite_channel_timeout"] = 51.into(), &["granite_channel_timeout: 51"]);
    check(
        &|it| it["ecotone_time"] = 1.into(),
        &["ecotone_time: 1 is before delta_time 1708560000"],
    );
    check(&|it| it["genesis"]["system_config"]["eip1559Elasticity"] = 1.into(), &["eip1559Params"]);
    check(&|it| it["genesis"]["system_config"]["baseFeeScalar"] = 1.into(), &["baseFeeScalar"]);
    let version = "0x0100000000000000000000000000000000000000000000000000000000000000";
    check(
        &|it| it["genesis"]["system_config"]["operatorFeeParams"] = version.into(),
        &["version 1"],
    );
    let text = all["op-mainnet"].to_string();
    for length in (0..text.len()).step_by(97) {
        let cut = rollup_json(&text.as_bytes()[..length]);
        assert!(matches!(cut, Err(ReadError::Json { .. })), "cut at {length}");
    }
    vectors.finish();
}
