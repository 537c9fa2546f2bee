//! The executions of op-test-vectors, recorded from a development node that forked OP Mainnet under Fjord.
//!
//! **Invariant:** the recordings have no L1 attributes, no fee vaults and no state root: what they have is compared,
//! receipts and accounts. Their base fee is what the sender paid beyond value and tip. One calls Multicall3 and the
//! governance token but leaves their code out: that comes from a genesis file and from the recording beside it.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../../fault-proof/execute/tests/fork_rules/memory.rs"]
mod memory;
#[path = "../../../fault-proof/execute/tests/fork_rules/world.rs"]
#[expect(dead_code, reason = "the fork rules use the rest")]
mod world;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bloom, Bytes, Signature, TxKind, U256, address, keccak256};
use memory::Memory;
use opal_execute::{RevmCrypto, execute};
use opal_harness::Vectors;
use opal_types::{Fork, read::GenesisFile};
use serde_json::Value;
use world::World;

const MULTICALL3: Address = address!("ca11bde05977b3631167028862be2a173976ca11");

const GOVERNANCE_TOKEN: Address = address!("4200000000000000000000000000000000000042");

/// What OP Mainnet had at the time, as far as the recorded calls reach.
fn mainnet(vectors: &Vectors) -> Memory {
    const EXTRA: &str = "superchain-registry/superchain/extra/";
    for file in vectors.files() {
        vectors.path(&file);
    }
    let packed = vectors.bytes(&format!("{EXTRA}genesis/mainnet/bob.json.zst"));
    let dictionary = vectors.bytes(&format!("{EXTRA}dictionary"));
    let mut unpack = zstd::bulk::Decompressor::with_dictionary(&dictionary).unwrap();
    let genesis = unpack.decompress(&packed, 32 << 20).unwrap();
    let genesis = GenesisFile::from_json(&genesis).unwrap();
    let token: Value =
        vectors.json("op-test-vectors/fixtures/execution/GovernanceTokenPrecompile.json");
    let token = &token["alloc"][GOVERNANCE_TOKEN.to_string().to_lowercase()];
    let mut state = Memory::default();
    state.put(MULTICALL3, 0, &genesis.alloc[&MULTICALL3].code);
    state.put(GOVERNANCE_TOKEN, 0, &hex(&token["code"]));
    // The token's name, a short string: its bytes, and twice its length in the last byte.
    let mut name = [0; 32];
    name[..8].copy_from_slice(b"Optimism");
    name[31] = 2 * 8;
    let slots = &mut state.accounts.get_mut(&GOVERNANCE_TOKEN).unwrap().1;
    slots.insert(U256::from(3), U256::from_be_bytes(name));
    state
}

fn hex<T: std::str::FromStr<Err: std::fmt::Debug>>(value: &Value) -> T {
    value.as_str().unwrap().parse().unwrap()
}

fn number(value: &Value) -> u64 {
    hex::<U256>(value).to()
}

fn transaction(fields: &Value) -> Bytes {
    let tx = TxEip1559 {
        chain_id: number(&fields["chainId"]),
        nonce: number(&fields["nonce"]),
        gas_limit: number(&fields["gasLimit"]),
        max_fee_per_gas: number(&fields["maxFeePerGas"]).into(),
        max_priority_fee_per_gas: number(&fields["maxPriorityFeePerGas"]).into(),
        to: TxKind::Call(hex(&fields["to"])),
        value: hex(&fields["value"]),
        access_list: Default::default(),
        input: hex(&fields["input"]),
    };
    let odd = number(&fields["yParity"]) == 1;
    let signature = Signature::new(hex(&fields["r"]), hex(&fields["s"]), odd);
    TxEnvelope::from(tx.into_signed(signature)).encoded_2718().into()
}

/// What the only sender paid for each gas, less the tip.
fn base_fee(recorded: &Value, fields: &Value) -> u64 {
    let sender = recorded["outAlloc"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(_, account)| account["nonce"] == 1)
        .unwrap()
        .0;
    let [before, after] =
        ["alloc", "outAlloc"].map(|it| hex::<U256>(&recorded[it][sender]["balance"]));
    let gas: U256 = hex(&recorded["result"]["receipts"][0]["gasUsed"]);
    let price: u64 = ((before - after - hex::<U256>(&fields["value"])) / gas).to();
    price - number(&fields["maxPriorityFeePerGas"])
}

fn check(recorded: &Value, mainnet: &Memory) {
    let fields = &recorded["txs"][0]["EIP1559"];
    assert_eq!(recorded["txs"].as_array().unwrap().len(), 1);
    let raw = transaction(fields);
    assert_eq!(keccak256(&raw), hex::<B256>(&fields["hash"]));
    let env = &recorded["env"];
    let mut world = World::new(Fork::Fjord);
    world.config.l2_chain_id = 10;
    world.parent.number = number(&env["currentNumber"]) - 1;
    world.parent.timestamp = number(&env["currentTimestamp"]) - 2;
    // The parent used exactly its target, so the base fee stays.
    world.parent.base_fee_per_gas = Some(base_fee(recorded, fields));
    world.attributes.timestamp = number(&env["currentTimestamp"]);
    world.attributes.prev_randao = B256::from(hex::<U256>(&env["currentDifficulty"]));
    world.attributes.fee_recipient = hex(&env["currentCoinbase"]);
    world.attributes.gas_limit = number(&env["currentGasLimit"]);
    world.attributes.transactions = vec![raw];
    world.state = mainnet.clone();
    for (address, account) in recorded["alloc"].as_object().unwrap() {
        let code = account.get("code").map(hex::<Bytes>).unwrap_or_default();
        let balance = hex::<U256>(&account["balance"]).to();
        world.state.put(address.parse().unwrap(), balance, &code);
        let place = world.state.accounts.get_mut(&address.parse::<Address>().unwrap()).unwrap();
        place.0.nonce = account["nonce"].as_u64().unwrap_or_default();
    }
    let parent = world.sealed_parent();
    let (config, attributes) = (&world.config, &world.attributes);
    let block = execute(config, &parent, attributes, &mut world.state, &mut RevmCrypto).unwrap();
    let (header, result) = (&block.header, &recorded["result"]);
    assert_eq!(header.transactions_root, hex::<B256>(&result["txRoot"]));
    assert_eq!(header.receipts_root, hex::<B256>(&result["receiptRoot"]));
    assert_eq!(header.logs_bloom, hex::<Bloom>(&result["logsBloom"]));
    assert_eq!(header.gas_used, number(&result["receipts"][0]["gasUsed"]));
    for (address, account) in recorded["outAlloc"].as_object().unwrap() {
        let (now, slots) = &world.state.accounts[&address.parse::<Address>().unwrap()];
        if let Some(balance) = account.get("balance") {
            assert_eq!(now.balance, hex::<U256>(balance), "{address}");
        }
        if let Some(nonce) = account.get("nonce") {
            assert_eq!(Some(now.nonce), nonce.as_u64(), "{address}");
        }
        for (slot, value) in account["storage"].as_object().into_iter().flatten() {
            assert_eq!(
                slots[&slot.parse::<U256>().unwrap()],
                hex::<U256>(value),
                "{address} {slot}"
            );
        }
    }
}

#[test]
fn a_recorded_transaction_gives_the_recorded_receipt_and_accounts() {
    let Some(vectors) = Vectors::for_test("recorded_executions::all") else { return };
    let mainnet = mainnet(&vectors);
    for file in vectors.files_like("op-test-vectors/fixtures/execution/*.json") {
        check(&vectors.json(&file), &mainnet);
    }
    vectors.finish();
}
