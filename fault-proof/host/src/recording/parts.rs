//! What stands in a line of each file, and its checks.
//!
//! **Invariant:** a value that leaves this module fits the hash that names it. Blobs are the exception: they are
//! checked when they are read.

use super::{L1Block, LineFault, RecordedBlock, RecordedSafeHead, RecordingError, lines::Line};
use alloy_consensus::{Header, Sealable};
use alloy_primitives::{B256, Bytes};
use opal_execute::ordered_root;
use opal_types::{BlockId, L1Flavour};
use serde::Deserialize;

/// Bytes of a blob.
const BLOB_SIZE: usize = 131_072;
/// First byte of the hashes of KZG commitments (EIP-4844).
const VERSION_KZG: u8 = 1;

/// A line of `l1.jsonl` and `l1-orphans.jsonl`. Further fields repeat what the block says.
#[derive(Deserialize)]
pub(super) struct L1Line {
    number: u64,
    hash: B256,
    block: Bytes,
    receipts: Vec<Bytes>,
}

impl L1Line {
    /// The receipts of an orphan may be absent: L1 nodes do not keep them.
    pub(super) fn check(
        self,
        flavour: L1Flavour,
        is_orphan: bool,
        line: &Line<'_>,
    ) -> Result<L1Block, RecordingError> {
        let parts = super::split_block(&self.block);
        let parts = parts.map_err(|error| line.fault("block", LineFault::Rlp(error)))?;
        let header = flavour.decode_header(&parts.header);
        let header = header.map_err(|error| line.fault("block", error.into()))?;
        same_block(line, (self.number, self.hash), (header.number, header.hash))?;
        same_root(line, "block", "transactions", header.transactions_root, &parts.transactions)?;
        let is_absent = is_orphan && self.receipts.is_empty() && !parts.transactions.is_empty();
        if !is_absent {
            same_root(line, "receipts", "receipts", header.receipts_root, &self.receipts)?;
        }
        Ok(L1Block {
            header,
            header_rlp: parts.header,
            transactions: parts.transactions,
            receipts: (!is_absent).then_some(self.receipts),
        })
    }
}

fn same_block(
    line: &Line<'_>,
    (number, hash): (u64, B256),
    found: (u64, B256),
) -> Result<(), RecordingError> {
    if hash != found.1 {
        return Err(line.fault("hash", LineFault::Hash { claimed: hash, computed: found.1 }));
    }
    if number != found.0 {
        return Err(line.fault("number", LineFault::Number { claimed: number, found: found.0 }));
    }
    Ok(())
}

fn same_root(
    line: &Line<'_>,
    field: &str,
    what: &'static str,
    claimed: B256,
    list: &[Bytes],
) -> Result<(), RecordingError> {
    let computed = ordered_root(list.iter().cloned());
    if claimed != computed {
        return Err(line.fault(field, LineFault::Root { what, claimed, computed }));
    }
    Ok(())
}

/// A line of `l1-timeline.jsonl`.
#[derive(Deserialize)]
pub(super) struct TimelineLine {
    pub(super) hash: B256,
}

/// A line of `blobs.jsonl`.
#[derive(Deserialize)]
pub(super) struct BlobLine {
    versioned_hash: B256,
    data: Bytes,
}

impl BlobLine {
    /// The blob with the zeros that the line leaves out.
    pub(super) fn padded(self, line: &Line<'_>) -> Result<(B256, Bytes), RecordingError> {
        let length = self.data.len();
        if length > BLOB_SIZE {
            return Err(line.fault("data", LineFault::BlobLength(length)));
        }
        let mut data = self.data.to_vec();
        data.resize(BLOB_SIZE, 0);
        Ok((self.versioned_hash, data.into()))
    }
}

/// The versioned hash of a blob's commitment; `None` if the bytes are no field elements.
pub(super) fn versioned_hash(blob: &[u8]) -> Option<B256> {
    let blob = c_kzg::Blob::from_bytes(blob).ok()?;
    let commitment = c_kzg::ethereum_kzg_settings(0).blob_to_kzg_commitment(&blob).ok()?;
    let mut hash = sha256(commitment.to_bytes().as_slice());
    hash[0] = VERSION_KZG;
    Some(hash.into())
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

/// A line of `l2.jsonl`.
#[derive(Deserialize)]
pub(super) struct L2Line {
    number: u64,
    hash: B256,
    block: Bytes,
    receipts: Vec<Bytes>,
    l1_origin: IdPart,
    seq: u64,
    message_passer_storage_root: B256,
    output_root: B256,
}

#[derive(Clone, Copy, Deserialize)]
struct IdPart {
    hash: B256,
    number: u64,
}

impl From<IdPart> for BlockId {
    fn from(part: IdPart) -> Self {
        Self { number: part.number, hash: part.hash }
    }
}

impl L2Line {
    pub(super) fn check(self, line: &Line<'_>) -> Result<RecordedBlock, RecordingError> {
        let rlp = |error| line.fault("block", LineFault::Rlp(error));
        let parts = super::split_block(&self.block).map_err(rlp)?;
        let header: Header = alloy_rlp::decode_exact(&parts.header).map_err(rlp)?;
        let header = header.seal_slow();
        same_block(line, (self.number, self.hash), (header.number, header.hash()))?;
        let receipts = self.receipts.iter().map(super::receipt::split_receipt);
        let receipts: Result<Vec<_>, _> = receipts.collect();
        let malformed = |error| line.fault("receipts", LineFault::Receipt(error));
        let (receipts, deposit_nonces): (Vec<_>, _) =
            receipts.map_err(malformed)?.into_iter().unzip();
        same_root(line, "block", "transactions", header.transactions_root, &parts.transactions)?;
        same_root(line, "receipts", "receipts", header.receipts_root, &receipts)?;
        Ok(RecordedBlock {
            header,
            transactions: parts.transactions,
            receipts,
            deposit_nonces,
            l1_origin: self.l1_origin.into(),
            sequence_number: self.seq,
            message_passer_root: self.message_passer_storage_root,
            output_root: self.output_root,
        })
    }
}

/// A line of `safe.jsonl`: a result, or an error where no block was safe yet.
#[derive(Deserialize)]
pub(super) struct SafeLine {
    pub(super) l1: u64,
    result: Option<SafePart>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct SafePart {
    l1_block: IdPart,
    safe_head: IdPart,
}

impl SafeLine {
    pub(super) fn safe_head(self, line: &Line<'_>) -> Result<RecordedSafeHead, RecordingError> {
        match (self.result, self.error) {
            (Some(safe), None) => Ok(Some((safe.l1_block.into(), safe.safe_head.into()))),
            (None, Some(_)) => Ok(None),
            _ => Err(line.fault(".", LineFault::NoResult)),
        }
    }
}
