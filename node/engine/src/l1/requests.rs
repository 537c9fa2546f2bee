//! Requests of an L1 block to the consensus layer (EIP-7685): deposits, withdrawals,
//! consolidations.
//!
//! **Invariant:** a list of requests holds no empty one, in the order of their types.

use super::Invalid;
use alloy_primitives::{Address, B256, Bytes, Log, address, b256};
use sha2::{Digest, Sha256};

/// Requests hash of a block without requests.
pub(super) const NONE: B256 =
    b256!("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
/// Contracts that are asked after the transactions, with the type of their requests (EIP-7002,
/// EIP-7251).
pub(super) const CONTRACTS: [(u8, Address); 2] = [
    (1, address!("00000961Ef480Eb55e80D19ad83579A64c007002")),
    (2, address!("0000BBdDc7CE488642fb579F8B00f3a590007251")),
];
/// DepositEvent(bytes,bytes,bytes,bytes,bytes).
const DEPOSIT_EVENT: B256 =
    b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");
/// Length of its data, and where in it the five fields lie: start, bytes.
const DEPOSIT_DATA: usize = 576;
const DEPOSIT_FIELDS: [(usize, usize); 5] = [(192, 48), (288, 32), (352, 8), (416, 96), (544, 8)];

/// What the header commits to.
pub(super) fn hash(requests: &[Bytes]) -> B256 {
    let mut all = Sha256::new();
    for request in requests {
        all.update(Sha256::digest(request));
    }
    B256::new(all.finalize().into())
}

/// The request of a type, if its data is not empty.
pub(super) fn request(kind: u8, data: &[u8]) -> Option<Bytes> {
    (!data.is_empty()).then(|| [&[kind], data].concat().into())
}

/// Deposits among the logs of a block, one after the other (EIP-6110).
pub(super) fn deposits<'a>(
    contract: Address,
    logs: impl Iterator<Item = &'a Log>,
) -> Result<Vec<u8>, Invalid> {
    let mut data = Vec::new();
    for log in logs {
        if log.address != contract || log.topics().first() != Some(&DEPOSIT_EVENT) {
            continue;
        }
        let event: &[u8] = &log.data.data;
        if event.len() != DEPOSIT_DATA || !is_laid_out(event) {
            return Err(Invalid::DepositLog(event.len()));
        }
        for (start, length) in DEPOSIT_FIELDS {
            data.extend_from_slice(&event[start..start + length]);
        }
    }
    Ok(data)
}

/// Whether offsets and lengths are those of the contract.
fn is_laid_out(event: &[u8]) -> bool {
    let word = |at: usize| -> Option<usize> {
        let (zeros, number) = event.get(at..at + 32)?.split_at(24);
        let number = u64::from_be_bytes(number.try_into().ok()?);
        zeros.iter().all(|byte| *byte == 0).then_some(usize::try_from(number).ok())?
    };
    DEPOSIT_FIELDS.iter().enumerate().all(|(index, (start, length))| {
        word(index * 32) == Some(start - 32) && word(start - 32) == Some(*length)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_requests_hash_to_sha256_of_nothing() {
        assert_eq!(hash(&[]), NONE);
    }
}
