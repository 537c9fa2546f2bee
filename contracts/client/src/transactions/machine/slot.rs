//! One nonce and what is tried on it.
//!
//! **Invariant:** every hash that was ever sent with the nonce is looked for until one of them is confirmed.

use super::{Candidate, CandidateId, FILLER_GAS, Fees, Inclusion, RETRY_MS};
use alloy_primitives::{B256, Bytes, U256};

/// Bytes of a blob.
const BLOB_BYTES: usize = crate::kzg::BLOB_BYTES;
/// Most forms of one transaction that are looked for. Raising by a tenth each, fees grow by 400 in between.
const MAX_HASHES: usize = 64;

/// Where a slot's transaction is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Not known to be in a pool.
    New,
    /// In a pool.
    Taken,
    /// In a block.
    Included(Inclusion),
}

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    /// `None` = it only fills a gap.
    pub(super) id: Option<CandidateId>,
    /// What is sent; nothing to nobody once it is cancelled.
    pub(super) candidate: Candidate,
    pub(super) gas_limit: u64,
    pub(super) state: State,
    /// Its owner took it back.
    pub(super) cancelled: bool,
    /// It gave its nonce up; once that is used up, this begins again with another.
    pub(super) resumes: Option<Candidate>,
    /// The last offer.
    pub(super) fees: Fees,
    /// The next offer must pay more.
    pub(super) raise: bool,
    /// Some node may have it, whatever was answered.
    pub(super) may_be_taken: bool,
    /// When the last offer was taken.
    sent_ms: u64,
    pub(super) tried_ms: Option<u64>,
    pub(super) first_tried_ms: Option<u64>,
    own: Vec<B256>,
    cancels: Vec<B256>,
}

impl Slot {
    pub(super) fn new(id: CandidateId, candidate: Candidate, gas_limit: u64) -> Self {
        Self {
            id: Some(id),
            candidate,
            gas_limit,
            state: State::New,
            cancelled: false,
            resumes: None,
            fees: Fees::default(),
            raise: false,
            may_be_taken: false,
            sent_ms: 0,
            tried_ms: None,
            first_tried_ms: None,
            own: Vec::new(),
            cancels: Vec::new(),
        }
    }

    /// A slot that only uses up its nonce.
    pub(super) fn filler(has_blobs: bool) -> Self {
        let nobody = CandidateId(0);
        Self { id: None, ..Self::new(nobody, nothing(has_blobs), FILLER_GAS) }
    }

    pub(super) fn has_blobs(&self) -> bool {
        !self.candidate.blobs.is_empty()
    }

    /// Neither in a block nor given up.
    pub(super) fn is_pending(&self) -> bool {
        !matches!(self.state, State::Included(_))
    }

    /// Sends nothing in its place from now on, for more than it offered.
    pub(super) fn cancel(&mut self) {
        if !self.cancelled {
            self.cancelled = true;
            self.send_nothing(self.has_blobs());
        }
    }

    /// Later ones of the other kind are in the pool, which takes none of this kind before they are mined, and they wait for
    /// this nonce: it is used up by nothing, of their kind.
    pub(super) fn yield_nonce(&mut self) {
        let has_blobs = !self.has_blobs();
        let candidate = self.send_nothing(has_blobs);
        if self.id.is_some() && !self.cancelled {
            self.resumes.get_or_insert(candidate);
        }
    }

    /// Returns what it sent until now.
    fn send_nothing(&mut self, has_blobs: bool) -> Candidate {
        self.gas_limit = FILLER_GAS;
        self.raise = self.may_be_taken;
        self.tried_ms = None;
        std::mem::replace(&mut self.candidate, nothing(has_blobs))
    }

    /// Whether it sends something else than what its owner wants.
    pub(super) const fn sends_nothing(&self) -> bool {
        self.cancelled || self.resumes.is_some()
    }

    pub(super) fn note_hash(&mut self, hash: B256) {
        let list = if self.sends_nothing() { &mut self.cancels } else { &mut self.own };
        if !list.contains(&hash) {
            if list.len() >= MAX_HASHES {
                list.remove(0);
            }
            list.push(hash);
        }
    }

    /// Whether this is the candidate itself, not what cancels it.
    pub(super) fn is_own(&self, hash: B256) -> bool {
        self.own.contains(&hash)
    }

    pub(super) fn hashes(&self) -> impl Iterator<Item = B256> {
        self.own.iter().chain(&self.cancels).copied()
    }

    /// A node has it. Whether that is news.
    pub(super) fn taken(&mut self, now_ms: u64, is_raised: bool) -> bool {
        let is_new = is_raised || self.state == State::New;
        if is_new {
            self.sent_ms = now_ms;
        }
        if self.state == State::New {
            self.state = State::Taken;
        }
        self.may_be_taken = true;
        self.raise = false;
        is_new
    }

    /// It fell out of its block.
    pub(super) fn send_again(&mut self) {
        self.state = State::Taken;
        self.tried_ms = None;
    }

    /// Whether it is to be sent now. `is_absent` = the node's pool does not reach up to it.
    pub(super) fn is_due(&mut self, now_ms: u64, is_absent: bool, timeout_ms: u64) -> bool {
        let rested = |rest_ms| self.tried_ms.is_none_or(|it| now_ms.saturating_sub(it) >= rest_ms);
        match self.state {
            State::Included(_) => false,
            State::Taken if now_ms.saturating_sub(self.sent_ms) >= timeout_ms => {
                let is_due = rested(RETRY_MS);
                self.raise = true;
                is_due
            }
            // Pools tell late what they have, and blobs are long.
            State::Taken if is_absent && !self.raise => rested(RETRY_MS.max(timeout_ms / 8)),
            State::Taken => self.tried_ms.is_none() || self.raise && rested(RETRY_MS),
            State::New => rested(RETRY_MS),
        }
    }
}

/// A transaction that does nothing, of the kind that the account's others are.
fn nothing(has_blobs: bool) -> Candidate {
    let blobs = if has_blobs { vec![Bytes::from(vec![0; BLOB_BYTES])] } else { Vec::new() };
    Candidate { to: None, data: Bytes::new(), value: U256::ZERO, blobs, gas_limit: None }
}
