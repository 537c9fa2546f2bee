//! What derivation may ask, and what it can be told.
//!
//! Every request but [`Request::L1Header`] names its answer by hash, so an answer never goes stale. The one
//! by number is the only way in which L1 reorgs enter, and they are noticed by parent hashes (T39).
//!
//! **Invariant:** a fact is kept only while it answers the open question or one asked before it in the same
//! step; all others change nothing. So the table stays small, and order and repetition do not matter.

use alloc::{collections::BTreeMap, vec::Vec};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealed};
use opal_types::{BLOB_SIZE, L1Header};

/// A question. The answer is the [`Fact`] of the same name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Request {
    /// The canonical L1 header at this height.
    L1Header {
        /// Height.
        number: u64,
    },
    /// All transactions of an L1 block, in order.
    L1Transactions {
        /// Hash of the block.
        block: B256,
    },
    /// All receipts of an L1 block, in order.
    L1Receipts {
        /// Hash of the block.
        block: B256,
    },
    /// Blobs that an L1 block carries, in the order of the hashes.
    Blobs {
        /// Hash of the block.
        block: B256,
        /// Timestamp of the block, seconds: beacon nodes know it by its slot.
        timestamp: u64,
        /// Versioned hashes, each once for each time it is wanted.
        hashes: Vec<B256>,
    },
    /// Who signed.
    Signer {
        /// What was signed.
        hash: B256,
        /// r, s and the parity of y (0 or 1).
        signature: [u8; 65],
    },
    /// How the L2 block with this hash begins.
    L2Block {
        /// Hash of the block.
        hash: B256,
    },
    /// How the ancestor of an L2 block at this height begins; it may be that block itself.
    L2Ancestor {
        /// Hash of the block whose chain is meant.
        descendant: B256,
        /// Height of the ancestor.
        number: u64,
    },
    /// All transactions of an L2 block, in order.
    L2Transactions {
        /// Hash of the block.
        block: B256,
    },
}

/// Beginning of an L2 block: all that tells its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct L2Block {
    /// Header with its hash.
    pub header: Sealed<Header>,
    /// EIP-2718 encoded; `None` in a block without transactions, as the chain's first may be.
    pub first_transaction: Option<Bytes>,
}

impl L2Block {
    pub(crate) fn first_transaction(&self) -> &[u8] {
        self.first_transaction.as_ref().map_or(&[], |raw| raw.as_ref())
    }
}

/// An answer. Who supplies it has checked it against the hashes in the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The header, or `None` where L1 ends before that height.
    L1Header(Option<L1Header>),
    /// EIP-2718 encoded transactions.
    L1Transactions(Vec<Bytes>),
    /// Consensus-encoded receipts.
    L1Receipts(Vec<Bytes>),
    /// The blobs, 131,072 bytes each.
    Blobs(Vec<Bytes>),
    /// The signer, or `None` where the signature is nobody's.
    Signer(Option<Address>),
    /// The block.
    L2Block(L2Block),
    /// The block.
    L2Ancestor(L2Block),
    /// EIP-2718 encoded transactions.
    L2Transactions(Vec<Bytes>),
}

/// Why a fact was not taken. The question stays open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FactError {
    /// The fact has another kind than the request.
    #[error("the fact does not answer the request")]
    OtherKind,
    /// A block at another height or with another hash.
    #[error("the fact is about another block than the request")]
    OtherBlock,
    /// One blob for each hash is wanted (T38).
    #[error("{found} blobs were supplied for {wanted} hashes")]
    BlobCount {
        /// Hashes in the request.
        wanted: usize,
        /// Blobs supplied.
        found: usize,
    },
    /// A blob has one size.
    #[error("a blob of {length} bytes was supplied, not {BLOB_SIZE}")]
    BlobLength {
        /// Length found.
        length: usize,
    },
}

/// Refuses a fact that cannot be the answer, as far as can be seen without hashing.
fn check(request: &Request, fact: &Fact) -> Result<(), FactError> {
    let same = |is_same: bool| is_same.then_some(()).ok_or(FactError::OtherBlock);
    match (request, fact) {
        (Request::L1Header { number }, Fact::L1Header(header)) => {
            same(header.as_ref().is_none_or(|it| it.number == *number))
        }
        (Request::L1Transactions { .. }, Fact::L1Transactions(_))
        | (Request::L1Receipts { .. }, Fact::L1Receipts(_))
        | (Request::L2Transactions { .. }, Fact::L2Transactions(_))
        | (Request::Signer { .. }, Fact::Signer(_)) => Ok(()),
        (Request::Blobs { hashes, .. }, Fact::Blobs(blobs)) => {
            let (wanted, found) = (hashes.len(), blobs.len());
            if wanted != found {
                return Err(FactError::BlobCount { wanted, found });
            }
            let odd = blobs.iter().map(|it| it.len()).find(|length| *length != BLOB_SIZE);
            odd.map_or(Ok(()), |length| Err(FactError::BlobLength { length }))
        }
        (Request::L2Block { hash }, Fact::L2Block(block)) => same(block.header.hash() == *hash),
        (Request::L2Ancestor { descendant, number }, Fact::L2Ancestor(block)) => {
            let is_child = block.header.parent_hash == *descendant;
            same(block.header.number == *number && !is_child)
        }
        _ => Err(FactError::OtherKind),
    }
}

/// Why a stage stops.
#[derive(Debug)]
pub(crate) enum Pause {
    /// A fact is missing; the stage runs again when it is there.
    Need(Request),
    /// Everything that L1 gave so far is used up.
    OutOfData,
    /// Something was done; ask again.
    Again,
    /// The chain does not fit L1 any more.
    Reset(crate::note::ResetReason),
    /// Nobody can go on.
    Halt(crate::Fault),
}

/// Facts of the current step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    known: BTreeMap<Request, Fact>,
    wanted: Option<Request>,
}

/// Takes the answer of one kind out of the table, or asks for it.
macro_rules! answers {
    ($($name:ident($kind:ident) -> $type:ty;)*) => {$(
        pub(crate) fn $name(&mut self, request: Request) -> Result<&$type, Pause> {
            if !matches!(self.known.get(&request), Some(Fact::$kind(_))) {
                self.wanted = Some(request.clone());
                return Err(Pause::Need(request));
            }
            match self.known.get(&request) {
                Some(Fact::$kind(value)) => Ok(value),
                _ => Err(Pause::Need(request)),
            }
        }
    )*};
}

impl Facts {
    answers! {
        l1_header(L1Header) -> Option<L1Header>;
        l1_transactions(L1Transactions) -> Vec<Bytes>;
        l1_receipts(L1Receipts) -> Vec<Bytes>;
        blobs(Blobs) -> Vec<Bytes>;
        signer(Signer) -> Option<Address>;
        l2_block(L2Block) -> L2Block;
        l2_ancestor(L2Ancestor) -> L2Block;
        l2_transactions(L2Transactions) -> Vec<Bytes>;
    }

    /// Keeps the fact if it answers the open question.
    pub(crate) fn supply(&mut self, request: &Request, fact: Fact) -> Result<(), FactError> {
        check(request, &fact)?;
        if self.wanted.as_ref() == Some(request) {
            self.wanted = None;
            self.known.insert(request.clone(), fact);
        }
        Ok(())
    }

    /// Forgets everything: what was asked for is used.
    pub(crate) fn clear(&mut self) {
        self.known.clear();
        self.wanted = None;
    }
}
