//! A block header as an untrusted RPC server answers it.
//!
//! **Invariant:** a header leaves here only with the hash of its own fields, and without gaps between them.

use super::{ReadError, json};
use alloy_consensus::{Header, Sealed};
use alloy_primitives::B256;
use serde::Deserialize;

/// Reads a header object, alone or with what `eth_getBlockBy..` adds to it. Other fields are passed
/// over: the hash binds those of the header, and a wrong `hash` is refused.
pub fn header_json(text: &[u8]) -> Result<Sealed<Header>, ReadError> {
    let claimed = json::<Claim>(text)?.hash;
    let header: Header = json(text)?;
    without_gap(&header)?;
    let computed = header.hash_slow();
    match claimed {
        Some(claimed) if claimed != computed => Err(ReadError::HeaderHash { computed, claimed }),
        _ => Ok(Sealed::new_unchecked(header, computed)),
    }
}

/// Each fork appended fields: one that is absent ends the header.
pub(super) fn without_gap(header: &Header) -> Result<(), ReadError> {
    let fields = [
        ("baseFeePerGas", header.base_fee_per_gas.is_some()),
        ("withdrawalsRoot", header.withdrawals_root.is_some()),
        ("blobGasUsed", header.blob_gas_used.is_some()),
        ("excessBlobGas", header.excess_blob_gas.is_some()),
        ("parentBeaconBlockRoot", header.parent_beacon_block_root.is_some()),
        ("requestsHash", header.requests_hash.is_some()),
    ];
    for ((field, present), (later, later_present)) in fields.iter().zip(fields.iter().skip(1)) {
        if !present && *later_present {
            return Err(ReadError::HeaderGap { field, later });
        }
    }
    Ok(())
}

#[derive(Deserialize)]
struct Claim {
    hash: Option<B256>,
}
