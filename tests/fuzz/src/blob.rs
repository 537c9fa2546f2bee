//! Blobs (D23).

use opal_types::{BLOB_SIZE, MAX_BLOB_DATA, decode_blob, encode_blob};

pub(crate) fn run(data: &[u8]) {
    let mut blob = Box::new([0; BLOB_SIZE]);
    blob.iter_mut().zip(data).for_each(|(place, byte)| *place = *byte);
    if let Ok(content) = decode_blob(&blob) {
        assert!(content.len() <= MAX_BLOB_DATA);
        // The Go node does not look at these two bits.
        blob[0] &= 0x3f;
        assert_eq!(encode_blob(&content).as_ref(), Ok(&blob), "one content, one blob");
    }
    match encode_blob(data) {
        Ok(blob) => assert_eq!(decode_blob(&blob).as_deref(), Ok(data), "it survives its blob"),
        Err(_) => assert!(data.len() > MAX_BLOB_DATA),
    }
}
