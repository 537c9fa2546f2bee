//! The config as others read it.

use super::config;
use opal_driver::rollup_config_json;
use opal_harness::{skipped, vectors_root};
use opal_types::{AltDa, AltDaCommitment, ForkTimes, read::rollup_json};
use std::fs;

#[test]
fn a_config_is_read_back_as_it_was_written() {
    let mut config =
        config(ForkTimes { regolith: Some(0), canyon: Some(7), ..ForkTimes::default() });
    config.pectra_blob_schedule_time = Some(11);
    config.keep_karst_upgrade_gas = true;
    config.genesis.system_config.operator_fee_scalar = 0x0102_0304;
    config.genesis.system_config.operator_fee_constant = 0x1112_1314_1516_1718;
    config.genesis.system_config.eip1559.denominator = 250;
    config.genesis.system_config.eip1559.elasticity = 6;
    config.alt_da = Some(AltDa {
        challenge_contract: config.batch_inbox,
        commitment: AltDaCommitment::Generic,
        challenge_window: 160,
        resolve_window: 170,
    });
    let text = serde_json::to_vec(&rollup_config_json(&config)).unwrap();
    assert_eq!(rollup_json(&text).unwrap(), config);
}

#[test]
fn recorded_configs_are_written_as_the_go_node_wrote_them() {
    let folder = vectors_root().join("derivation");
    let Ok(entries) = fs::read_dir(&folder) else {
        return skipped("recorded_configs", "no vectors folder");
    };
    let files = entries.map(|it| it.unwrap().path().join("rollup.json"));
    for file in files.filter(|it| it.is_file()) {
        let text = fs::read(&file).unwrap();
        let recorded: serde_json::Value = serde_json::from_slice(&text).unwrap();
        assert_eq!(
            rollup_config_json(&rollup_json(&text).unwrap()),
            recorded,
            "{}",
            file.display()
        );
    }
}
