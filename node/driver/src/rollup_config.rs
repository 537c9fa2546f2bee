//! A chain's config as the Go node writes it: `rollup.json` and `optimism_rollupConfig`.
//!
//! Start with [`rollup_config_json`].
//!
//! **Invariant:** `opal_types::read::rollup_json` reads back the config that was written.

use alloy_primitives::{B256, Bytes, U256};
use opal_types::{AltDa, AltDaCommitment, BaseFeeParams, BlockId, ChainConfig, Fork, SystemConfig};
use serde_json::{Map, Value, json};

/// The whole config.
pub fn rollup_config_json(config: &ChainConfig) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| drop(fields.insert(name.to_owned(), value));
    put("genesis", genesis(config));
    put("block_time", config.block_time.into());
    put("max_sequencer_drift", config.max_sequencer_drift.into());
    put("seq_window_size", config.seq_window_size.into());
    put("channel_timeout", config.channel_timeout.into());
    put("l1_chain_id", config.l1_chain_id.into());
    put("l2_chain_id", config.l2_chain_id.into());
    for fork in Fork::ALL.into_iter().skip(1) {
        if let Some(time) = config.forks.time(fork) {
            put(&format!("{}_time", fork.name()), time.into());
        }
    }
    if config.keep_karst_upgrade_gas {
        put("keep_karst_upgrade_gas", true.into());
    }
    put("batch_inbox_address", json!(config.batch_inbox));
    put("deposit_contract_address", json!(config.deposit_contract));
    put("l1_system_config_address", json!(config.l1_system_config));
    put(
        "chain_op_config",
        json!({
            "eip1559Elasticity": config.eip1559.elasticity,
            "eip1559Denominator": config.eip1559.denominator,
            "eip1559DenominatorCanyon": config.eip1559_denominator_canyon,
        }),
    );
    if let Some(time) = config.pectra_blob_schedule_time {
        put("pectra_blob_schedule_time", time.into());
    }
    if let Some(alt_da) = &config.alt_da {
        put("alt_da", alt_da_json(alt_da));
    }
    Value::Object(fields)
}

fn genesis(config: &ChainConfig) -> Value {
    let genesis = &config.genesis;
    let block = |id: BlockId| json!({ "hash": id.hash, "number": id.number });
    json!({
        "l1": block(genesis.l1),
        "l2": block(genesis.l2),
        "l2_time": genesis.l2_time,
        "system_config": system_config_json(&genesis.system_config),
    })
}

/// A system config, its parts packed as on L1.
pub fn system_config_json(config: &SystemConfig) -> Value {
    let word = |number: U256| B256::from(number);
    let mut operator_fee = [0; 32];
    // Spec: version byte 0, zeros, scalar, constant (E4).
    operator_fee[20..24].copy_from_slice(&config.operator_fee_scalar.to_be_bytes());
    operator_fee[24..].copy_from_slice(&config.operator_fee_constant.to_be_bytes());
    let BaseFeeParams { denominator, elasticity } = config.eip1559;
    let eip1559 = [denominator.to_be_bytes(), elasticity.to_be_bytes()].concat();
    json!({
        "batcherAddr": config.batcher,
        "overhead": word(config.overhead),
        "scalar": word(config.scalar),
        "gasLimit": config.gas_limit,
        "eip1559Params": Bytes::from(eip1559),
        "operatorFeeParams": B256::from(operator_fee),
        "minBaseFee": config.min_base_fee,
        "daFootprintGasScalar": config.da_footprint_gas_scalar,
    })
}

fn alt_da_json(alt_da: &AltDa) -> Value {
    let commitment = match alt_da.commitment {
        AltDaCommitment::Keccak => "KeccakCommitment",
        AltDaCommitment::Generic => "GenericCommitment",
    };
    json!({
        "da_challenge_contract_address": alt_da.challenge_contract,
        "da_commitment_type": commitment,
        "da_challenge_window": alt_da.challenge_window,
        "da_resolve_window": alt_da.resolve_window,
    })
}
