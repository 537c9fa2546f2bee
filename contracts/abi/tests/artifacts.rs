//! The bindings against the checked-in contracts, and the contracts against their hashes.
//!
//! **Invariant:** every interface of the crate and every file of the folder is looked at.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use alloy_primitives::{Bytes, keccak256};
use opal_abi::{l1, l2};
use serde_json::Value;
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../artifacts")
}

fn artifact(name: &str) -> Value {
    let path = folder().join(format!("{name}.json"));
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The type as it stands in a signature.
fn canonical(input: &Value) -> String {
    let kind = input["type"].as_str().unwrap();
    match kind.strip_prefix("tuple") {
        Some(suffix) => format!("({}){suffix}", list(&input["components"])),
        None => kind.to_owned(),
    }
}

fn list(inputs: &Value) -> String {
    inputs.as_array().unwrap().iter().map(canonical).collect::<Vec<_>>().join(",")
}

fn signatures(artifact: &Value, kind: &str) -> BTreeSet<String> {
    let items = artifact["abi"].as_array().unwrap().iter().filter(|it| it["type"] == kind);
    items.map(|it| format!("{}({})", it["name"].as_str().unwrap(), list(&it["inputs"]))).collect()
}

#[track_caller]
fn check(contract: &str, kind: &str, bound: &[&str]) {
    let known = signatures(&artifact(contract), kind);
    for signature in bound {
        assert!(known.contains(*signature), "{contract} has no {kind} {signature}");
    }
}

/// Compares all items of one kind of several interfaces.
macro_rules! check {
    ($kind:literal: $($contract:literal => $items:ty),* $(,)?) => {
        $(check($contract, $kind, <$items>::SIGNATURES);)*
    };
}

#[test]
fn every_bound_function_is_the_contracts() {
    check!("function":
        "SystemConfig" => l1::SystemConfig::SystemConfigCalls,
        "OptimismPortal" => l1::OptimismPortal::OptimismPortalCalls,
        "ETHLockbox" => l1::ETHLockbox::ETHLockboxCalls,
        "L1CrossDomainMessenger" => l1::L1CrossDomainMessenger::L1CrossDomainMessengerCalls,
        "L1StandardBridge" => l1::L1StandardBridge::L1StandardBridgeCalls,
        "L1ERC721Bridge" => l1::L1ERC721Bridge::L1ERC721BridgeCalls,
        "OptimismMintableERC20Factory" =>
            l1::OptimismMintableERC20Factory::OptimismMintableERC20FactoryCalls,
        "SuperchainConfig" => l1::SuperchainConfig::SuperchainConfigCalls,
        "AddressManager" => l1::AddressManager::AddressManagerCalls,
        "ProxyAdmin" => l1::ProxyAdmin::ProxyAdminCalls,
        "L1Block" => l2::L1Block::L1BlockCalls,
        "GasPriceOracle" => l2::GasPriceOracle::GasPriceOracleCalls,
        "L2ToL1MessagePasser" => l2::L2ToL1MessagePasser::L2ToL1MessagePasserCalls,
        "L2CrossDomainMessenger" => l2::L2CrossDomainMessenger::L2CrossDomainMessengerCalls,
        "L2StandardBridge" => l2::L2StandardBridge::L2StandardBridgeCalls,
        "L2ERC721Bridge" => l2::L2ERC721Bridge::L2ERC721BridgeCalls,
        "SequencerFeeVault" => l2::FeeVault::FeeVaultCalls,
    );
}

#[test]
fn every_bound_event_is_the_contracts() {
    check!("event":
        "SystemConfig" => l1::SystemConfig::SystemConfigEvents,
        "OptimismPortal" => l1::OptimismPortal::OptimismPortalEvents,
        "ETHLockbox" => l1::ETHLockbox::ETHLockboxEvents,
        "L1CrossDomainMessenger" => l1::L1CrossDomainMessenger::L1CrossDomainMessengerEvents,
        "L1StandardBridge" => l1::L1StandardBridge::L1StandardBridgeEvents,
        "L2ToL1MessagePasser" => l2::L2ToL1MessagePasser::L2ToL1MessagePasserEvents,
        "L2CrossDomainMessenger" => l2::L2CrossDomainMessenger::L2CrossDomainMessengerEvents,
        "L2StandardBridge" => l2::L2StandardBridge::L2StandardBridgeEvents,
    );
}

#[test]
fn every_bound_error_is_the_contracts() {
    check!("error": "OptimismPortal" => l1::OptimismPortal::OptimismPortalErrors);
}

#[test]
fn every_contract_has_the_hash_that_stands_beside_it() {
    let mut contracts = 0;
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let content = artifact(name.trim_end_matches(".json"));
        let hash = |code: &Value| {
            let code: Bytes = code.as_str().unwrap().parse().unwrap();
            format!("{}", keccak256(code))
        };
        if let Some(preinstalls) = content["preinstalls"].as_array() {
            assert_eq!(preinstalls.len(), 12);
            for preinstall in preinstalls {
                assert_eq!(preinstall["hash"], hash(&preinstall["code"]), "{}", preinstall["name"]);
            }
        } else if !content["bytecode"].is_null() {
            assert_eq!(content["bytecodeHash"], hash(&content["bytecode"]), "{name}");
            assert_eq!(
                content["deployedBytecodeHash"],
                hash(&content["deployedBytecode"]),
                "{name}"
            );
            contracts += 1;
        }
    }
    assert_eq!(contracts, 29);
}

/// The slots that other programs read or that a later official release takes over.
#[test]
fn storage_lies_where_the_official_contracts_have_it() {
    let check = |contract: &str, expected: &[(&str, u64, u64)]| {
        let artifact = artifact(contract);
        let layout = artifact["storageLayout"].as_array().unwrap();
        for (label, slot, offset) in expected {
            let found = layout.iter().find(|it| it["label"] == *label).unwrap();
            let place = (found["slot"].as_u64().unwrap(), found["offset"].as_u64().unwrap());
            assert_eq!(place, (*slot, *offset), "{contract}.{label}");
        }
    };
    check(
        "SystemConfig",
        &[
            ("_owner", 51, 0),
            ("overhead", 101, 0),
            ("scalar", 102, 0),
            ("batcherHash", 103, 0),
            ("gasLimit", 104, 0),
            ("basefeeScalar", 104, 8),
            ("blobbasefeeScalar", 104, 12),
            ("_resourceConfig", 105, 0),
            ("eip1559Denominator", 106, 0),
            ("eip1559Elasticity", 106, 4),
            ("operatorFeeScalar", 106, 8),
            ("operatorFeeConstant", 106, 12),
            ("daFootprintGasScalar", 106, 20),
            ("l2ChainId", 107, 0),
            ("superchainConfig", 108, 0),
            ("minBaseFee", 108, 20),
            ("isFeatureEnabled", 109, 0),
        ],
    );
    check(
        "OptimismPortal",
        &[
            ("params", 1, 0),
            ("l2Sender", 50, 0),
            ("finalizedWithdrawals", 51, 0),
            ("systemConfig", 55, 0),
            ("provenWithdrawals", 57, 0),
            ("proofSubmitters", 60, 0),
            ("anchorStateRegistry", 62, 0),
            ("ethLockbox", 63, 0),
        ],
    );
    check(
        "ETHLockbox",
        &[("authorizedPortals", 1, 0), ("authorizedLockboxes", 2, 0), ("systemConfig", 3, 0)],
    );
}
