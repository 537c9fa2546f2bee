//! Upgrade transactions (D19, D20, D21). The data files are written by this test from the vectors:
//! `OPAL_UPDATE_UPGRADES=1 cargo test -p opal-harness --test l1_data upgrades`.

use super::{bytes, text, word};
use alloy_eips::{Decodable2718, Encodable2718};
use alloy_primitives::{Bytes, U256, keccak256};
use miniz_oxide::{deflate::compress_to_vec, inflate::decompress_to_vec};
use op_alloy_consensus::TxDeposit;
use opal_harness::{Vectors, workspace_root};
use opal_types::{DepositSource, Fork, upgrade_gas, upgrade_transactions, wrap_for_set};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::{env, fs, path::PathBuf};

const FILE: &str = "protocol/upgrade-txs.json";
const LAGOON: &str = "lagoon-single-chain";
const FORKS: [(Fork, &str, usize); 6] = [
    (Fork::Ecotone, "ecotone", 6),
    (Fork::Fjord, "fjord", 3),
    (Fork::Isthmus, "isthmus", 8),
    (Fork::Jovian, "jovian", 5),
    (Fork::Karst, "karst", 31),
    (Fork::Lagoon, LAGOON, 28),
];

const HEAD: &str = "\
Transactions of the network upgrades, one file per fork: a raw deflate stream (RFC 1951) of an RLP
list of EIP-2718 transactions, in block order.

Origin: github.com/ethereum-optimism/optimism v1.19.6 (op-node/rollup/derive and
op-core/nuts/bundles), as printed by those Go packages. Licence: MIT.
Written by tests/harness/tests/l1_data/upgrades.rs.

SHA-256 of the unpacked content:
";

fn folder() -> PathBuf {
    workspace_root().join("fault-proof/types/data")
}

/// The transactions of a fork in the vectors.
fn raw(file: &Value, name: &str) -> Vec<Bytes> {
    let list = file[name]["txs"].as_array().expect("transactions");
    list.iter().map(|it| bytes(it, "raw").into()).collect()
}

/// What the data files should be.
#[test]
fn the_data_files_are_current() {
    let Some(vectors) = Vectors::for_test("l1_data::upgrade_files") else { return };
    let file: Value = vectors.json(FILE);
    let update = env::var_os("OPAL_UPDATE_UPGRADES").is_some();
    let mut readme = HEAD.to_owned();
    for (fork, name, _) in FORKS {
        let content = alloy_rlp::encode(raw(&file, name));
        readme += &format!("{:x}  {}\n", Sha256::digest(&content), fork.name());
        let path = folder().join(format!("{}.deflate", fork.name()));
        if update {
            fs::write(&path, compress_to_vec(&content, 10)).expect("the data folder is there");
        }
        let stream = fs::read(&path).expect("a data file");
        assert_eq!(decompress_to_vec(&stream).expect("a stream"), content, "{}", fork.name());
    }
    let path = folder().join("README.txt");
    if update {
        fs::write(&path, &readme).expect("the data folder is there");
    }
    assert_eq!(fs::read_to_string(&path).expect("a text"), readme);
    vectors.finish();
}

#[test]
fn upgrade_transactions_are_the_go_nodes_to_the_byte() {
    let Some(vectors) = Vectors::for_test("l1_data::upgrades") else { return };
    let file: Value = vectors.json(FILE);
    for (fork, name, count) in FORKS {
        let transactions = upgrade_transactions(fork).expect("sound data");
        assert_eq!(transactions, raw(&file, name), "{name}");
        assert_eq!(transactions.len(), count);
        let cases = file[name]["txs"].as_array().expect("transactions");
        for (raw, case) in transactions.iter().zip(cases) {
            check_transaction(raw, case);
        }
        let gas: u64 = transactions.iter().map(|it| deposit(it).gas_limit).sum();
        let wanted = file[name]["upgradeGas"].as_u64();
        assert_eq!(upgrade_gas(fork), wanted.unwrap_or(0));
        match fork {
            Fork::Karst => assert_eq!(upgrade_gas(fork), gas),
            Fork::Lagoon => assert_eq!(upgrade_gas(fork), gas + 150_000, "room for the wrappers"),
            _ => assert_eq!(wanted, None),
        }
    }
    for fork in Fork::ALL.into_iter().filter(|fork| FORKS.iter().all(|it| it.0 != *fork)) {
        assert_eq!(upgrade_transactions(fork), Ok(vec![]));
        assert_eq!(upgrade_gas(fork), 0);
    }
    vectors.finish();
}

