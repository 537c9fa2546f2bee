//! A file of pre-images: records of (u32 big-endian length, bytes); the keccak256 of a record is its key.
//!
//! **Invariant:** every record was hashed when the file was read, so a value handed out matches its key.

use alloy_primitives::{B256, Bytes, keccak256, map::B256Map};
use opal_program::{KeyKind, PreimageKey};

/// The records of one file by hash.
#[derive(Clone, Debug, Default)]
pub struct PreimageFile {
    /// Keyed by the hash with its first byte cleared, because that byte holds the kind in a key.
    records: B256Map<Bytes>,
}

impl PreimageFile {
    /// Reads and hashes all records. `content` is shared, not copied.
    pub fn parse(content: Bytes) -> Result<Self, PreimageFileError> {
        let mut records = B256Map::default();
        let mut offset = 0;
        while offset < content.len() {
            let start = offset.saturating_add(4);
            let prefix = content.get(offset..start).and_then(|it| <[u8; 4]>::try_from(it).ok());
            let Some(prefix) = prefix else {
                return Err(PreimageFileError::TruncatedLength { offset, size: content.len() });
            };
            let length = u32::from_be_bytes(prefix);
            let end = start.saturating_add(length as usize);
            if end > content.len() {
                return Err(PreimageFileError::TruncatedRecord {
                    offset,
                    length,
                    left: content.len().saturating_sub(start),
                });
            }
            let record = content.slice(start..end);
            records.insert(without_kind(keccak256(&record)), record);
            offset = end;
        }
        Ok(Self { records })
    }

    /// The value of a keccak key; other kinds are not in such a file.
    pub fn get(&self, key: PreimageKey) -> Option<&Bytes> {
        match key.kind() {
            Some(KeyKind::Keccak) => self.records.get(&without_kind(key.0)),
            _ => None,
        }
    }

    /// How many different records the file holds.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether the file holds nothing.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }
}

const fn without_kind(mut hash: B256) -> B256 {
    hash.0[0] = 0;
    hash
}

/// Why a file is not a pre-image file. Offsets are bytes from its start.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PreimageFileError {
    /// Fewer than four bytes are left where a length belongs.
    #[error("pre-image file of {size} bytes is truncated in the length at offset {offset}")]
    TruncatedLength {
        /// Where the length starts.
        offset: usize,
        /// Size of the file.
        size: usize,
    },
    /// The record is longer than what is left.
    #[error(
        "pre-image file is malformed or truncated: the record at offset {offset} says {length} bytes, {left} are left"
    )]
    TruncatedRecord {
        /// Where the record's length starts.
        offset: usize,
        /// What the length says.
        length: u32,
        /// Bytes after the length.
        left: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(records: &[&[u8]]) -> Vec<u8> {
        let framed = records.iter().map(|it| [&(it.len() as u32).to_be_bytes(), *it].concat());
        framed.collect::<Vec<_>>().concat()
    }

    #[test]
    fn a_record_is_found_by_its_hash() {
        let parsed = PreimageFile::parse(file(&[b"one", b""]).into()).unwrap();
        let key = PreimageKey::keccak(keccak256(b"one"));
        assert_eq!(parsed.get(key).unwrap(), &Bytes::from_static(b"one"));
        assert!(parsed.get(PreimageKey::keccak(keccak256(b""))).is_some());
        assert_eq!(parsed.get(PreimageKey::sha256(b"one")), None);
    }

    #[test]
    fn a_file_cut_in_a_length_names_the_offset() {
        let mut content = file(&[b"one"]);
        content.extend([0, 0]);
        let error = PreimageFile::parse(content.into()).unwrap_err();
        assert_eq!(error, PreimageFileError::TruncatedLength { offset: 7, size: 9 });
    }

    #[test]
    fn a_file_cut_in_a_record_names_the_offset() {
        let mut content = file(&[b"one", b"three"]);
        content.pop();
        let error = PreimageFile::parse(content.into()).unwrap_err();
        let expected = PreimageFileError::TruncatedRecord { offset: 7, length: 5, left: 4 };
        assert_eq!(error, expected);
    }
}
