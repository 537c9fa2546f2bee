//! The libraries under the core, held against the public test sets: RLP, header hashes and KZG.
//!
//! **Invariant:** what the sets call invalid is refused, by the library and by opal's own decoders.

use alloy_primitives::{Bytes, U512, hex};
use alloy_rlp::{Header, PayloadView};
use opal_harness::Vectors;
use opal_types::{Attributes, ChainConfig, read::header_json};
use revm::precompile::kzg_point_evaluation;
use serde_json::{Map, Value};

/// RLP of any shape.
enum Item {
    Text(Bytes),
    Number(U512),
    List(Vec<Self>),
}

impl Item {
    /// Reads the sets' notation: text, numbers, `#` and a large number, lists.
    fn from_json(value: &Value) -> Self {
        match value {
            Value::String(text) => match text.strip_prefix('#') {
                Some(number) => Self::Number(number.parse().expect("a number")),
                None => Self::Text(text.chars().map(|it| it as u8).collect()),
            },
            Value::Number(number) => Self::Number(U512::from(number.as_u64().expect("u64"))),
            Value::Array(items) => Self::List(items.iter().map(Self::from_json).collect()),
            other => panic!("{other}"),
        }
    }

    fn encode(&self) -> Vec<u8> {
        match self {
            Self::Text(bytes) => alloy_rlp::encode(bytes),
            Self::Number(number) => alloy_rlp::encode(number),
            Self::List(items) => {
                let payload: Vec<u8> = items.iter().flat_map(Self::encode).collect();
                let mut out = Vec::new();
                Header { list: true, payload_length: payload.len() }.encode(&mut out);
                [out, payload].concat()
            }
        }
    }
}

/// Reads exactly one item and everything in it.
fn walk(mut input: &[u8]) -> alloy_rlp::Result<()> {
    let view = Header::decode_raw(&mut input)?;
    if !input.is_empty() {
        return Err(alloy_rlp::Error::UnexpectedLength);
    }
    match view {
        PayloadView::String(_) => Ok(()),
        PayloadView::List(items) => items.into_iter().try_for_each(walk),
    }
}

#[test]
fn rlp_is_written_and_read_as_the_set_says() {
    let Some(vectors) = Vectors::for_test("primitives::rlp_valid") else { return };
    for file in vectors.files() {
        for (name, case) in vectors.json::<Map<String, Value>>(&file) {
            let out = hex::decode(case["out"].as_str().expect("hex")).expect(&name);
            assert_eq!(walk(&out), Ok(()), "{name}");
            if case["in"] != "VALID" {
                assert_eq!(Item::from_json(&case["in"]).encode(), out, "{name}");
            }
        }
    }
    vectors.finish();
}

#[test]
fn invalid_rlp_is_refused() {
    let Some(vectors) = Vectors::for_test("primitives::rlp_invalid") else { return };
    for file in vectors.files() {
        for (name, case) in vectors.json::<Map<String, Value>>(&file) {
            let bytes = hex::decode(case["out"].as_str().expect("hex")).expect(&name);
            assert!(walk(&bytes).is_err(), "{name}");
            assert!(ChainConfig::from_rlp(&bytes).is_err(), "{name}");
            assert!(Attributes::from_rlp(&bytes).is_err(), "{name}");
        }
    }
    vectors.finish();
}

#[test]
fn headers_with_another_hash_are_refused() {
    let Some(vectors) = Vectors::for_test("primitives::headers") else { return };
    let mut judged = [0, 0];
    for metadata in vectors.files_like("optimism-2024-10/*/*/*/*/headers/*_metadata.json") {
        let bad = vectors.json::<Value>(&metadata)["fail"] == true;
        let file = metadata.replace("_metadata", "_data");
        match header_json(&vectors.bytes(&file)) {
            Ok(_) => assert!(!bad, "{file}"),
            Err(error) => {
                assert!(bad && error.to_string().starts_with("hash: 0x"), "{file}: {error}");
            }
        }
        judged[usize::from(bad)] += 1;
    }
    assert_eq!(judged, [2, 5]);
    vectors.finish();
}

/// The value of `field` in one of the KZG set's two-level YAML files.
#[track_caller]
fn field<'a>(yaml: &'a str, field: &str) -> &'a str {
    let value = yaml.lines().find_map(|line| line.trim().strip_prefix(field)?.strip_prefix(": "));
    value.unwrap_or_else(|| panic!("no {field}")).trim_matches('\'')
}

/// Its bytes; `None` if there are not N of them.
#[track_caller]
fn fixed<const N: usize>(yaml: &str, name: &str) -> Option<[u8; N]> {
    hex::decode(field(yaml, name)).ok()?.try_into().ok()
}

#[test]
fn kzg_proofs_are_judged_as_the_set_says_natively_and_in_pure_rust() {
    let Some(vectors) = Vectors::for_test("primitives::kzg_proofs") else { return };
    let settings = c_kzg::ethereum_kzg_settings(0);
    let mut judged = [0, 0, 0];
    for file in vectors.files() {
        let yaml = vectors.text(&file);
        let expected = field(&yaml, "output");
        let inputs = (
            fixed::<48>(&yaml, "commitment"),
            fixed::<32>(&yaml, "z"),
            fixed::<32>(&yaml, "y"),
            fixed::<48>(&yaml, "proof"),
        );
        let (Some(commitment), Some(z), Some(y), Some(proof)) = inputs else {
            assert_eq!(expected, "null", "{file}");
            judged[2] += 1;
            continue;
        };
        let native =
            settings.verify_kzg_proof(&commitment.into(), &z.into(), &y.into(), &proof.into());
        let native = native.map_or("null", |valid| if valid { "true" } else { "false" });
        assert_eq!(native, expected, "{file}");
        judged[["true", "false", "null"].iter().position(|it| *it == expected).expect(expected)] +=
            1;
        // The precompile knows valid and everything else.
        let valid = expected == "true";
        let pure = kzg_point_evaluation::arkworks::verify_kzg_proof(&commitment, &z, &y, &proof);
        assert_eq!(pure, valid, "{file}");
        let installed = kzg_point_evaluation::verify_kzg_proof(&commitment, &z, &y, &proof);
        assert_eq!(installed, valid, "{file}");
    }
    assert_eq!(judged, [54, 48, 20]);
    vectors.finish();
}

#[test]
fn blobs_have_the_commitments_the_set_says() {
    let Some(vectors) = Vectors::for_test("primitives::kzg_commitments") else { return };
    let settings = c_kzg::ethereum_kzg_settings(0);
    for file in vectors.files() {
        let yaml = vectors.text(&file);
        let blob = hex::decode(field(&yaml, "blob")).expect(&file);
        let found = c_kzg::Blob::from_bytes(&blob)
            .and_then(|blob| settings.blob_to_kzg_commitment(&blob))
            .map(|commitment| hex::encode_prefixed(commitment.as_slice()));
        assert_eq!(found.as_deref().unwrap_or("null"), field(&yaml, "output"), "{file}");
    }
    vectors.finish();
}
