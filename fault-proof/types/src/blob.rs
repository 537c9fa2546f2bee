//! How batch data lies in a blob (D23): 4096 field elements of 254 usable bits each.
//!
//! Start with [`decode_blob`]. Four elements carry 127 bytes: 31 in the lower bytes of each, and
//! three in their upper bytes, six bits apiece. The first four bytes are a version and the length.
//!
//! **Invariant:** data has one encoding; a blob with anything else in it is refused, as in the Go
//! node.

use alloc::{boxed::Box, vec::Vec};

/// Bytes of a blob.
pub const BLOB_SIZE: usize = 131_072;
/// Most data that fits.
pub const MAX_BLOB_DATA: usize = 130_044;
/// Bytes of four field elements.
const GROUP: usize = 128;
/// The only version.
const VERSION: u8 = 0;
/// Version and length, which lie before the data.
const HEAD: usize = 4;

/// Why a blob holds no data, or data no blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlobError {
    /// The only version is zero.
    #[error("blob has encoding version {version}, not 0")]
    UnknownVersion {
        /// Version found.
        version: u8,
    },
    /// More than fits.
    #[error("blob data of {length} bytes, at most {MAX_BLOB_DATA} fit")]
    TooLong {
        /// Length claimed.
        length: usize,
    },
    /// An upper byte has six bits.
    #[error("blob has a field element with upper byte {upper:#04x}")]
    FieldElement {
        /// Byte found.
        upper: u8,
    },
    /// What follows the data must be zero.
    #[error("blob has bytes behind its {length} bytes of data")]
    NotEmpty {
        /// Length of the data.
        length: usize,
    },
}

const _: () = assert!(BLOB_SIZE / GROUP * 127 == HEAD + MAX_BLOB_DATA);

/// Takes the data out of a blob.
pub fn decode_blob(blob: &[u8; BLOB_SIZE]) -> Result<Vec<u8>, BlobError> {
    let [_, version, l0, l1, l2, ..] = *blob;
    if version != VERSION {
        return Err(BlobError::UnknownVersion { version });
    }
    let length = u32::from_be_bytes([0, l0, l1, l2]);
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    if length > MAX_BLOB_DATA {
        return Err(BlobError::TooLong { length });
    }
    let end = length.saturating_add(HEAD);
    let (groups, _) = blob.as_chunks::<GROUP>();
    let mut groups = groups.iter();
    let mut bytes = Vec::with_capacity(end.saturating_add(GROUP));
    while bytes.len() < end {
        let Some(group) = groups.next() else { break };
        unpack(group, &mut bytes)?;
    }
    let empty = |bytes: &[u8]| bytes.iter().all(|byte| *byte == 0);
    let clean = bytes.get(end..).is_some_and(empty) && groups.all(|group| empty(group));
    if !clean {
        return Err(BlobError::NotEmpty { length });
    }
    bytes.truncate(end);
    bytes.drain(..HEAD);
    Ok(bytes)
}

/// Appends the 127 bytes of four field elements.
fn unpack(group: &[u8; GROUP], bytes: &mut Vec<u8>) -> Result<(), BlobError> {
    let first = bytes.is_empty();
    let (elements, _) = group.as_chunks::<32>();
    let [a, b, c, d] = elements else { return Ok(()) };
    let ([a, a_low @ ..], [b, b_low @ ..], [c, c_low @ ..], [d, d_low @ ..]) = (a, b, c, d);
    // The Go node does not look at the two upper bits of a blob's first byte, so neither may we.
    let mut uppers = [if first { &0 } else { a }, b, c, d].into_iter();
    if let Some(upper) = uppers.find(|upper| **upper & 0xc0 != 0) {
        return Err(BlobError::FieldElement { upper: *upper });
    }
    bytes.extend_from_slice(a_low);
    bytes.push(a & 0x3f | (b & 0x30) << 2);
    bytes.extend_from_slice(b_low);
    bytes.push(b & 0x0f | (d & 0x0f) << 4);
    bytes.extend_from_slice(c_low);
    bytes.push(c & 0x3f | (d & 0x30) << 2);
    bytes.extend_from_slice(d_low);
    Ok(())
}

/// Puts data into a blob.
pub fn encode_blob(data: &[u8]) -> Result<Box<[u8; BLOB_SIZE]>, BlobError> {
    let length = data.len();
    let too_long = BlobError::TooLong { length };
    if length > MAX_BLOB_DATA {
        return Err(too_long);
    }
    let [_, head @ ..] = u32::try_from(length).map_err(|_| too_long)?.to_be_bytes();
    let mut bytes = [VERSION].into_iter().chain(head).chain(data.iter().copied());
    let mut blob = Box::new([0; BLOB_SIZE]);
    let (groups, _) = blob.as_chunks_mut::<GROUP>();
    for group in groups {
        if bytes.size_hint().1 == Some(0) {
            break;
        }
        pack(&mut bytes, group);
    }
    Ok(blob)
}

/// Fills four field elements with the next 127 bytes; zeros follow the last.
fn pack(bytes: &mut impl Iterator<Item = u8>, group: &mut [u8; GROUP]) {
    let mut next = || bytes.next().unwrap_or(0);
    let (elements, _) = group.as_chunks_mut::<32>();
    let [a, b, c, d] = elements else { return };
    let ([a, a_low @ ..], [b, b_low @ ..], [c, c_low @ ..], [d, d_low @ ..]) = (a, b, c, d);
    a_low.fill_with(&mut next);
    let x = next();
    b_low.fill_with(&mut next);
    let y = next();
    c_low.fill_with(&mut next);
    let z = next();
    d_low.fill_with(&mut next);
    *a = x & 0x3f;
    *b = y & 0x0f | (x & 0xc0) >> 2;
    *c = z & 0x3f;
    *d = y >> 4 | (z & 0xc0) >> 2;
}
