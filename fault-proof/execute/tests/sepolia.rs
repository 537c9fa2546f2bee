//! The real OP Sepolia blocks, natively, to the block hash.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use alloy_primitives::map::B256Map;
use alloy_primitives::{Bytes, Sealable, keccak256};
use opal_execute::{Key, RevmCrypto, TrieState, execute};
use opal_harness::Vectors;
use opal_types::read::BlockFixture;

/// Records of (u32 big-endian length, bytes), by the keccak of the bytes.
fn preimages(file: Vec<u8>) -> B256Map<Bytes> {
    let file = Bytes::from(file);
    let mut records = B256Map::default();
    let mut at = 0;
    while at < file.len() {
        let length = u32::from_be_bytes(file[at..at + 4].try_into().unwrap());
        let end = at + 4 + usize::try_from(length).unwrap();
        let record = file.slice(at + 4..end);
        records.insert(keccak256(&record), record);
        at = end;
    }
    records
}

#[test]
fn real_blocks_have_their_hash() {
    let Some(vectors) = Vectors::for_test("sepolia::blocks") else { return };
    for file in vectors.files_like("op-sepolia-blocks/*.fixture.json") {
        let block = BlockFixture::from_json(&vectors.bytes(&file)).expect(&file);
        let records = preimages(vectors.bytes(&file.replace("fixture.json", "preimages.bin")));
        let parent = block.parent.seal_slow();
        let source = |key: &Key| records.get(key.hash()).cloned();
        let mut state = TrieState::new(source, &parent);
        let outcome =
            execute(&block.config, &parent, &block.attributes, &mut state, &mut RevmCrypto)
                .unwrap_or_else(|error| panic!("{file}: {error}"));
        let header = &outcome.header;
        assert_eq!(header.hash(), block.expected_hash, "{file}: {header:#?}");
    }
    vectors.finish();
}
