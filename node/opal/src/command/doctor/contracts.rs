//! The contracts on L1 that a chain's config names: they are there and say the same.
//!
//! **Invariant:** values that the chain's owner may change are compared as a hint, never as a failure.

use super::report::Report;
use alloy_primitives::{Address, B256, Bytes, U256, hex};
use opal_client::Rpc;
use opal_types::ChainConfig;
use serde_json::json;

/// Function selectors of SystemConfig.
const BATCHER_HASH: [u8; 4] = hex!("e81b2c6d");
const BATCH_INBOX: [u8; 4] = hex!("dac6e63a");
const OPTIMISM_PORTAL: [u8; 4] = hex!("0a49cb03");

/// Below this a batcher stops soon, wei.
const LOW_BALANCE: u128 = 100_000_000_000_000_000;

/// Looks.
pub(super) async fn examine(l1: &Rpc, config: &ChainConfig, report: &mut Report) {
    let subject = format!("chain {}", config.l2_chain_id);
    let named = [("system config", config.l1_system_config), ("portal", config.deposit_contract)];
    let mut all_there = true;
    for (what, address) in named {
        match l1.call::<Bytes>("eth_getCode", json!([address, "latest"])).await {
            Ok(code) if code.is_empty() => {
                all_there = false;
                let finding = format!("no code at its {what} {address}");
                report.fail(&subject, finding, "these files are for another L1");
            }
            Ok(_) => report.ok(&subject, format!("its {what} is at {address}")),
            Err(error) => {
                all_there = false;
                report.unknown(&subject, error.to_string(), "look at L1's log");
            }
        }
    }
    if all_there {
        system_config(l1, config, &subject, report).await;
    }
}

async fn word(l1: &Rpc, to: Address, selector: [u8; 4]) -> Result<Option<B256>, String> {
    let data = Bytes::copy_from_slice(&selector);
    let call = json!([{"to": to, "data": data}, "latest"]);
    let answer: Bytes = l1.call("eth_call", call).await.map_err(|error| error.to_string())?;
    Ok((answer.len() == 32).then(|| B256::from_slice(&answer)))
}

async fn system_config(l1: &Rpc, config: &ChainConfig, subject: &str, report: &mut Report) {
    let contract = config.l1_system_config;
    let fixed = [
        ("batch inbox", BATCH_INBOX, config.batch_inbox),
        ("portal", OPTIMISM_PORTAL, config.deposit_contract),
    ];
    for (what, selector, wanted) in fixed {
        match word(l1, contract, selector).await {
            Ok(Some(found)) => report.equal(
                subject,
                (&format!("{what} of its system config"), Address::from_word(found)),
                ("rollup.json", wanted),
                "ask the chain's operator for the current rollup.json",
            ),
            Ok(None) | Err(_) => report.warn(
                subject,
                format!("its system config does not tell the {what}"),
                "an older contract; compare by hand",
            ),
        }
    }
    match word(l1, contract, BATCHER_HASH).await {
        Ok(Some(found)) => {
            let batcher = Address::from_word(found);
            let genesis = config.genesis.system_config.batcher;
            if batcher == genesis {
                report.ok(subject, format!("its batcher is {batcher}"));
            } else {
                let finding = format!("its batcher is {batcher} now, it was {genesis} at genesis");
                report.warn(subject, finding, "a batcher with the old key posts in vain");
            }
            balance(l1, batcher, subject, report).await;
        }
        Ok(None) | Err(_) => {
            report.warn(subject, "its system config does not tell the batcher", "compare by hand")
        }
    }
}

async fn balance(l1: &Rpc, batcher: Address, subject: &str, report: &mut Report) {
    match l1.call::<U256>("eth_getBalance", json!([batcher, "latest"])).await {
        Ok(wei) if wei < U256::from(LOW_BALANCE) => {
            let finding = format!("its batcher has {wei} wei on L1");
            report.warn(subject, finding, "send it ether before it stops");
        }
        Ok(_) => report.ok(subject, "its batcher has ether on L1"),
        Err(error) => report.unknown(subject, error.to_string(), "look at L1's log"),
    }
}