#[track_caller]
fn deposit(mut raw: &[u8]) -> TxDeposit {
    TxDeposit::decode_2718(&mut raw).expect("a deposit")
}

#[track_caller]
fn check_transaction(raw: &[u8], case: &Value) {
    let deposit = deposit(raw);
    assert_eq!(keccak256(raw), word(case, "txHash"));
    assert_eq!(deposit.source_hash, word(case, "sourceHash"));
    assert_eq!(deposit.from.to_string(), text(case, "from"));
    assert_eq!(deposit.to.to().map(ToString::to_string).as_deref(), case["to"].as_str());
    assert_eq!(Some(deposit.gas_limit), case["gas"].as_u64());
    assert_eq!(keccak256(&deposit.input), word(case, "dataKeccak"));
    assert_eq!(deposit.encoded_2718(), raw);
}

#[test]
fn lagoon_in_a_set_has_one_transaction_before_and_one_behind() {
    let Some(vectors) = Vectors::for_test("l1_data::lagoon_set") else { return };
    let file: Value = vectors.json(FILE);
    let set = &file["lagoon-multi-chain"];
    let alone = upgrade_transactions(Fork::Lagoon).expect("sound data");
    let wrapped = wrap_for_set(alone.clone());
    assert_eq!(Some(wrapped.len() as u64), set["count"].as_u64());
    let [first, middle @ .., last] = wrapped.as_slice() else { panic!("too short") };
    assert_eq!(first.to_vec(), bytes(&set["first"], "raw"));
    assert_eq!(last.to_vec(), bytes(&set["last"], "raw"));
    assert_eq!(middle, alone);
    assert_eq!(deposit(last).value, U256::from(u128::MAX));
    let gas: u64 = wrapped.iter().map(|it| deposit(it).gas_limit).sum();
    assert_eq!(Some(gas), set["upgradeGas"].as_u64());
    assert_eq!(gas, upgrade_gas(Fork::Lagoon));
    vectors.finish();
}

/// The intents that the specifications print make the source hashes of the transactions, but for
/// four of Jovian's: there the Go node, and so every chain, writes the contracts' names apart.
#[test]
fn printed_intents_make_the_source_hashes() {
    let Some(vectors) = Vectors::for_test("l1_data::upgrade_intents") else { return };
    let printed = &vectors.json::<Value>("derived/spec-values.json")["upgrade_source_hashes"];
    let printed = printed.as_array().expect("intents");
    for fork in [Fork::Ecotone, Fork::Fjord, Fork::Isthmus, Fork::Jovian] {
        let intents = printed.iter().filter(|it| text(it, "fork") == fork.name());
        let mut wanted: Vec<_> = intents
            .map(|it| text(it, "intent").replace("L1Block ", "L1 Block "))
            .map(|it| it.replace("GasPriceOracle ", "Gas Price Oracle "))
            .map(|intent| DepositSource::Upgrade { intent: &intent }.hash())
            .collect();
        let transactions = upgrade_transactions(fork).expect("sound data");
        let mut found: Vec<_> = transactions.iter().map(|it| deposit(it).source_hash).collect();
        wanted.sort();
        found.sort();
        assert_eq!(found, wanted, "{}", fork.name());
    }
    vectors.finish();
}
