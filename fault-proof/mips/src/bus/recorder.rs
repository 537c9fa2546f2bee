//! The bus of a step that is to be proven: what [`Direct`] does, plus the memory proofs (op-stack C10).
//!
//! **Invariant:** the first proof is of the memory before the step; the second, of the word after, is taken once the
//! first is written, as the contract expects.

use super::{Access, Bus, Chunk, Direct, Event};
use crate::{error::Exit, hash::PairHasher, memory::PROOF_BYTES, state::Reservation, vm::Stream};

/// A recording bus.
pub(crate) struct Recorder<'a, 'io> {
    pub(crate) direct: Direct<'a, 'io>,
    pub(crate) hasher: &'a dyn PairHasher,
    accessed: Option<u64>,
    /// Unused slots stay zero.
    pub(crate) proofs: [[u8; PROOF_BYTES]; 2],
}

impl<'a, 'io> Recorder<'a, 'io> {
    pub(crate) const fn new(direct: Direct<'a, 'io>, hasher: &'a dyn PairHasher) -> Self {
        Self { direct, hasher, accessed: None, proofs: [[0; PROOF_BYTES]; 2] }
    }

    fn track(&mut self, address: u64) {
        let word = address >> 3;
        let [first, second] = &mut self.proofs;
        let slot = match self.accessed {
            None => first,
            Some(accessed) if accessed == word => return,
            Some(_) => second,
        };
        *slot = self.direct.memory.proof(address, self.hasher);
        self.accessed = Some(word);
    }
}

impl Access for Recorder<'_, '_> {
    fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        self.track(address);
        self.direct.load(address)
    }

    fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        self.track(address);
        self.direct.store(address, bytes)
    }
}

impl Bus for Recorder<'_, '_> {
    fn fetch(&mut self, pc: u64) -> Result<u32, Exit> {
        self.direct.fetch(pc)
    }

    fn reservation(&mut self) -> &mut Reservation {
        self.direct.reservation()
    }

    fn preimage(&mut self, key: &[u8; 32], offset: u64) -> Result<Chunk, Exit> {
        self.direct.preimage(key, offset)
    }

    fn output(&mut self, stream: Stream, address: u64, count: u64) -> Result<(), Exit> {
        self.direct.output(stream, address, count)
    }

    fn hint(&mut self, address: u64, count: u64) -> Result<(), Exit> {
        self.direct.hint(address, count)
    }

    fn note(&mut self, event: Event) {
        self.direct.note(event);
    }
}
