//! A block header as an untrusted RPC server answers it.
//!
//! **Invariant:** a header leaves here only with the hash of its own fields.

use super::{ReadError, json};
use alloy_consensus::{Header, Sealed};
use alloy_primitives::B256;
use serde::Deserialize;

/// Reads a header object, alone or with what `eth_getBlockBy..` adds to it. Other fields are passed
/// over: the hash binds those of the header, and a wrong `hash` is refused.
pub fn header_json(text: &[u8]) -> Result<Sealed<Header>, ReadError> {
    let claimed = json::<Claim>(text)?.hash;
    let header: Header = json(text)?;
    let computed = header.hash_slow();
    match claimed {
        Some(claimed) if claimed != computed => Err(ReadError::HeaderHash { computed, claimed }),
        _ => Ok(Sealed::new_unchecked(header, computed)),
    }
}

#[derive(Deserialize)]
struct Claim {
    hash: Option<B256>,
}
