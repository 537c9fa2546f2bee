//! First blocks: the accounts of a genesis file give the block hash that the registry names.
//!
//! **Invariant:** every genesis file of the registry is decided here or named as an exception with
//! its reason.

use alloy_consensus::{EMPTY_ROOT_HASH, TrieAccount};
use alloy_primitives::{B256, U256, address, keccak256};
use opal_execute::{NoNodes, Trie};
use opal_harness::Vectors;
use opal_types::{
    ChainConfig,
    read::{GenesisAccount, GenesisFile, Superchain, rollup_json},
};

const REGISTRY: &str = "superchain-registry/superchain/";
/// The registry's own test data, in the same folders.
const TEST_REGISTRY: &str = "superchain-registry/ops/internal/manage/testdata/superchain/";

/// No genesis file is larger when unpacked.
const UNPACKED_LIMIT: usize = 128 << 20;

/// Files without accounts: their chains had blocks before Bedrock, and only the root of the state
/// is named.
const BARE_STATE_HASH: [&str; 3] = ["mainnet/boba", "mainnet/op", "sepolia/boba"];

/// Files whose accounts are another block's: Celo's are those of the L1 it once was, in a header
/// format of its own, while the registry names its block 31,056,500.
const OTHER_FIRST_BLOCK: [&str; 1] = ["mainnet/celo"];

/// A chain's config, and its genesis file unpacked.
fn read(vectors: &Vectors, registry: &str, chain: &str) -> (ChainConfig, Vec<u8>) {
    let network = chain.split('/').next().expect("network/chain");
    let superchain = format!("{registry}configs/{network}/superchain.toml");
    let superchain = Superchain::from_toml(&vectors.text(&superchain)).expect("a superchain");
    let config = vectors.text(&format!("{registry}configs/{chain}.toml"));
    let config = superchain.chain_toml(&config).expect(chain);
    let packed = vectors.bytes(&format!("{registry}extra/genesis/{chain}.json.zst"));
    let dictionary = vectors.bytes(&format!("{registry}extra/dictionary"));
    let mut unpack = zstd::bulk::Decompressor::with_dictionary(&dictionary).expect("a dictionary");
    (config, unpack.decompress(&packed, UNPACKED_LIMIT).expect(chain))
}

#[test]
fn allocs_give_the_registrys_genesis_hashes() {
    let Some(vectors) = Vectors::for_test("genesis::hashes") else { return };
    let (mut equal, mut bare, mut other) = (0, Vec::new(), Vec::new());
    for file in vectors.files_like(&format!("{REGISTRY}extra/genesis/*/*.json.zst")) {
        let chain = file
            .trim_start_matches(&format!("{REGISTRY}extra/genesis/"))
            .trim_end_matches(".json.zst");
        let (config, unpacked) = read(&vectors, REGISTRY, chain);
        if OTHER_FIRST_BLOCK.contains(&chain) {
            let error = GenesisFile::from_json(&unpacked).expect_err(chain).to_string();
            assert!(error.contains("missing field"), "{error}");
            assert_ne!(config.genesis.l2.number, 0);
            other.push(chain.to_owned());
            continue;
        }
        let genesis = GenesisFile::from_json(&unpacked).expect(chain);
        if genesis.alloc.is_empty() {
            assert!(genesis.state_hash.is_some());
            bare.push(chain.to_owned());
            continue;
        }
        assert_eq!(header_hash(&config, &genesis), config.genesis.l2.hash, "{chain}");
        equal += 1;
    }
    assert_eq!(bare, BARE_STATE_HASH);
    assert_eq!(other, OTHER_FIRST_BLOCK);
    assert_eq!(equal, 49);
    vectors.finish();
}

#[test]
fn the_registrys_test_chain_gives_its_hash() {
    let Some(vectors) = Vectors::for_test("genesis::test_chain") else { return };
    let (config, unpacked) = read(&vectors, TEST_REGISTRY, "sepolia/testchain");
    let genesis = GenesisFile::from_json(&unpacked).expect("a genesis file");
    assert_eq!(header_hash(&config, &genesis), config.genesis.l2.hash);
    // The same header, its accounts left out.
    let bare = "superchain-registry/ops/internal/manage/testdata/expected-genesis.json";
    let bare = GenesisFile::from_json(&vectors.bytes(bare)).expect("a genesis file");
    let header = |it: &GenesisFile| it.header(&config.forks, B256::ZERO, B256::ZERO);
    assert!(bare.alloc.is_empty());
    assert_eq!(header(&bare), header(&genesis));
    let superchain = vectors.text(&format!("{TEST_REGISTRY}configs/sepolia/superchain.toml"));
    let superchain = Superchain::from_toml(&superchain).expect("a superchain");
    let op = vectors.text(&format!("{TEST_REGISTRY}configs/sepolia/op.toml"));
    assert_eq!(superchain.chain_toml(&op).expect("a chain").l2_chain_id, 11_155_420);
    vectors.finish();
}

#[test]
fn recorded_chains_start_with_the_block_their_rollup_config_names() {
    let Some(vectors) = Vectors::for_test("genesis::recorded_chains") else { return };
    let check = |genesis: &str, rollup: &str| {
        let config = rollup_json(&vectors.bytes(rollup)).expect(rollup);
        let genesis = GenesisFile::from_json(&vectors.bytes(genesis)).expect(genesis);
        assert_eq!(header_hash(&config, &genesis), config.genesis.l2.hash, "{rollup}");
        assert_eq!(ChainConfig::from_rlp(&config.to_rlp()), Ok(config));
    };
    for genesis in vectors.files_like("derivation/*/l2-genesis.json") {
        check(&genesis, &genesis.replace("l2-genesis", "rollup"));
    }
    for genesis in vectors.files_like("interop/net/l2-*.json") {
        check(&genesis, &genesis.replace("/l2-", "/rollup-"));
    }
    vectors.finish();
}

fn header_hash(config: &ChainConfig, genesis: &GenesisFile) -> B256 {
    let accounts = genesis
        .alloc
        .iter()
        .map(|(address, account)| (keccak256(address), alloy_rlp::encode(trie_account(account))));
    let passer = address!("4200000000000000000000000000000000000016");
    let passer_root = genesis.alloc.get(&passer).map_or(EMPTY_ROOT_HASH, storage_root);
    genesis.header(&config.forks, root(accounts), passer_root).hash_slow()
}

fn trie_account(account: &GenesisAccount) -> TrieAccount {
    TrieAccount {
        nonce: account.nonce.to(),
        balance: account.balance,
        storage_root: storage_root(account),
        code_hash: keccak256(&account.code),
    }
}

fn storage_root(account: &GenesisAccount) -> B256 {
    let slots = account.storage.iter().filter(|(_, value)| !value.is_zero());
    root(
        slots.map(|(slot, value)| {
            (keccak256(slot), alloy_rlp::encode(U256::from_be_bytes(value.0)))
        }),
    )
}

/// The root of a trie with these entries, by the trie that blocks are executed over.
fn root(entries: impl Iterator<Item = (B256, Vec<u8>)>) -> B256 {
    let mut trie = Trie::empty();
    for (key, value) in entries {
        trie.insert(key.as_slice(), value.into(), &mut NoNodes).expect("nothing to read");
    }
    trie.root()
}
