//! Data in blobs (D23).

use super::{bytes, text};
use alloy_primitives::{hex, keccak256};
use opal_harness::Vectors;
use opal_types::{BLOB_SIZE, BlobError, MAX_BLOB_DATA, decode_blob, encode_blob};
use serde_json::Value;

/// A blob that starts with these bytes.
fn blob(start: &[u8]) -> Box<[u8; BLOB_SIZE]> {
    let mut blob = Box::new([0; BLOB_SIZE]);
    blob[..start.len()].copy_from_slice(start);
    blob
}

/// The data of a case; long ones are one byte repeated.
fn data(case: &Value) -> Vec<u8> {
    match case["dataRepeat"].as_str() {
        Some(byte) => {
            let count = case["n"].as_u64().expect("a number");
            hex::decode(byte).expect("hex").repeat(count as usize)
        }
        None => bytes(case, "data"),
    }
}

/// The Go node's words for a reason.
fn go_text(error: BlobError) -> String {
    match error {
        BlobError::UnknownVersion { version } => {
            format!("invalid encoding version: expected version 0, got {version}")
        }
        BlobError::TooLong { length } => format!("invalid length for blob: got {length}"),
        other => panic!("{other}"),
    }
}

#[test]
fn blobs_hold_what_the_go_node_puts_there() {
    let Some(vectors) = Vectors::for_test("l1_data::blobs") else { return };
    let file: Value = vectors.json("protocol/blobs.json");
    assert_eq!(file["maxBlobDataSize"].as_u64(), Some(MAX_BLOB_DATA as u64));
    let cases = file["cases"].as_array().expect("cases");
    assert_eq!(cases.len(), 23);
    for case in cases {
        if let Some(error) = case["err"].as_str() {
            let found = decode_blob(&blob(&bytes(case, "blobTrimmed"))).unwrap_err();
            assert_eq!(go_text(found), error);
            continue;
        }
        let data = data(case);
        let encoded = encode_blob(&data).expect("it fits");
        assert_eq!(keccak256(*encoded).to_string(), text(case, "keccak"));
        if case.get("blobTrimmed").is_some() {
            assert_eq!(encoded, blob(&bytes(case, "blobTrimmed")));
        }
        assert_eq!(decode_blob(&encoded), Ok(data));
    }
    vectors.finish();
}

/// Every length around the borders of a field element and of a group of four survives.
#[test]
fn data_of_every_length_survives_a_blob() {
    let data: Vec<u8> = (0..MAX_BLOB_DATA).map(|at| (at * 31 + at / 251) as u8 | 1).collect();
    for length in (0..520).chain(MAX_BLOB_DATA - 300..=MAX_BLOB_DATA) {
        let data = &data[..length];
        assert_eq!(decode_blob(&encode_blob(data).unwrap()).as_deref(), Ok(data), "{length}");
    }
    let length = MAX_BLOB_DATA + 1;
    assert_eq!(encode_blob(&vec![0; length]), Err(BlobError::TooLong { length }));
}

/// T38 (overfill): data that claims less than the blob holds, or holds bits where none belong, is
/// refused; a second encoding of the same data would let two nodes differ.
#[test]
fn a_blob_with_anything_but_its_data_is_refused() {
    let data = [0xff; 200];
    let good = encode_blob(&data).unwrap();
    let with = |at: usize, byte: u8| {
        let mut blob = good.clone();
        blob[at] = byte;
        decode_blob(&blob)
    };
    // The data ends in the second group of four elements; 32 * 8 is the first byte after it.
    assert_eq!(with(32 * 8 - 1, 1), Err(BlobError::NotEmpty { length: 200 }));
    assert_eq!(with(32 * 8, 1), Err(BlobError::NotEmpty { length: 200 }));
    assert_eq!(with(BLOB_SIZE - 1, 1), Err(BlobError::NotEmpty { length: 200 }));
    for element in 1..8 {
        for upper in [0x40, 0x80, 0xff] {
            let wanted = Err(BlobError::FieldElement { upper });
            assert_eq!(with(32 * element, upper), wanted, "{element}");
        }
    }
    // The Go node does not look at these two bits of the first byte.
    assert_eq!(with(0, good[0] | 0xc0).as_deref(), Ok(&data[..]));
    assert_eq!(with(1, 1), Err(BlobError::UnknownVersion { version: 1 }));
    assert_eq!(with(4, 199), Err(BlobError::NotEmpty { length: 199 }));
    let length = MAX_BLOB_DATA + 1;
    let [_, head @ ..] = (length as u32).to_be_bytes();
    let too_long = [&[0, 0][..], &head].concat();
    assert_eq!(decode_blob(&blob(&too_long)), Err(BlobError::TooLong { length }));
}
