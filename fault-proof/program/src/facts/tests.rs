//! Blobs' points and lists, against the implementations of others.

use super::{
    blob::{FIELD_ELEMENTS, Points, blob},
    list::list,
};
use crate::{Hint, Oracle, OracleError, PreimageKey, Undetermined, reader::Reader};
use alloc::{collections::BTreeMap, vec, vec::Vec};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use alloy_trie::{HashBuilder, Nibbles, proof::ProofRetainer};
use c_kzg::ethereum_kzg_settings;
use proptest::prelude::*;

/// Pre-images by key, and the hints that came.
#[derive(Default)]
struct Table {
    values: BTreeMap<PreimageKey, Bytes>,
    reads: usize,
    hints: Vec<Hint>,
}

impl Oracle for Table {
    fn hint(&mut self, hint: &Hint) {
        self.hints.push(hint.clone());
    }

    fn read(&mut self, key: PreimageKey) -> Result<Bytes, OracleError> {
        self.reads += 1;
        self.values.get(&key).cloned().ok_or(OracleError::Absent { key })
    }
}

/// A blob whose field elements differ from each other.
fn sample_blob() -> c_kzg::Blob {
    let elements = (0..FIELD_ELEMENTS as u64).flat_map(|index| {
        let mut element = keccak256(index.to_be_bytes());
        // Below the field's modulus.
        element.0[0] = 0;
        element.0
    });
    c_kzg::Blob::from_bytes(&elements.collect::<Vec<u8>>()).unwrap()
}

#[test]
fn points_are_the_roots_of_unity_in_bit_reversed_order() {
    // EIP-4844: PRIMITIVE_ROOT_OF_UNITY = 7.
    let modulus = U256::from_str_radix(
        "52435875175126190479447740508185965837690552500527637822603658699938581184513",
        10,
    )
    .unwrap();
    let exponent = (modulus - U256::ONE) / U256::from(FIELD_ELEMENTS);
    let root = U256::from(7).pow_mod(exponent, modulus);
    let points = Points::new();
    assert_eq!(points.as_slice().len(), FIELD_ELEMENTS);
    for (index, point) in points.as_slice().iter().enumerate() {
        let reversed = (index as u16).reverse_bits() >> 4;
        let expected = root.pow_mod(U256::from(reversed), modulus);
        assert_eq!(U256::from_be_bytes(point.0), expected, "point {index}");
    }
}

#[test]
fn blob_field_element_key_matches_the_contract() {
    let (blob, settings) = (sample_blob(), ethereum_kzg_settings(0));
    for index in [0, 1, 2, 3, 1000, 2047, 2048, 4095] {
        let point = Points::new().as_slice()[index];
        let (_, value) = settings.compute_kzg_proof(&blob, &point.0.into()).unwrap();
        assert_eq!(value.as_slice(), &blob[index * 32..][..32], "element {index}");
    }
}

#[test]
fn a_blob_is_put_together_from_its_field_elements() {
    let (sample, settings) = (sample_blob(), ethereum_kzg_settings(0));
    let commitment = settings.blob_to_kzg_commitment(&sample).unwrap().to_bytes().into_inner();
    let mut hash = PreimageKey::sha256(&commitment).0;
    hash.0[0] = 1;
    let points = Points::new();
    let mut table = Table::default();
    table.values.insert(PreimageKey::sha256(&commitment), commitment.to_vec().into());
    for (element, point) in sample.chunks(32).zip(points.as_slice()) {
        let key = PreimageKey::blob(&commitment, *point);
        table.values.insert(key, element.to_vec().into());
    }
    let read = blob(&Reader::new(&mut table, 10), &points, &hash, 0x0102).unwrap();
    assert_eq!(read.as_ref(), &sample[..]);
    assert_eq!(table.reads, FIELD_ELEMENTS + 1);
    let [hint] = &table.hints[..] else { panic!("{:?}", table.hints) };
    assert_eq!(hint.payload, [hash.as_slice(), &[0, 0, 0, 0, 0, 0, 1, 2]].concat());

    let key = PreimageKey::blob(&commitment, points.as_slice()[77]);
    table.values.insert(key, vec![0; 31].into());
    let short = blob(&Reader::new(&mut table, 10), &points, &hash, 0);
    assert!(matches!(short, Err(Undetermined::Malformed { key: found, .. }) if found == key));
    table.values.remove(&key);
    let absent = blob(&Reader::new(&mut table, 10), &points, &hash, 0);
    assert!(matches!(absent, Err(Undetermined::Absent { key: found, .. }) if found == key));
}

/// Root, nodes and number of nodes of a list by alloy-trie.
fn trie_of(values: &[Bytes]) -> (B256, Table, usize) {
    let path = |index: usize| Nibbles::unpack(alloy_rlp::encode(index));
    let mut entries: Vec<_> = values.iter().enumerate().map(|(i, it)| (path(i), it)).collect();
    entries.sort();
    let retainer = ProofRetainer::from_iter(entries.iter().map(|(path, _)| *path));
    let mut builder = HashBuilder::default().with_proof_retainer(retainer);
    for (path, value) in &entries {
        builder.add_leaf(*path, value);
    }
    let root = builder.root();
    let nodes = builder.take_proof_nodes();
    let mut table = Table::default();
    for (_, node) in nodes.iter() {
        table.values.insert(PreimageKey::keccak(keccak256(node)), node.clone());
    }
    let count = nodes.iter().count();
    (root, table, count)
}

#[test]
fn lists_of_all_sizes_are_read_in_order() {
    for count in [0, 1, 2, 16, 17, 127, 128, 129, 256, 257, 1000] {
        for length in [1, 3, 40, 600] {
            let value = |index: usize| {
                let number = (index as u16 + 1).to_be_bytes();
                Bytes::from(number.into_iter().cycle().take(length).collect::<Vec<_>>())
            };
            let values: Vec<Bytes> = (0..count).map(value).collect();
            let (root, mut table, nodes) = trie_of(&values);
            let read = list(&Reader::new(&mut table, 10), root, "node").unwrap();
            assert_eq!(read, values, "{count} entries of {length} bytes");
            assert!(table.reads <= nodes, "a node was read twice");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_for_a_node_panic(node in prop::collection::vec(any::<u8>(), 0..200)) {
        let root = B256::repeat_byte(7);
        let mut table = Table::default();
        table.values.insert(PreimageKey::keccak(root), node.into());
        let _ = list(&Reader::new(&mut table, 10), root, "node");
    }

    #[test]
    fn a_damaged_node_is_an_error_or_other_entries(place in 0_usize..500, bit in 0_u8..8) {
        let values: Vec<Bytes> = (0..20_u8).map(|index| vec![index; 40].into()).collect();
        let (root, mut table, _) = trie_of(&values);
        let mut node = table.values[&PreimageKey::keccak(root)].to_vec();
        let place = place % node.len();
        node[place] ^= 1 << bit;
        table.values.insert(PreimageKey::keccak(root), node.into());
        let _ = list(&Reader::new(&mut table, 10), root, "node");
    }
}

#[test]
fn a_node_that_contains_itself_ends() {
    let root = B256::repeat_byte(7);
    let extension = [&[0xe2, 0x00, 0xa0][..], root.as_slice()].concat();
    let mut table = Table::default();
    table.values.insert(PreimageKey::keccak(root), extension.into());
    let endless = list(&Reader::new(&mut table, 10), root, "node");
    assert!(matches!(endless, Err(Undetermined::Malformed { .. })), "{endless:?}");
    assert!(table.reads < 30);
}
