//! Runs kona-executor on blocks of the format of `op-sepolia-blocks` and prints one JSON line per block:
//! `kona-peer FOLDER [RUNS]`. Start at [`measure`].
//!
//! The clock covers what opal's own bench covers: from payload attributes, decoded, and indexed pre-images to the
//! sealed header; reading and indexing files is outside. Each run starts from an empty trie.
//!
//! **Invariant:** a run that does not give the expected block hash ends the program; no figure of a wrong block is
//! printed.

use alloy_consensus::{Header, Sealable};
use alloy_op_evm::OpEvmFactory;
use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use alloy_rlp::Decodable;
use kona_executor::{StatelessL2Builder, TrieDBProvider};
use kona_genesis::RollupConfig;
use kona_mpt::{NoopTrieHinter, TrieNode, TrieProvider};
use op_alloy_rpc_types_engine::OpPayloadAttributes;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

#[derive(Deserialize)]
struct Fixture {
    rollup_config: RollupConfig,
    parent_header: Header,
    executing_payload: OpPayloadAttributes,
    expected_block_hash: B256,
}

/// Pre-images by keccak, in memory.
#[derive(Clone, Copy, Debug)]
struct Store<'a>(&'a B256Map<Bytes>);

#[derive(Debug)]
enum StoreError {
    Absent(B256),
    Rlp(alloy_rlp::Error),
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Absent(hash) => write!(formatter, "no pre-image for {hash}"),
            Self::Rlp(error) => write!(formatter, "{error}"),
        }
    }
}

impl Store<'_> {
    fn bytes(&self, hash: B256) -> Result<&Bytes, StoreError> {
        self.0.get(&hash).ok_or(StoreError::Absent(hash))
    }
}

impl TrieProvider for Store<'_> {
    type Error = StoreError;

    fn trie_node_by_hash(&self, hash: B256) -> Result<TrieNode, StoreError> {
        TrieNode::decode(&mut self.bytes(hash)?.as_ref()).map_err(StoreError::Rlp)
    }
}

impl TrieDBProvider for Store<'_> {
    fn bytecode_by_hash(&self, hash: B256) -> Result<Bytes, StoreError> {
        self.bytes(hash).cloned()
    }

    fn header_by_hash(&self, hash: B256) -> Result<Header, StoreError> {
        Header::decode(&mut self.bytes(hash)?.as_ref()).map_err(StoreError::Rlp)
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().expect("usage: kona-peer FOLDER [RUNS]"));
    let runs = arguments.next().map_or(7, |it| it.parse().expect("RUNS is a number"));
    let mut fixtures: Vec<_> = std::fs::read_dir(&folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".fixture.json"))
        .collect();
    fixtures.sort();
    for path in fixtures {
        println!("{}", measure(&path, runs));
    }
}

fn measure(path: &Path, runs: usize) -> serde_json::Value {
    let fixture: Fixture =
        serde_json::from_slice(&std::fs::read(path).expect("the fixture can be read"))
            .expect("the fixture parses");
    let records = std::fs::read(path.to_string_lossy().replace(".fixture.json", ".preimages.bin"))
        .expect("the pre-images can be read");
    let store = index(&records);
    let mut gas = 0;
    let mut milliseconds: Vec<f64> = (0..runs)
        .map(|_| {
            let parent = fixture.parent_header.clone().seal_slow();
            let payload = fixture.executing_payload.clone();
            let start = Instant::now();
            let mut builder = StatelessL2Builder::new(
                &fixture.rollup_config,
                OpEvmFactory::default(),
                Store(&store),
                NoopTrieHinter,
                parent,
            );
            let outcome = builder.build_block(payload).expect("the block builds");
            let elapsed = start.elapsed();
            assert_eq!(outcome.header.hash(), fixture.expected_block_hash);
            gas = outcome.header.gas_used;
            elapsed.as_secs_f64() * 1e3
        })
        .collect();
    milliseconds.sort_by(f64::total_cmp);
    let best = milliseconds[0];
    serde_json::json!({
        "block": fixture.parent_header.number + 1,
        "gas": gas,
        "runs": runs,
        "best_ms": best,
        "median_ms": milliseconds[runs / 2],
        "mgas_per_second": gas as f64 / best / 1e3,
    })
}

/// Records of (u32 big-endian length, bytes); the key of a record is its keccak.
fn index(mut records: &[u8]) -> B256Map<Bytes> {
    let mut store = B256Map::default();
    while let Some((length, rest)) = records.split_first_chunk::<4>() {
        let (record, rest) = rest.split_at(u32::from_be_bytes(*length) as usize);
        store.insert(keccak256(record), Bytes::copy_from_slice(record));
        records = rest;
    }
    store
}
