//! The bus of a step that is verified: nothing but a memory root and proofs, as on chain (op-stack C10).
//!
//! **Invariant:** no byte is believed that the root does not prove.

use super::{Access, Bus, Chunk};
use crate::{
    error::{Cause, Exit},
    hash::{Digest, join},
    memory::PROOF_BYTES,
    proof::{Preimage, Unproven},
    state::Reservation,
    vm::Stream,
};

/// Number of the last word of memory.
const LAST_WORD: u64 = u64::MAX >> 3;

/// A word whose proof was checked.
struct Opened<'a> {
    word: u64,
    leaf: Digest,
    proof: &'a [u8; PROOF_BYTES],
}

/// A replaying bus.
pub(crate) struct Replay<'a> {
    pub(crate) root: Digest,
    pub(crate) reservation: Reservation,
    pub(crate) fetch_proof: &'a [u8; PROOF_BYTES],
    pub(crate) proofs: [&'a [u8; PROOF_BYTES]; 2],
    pub(crate) preimage: Option<&'a Preimage>,
    opened: Option<Opened<'a>>,
}

impl<'a> Replay<'a> {
    pub(crate) const fn new(
        root: Digest,
        reservation: Reservation,
        [fetch_proof, first, second]: [&'a [u8; PROOF_BYTES]; 3],
        preimage: Option<&'a Preimage>,
    ) -> Self {
        Self { root, reservation, fetch_proof, proofs: [first, second], preimage, opened: None }
    }

    /// Checks the proof of the leaf around an address, unless it is the one checked last.
    fn open(&mut self, address: u64) -> Result<&mut Opened<'a>, Exit> {
        let word = address >> 3;
        let [first, second] = self.proofs;
        let opened = match self.opened.take() {
            Some(opened) if opened.word == word => opened,
            // Only clock_gettime touches a second word: the next one. Behind the last word comes the first.
            Some(opened) if opened.word.wrapping_add(1) & LAST_WORD != word => {
                return Err(Exit::Unproven(Unproven::Access { address }));
            }
            before => {
                let (proof, unproven) = match before {
                    None => (first, Unproven::FirstAccess { address }),
                    Some(_) => (second, Unproven::SecondAccess { address }),
                };
                let leaf = check(self.root, address, proof).ok_or(Exit::Unproven(unproven))?;
                Opened { word, leaf, proof }
            }
        };
        Ok(self.opened.insert(opened))
    }
}

impl Access for Replay<'_> {
    fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        Ok(part(&self.open(address)?.leaf, address))
    }

    fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        let opened = self.open(address)?;
        if let Some(place) = opened.leaf.as_chunks_mut().0.get_mut(place::<N>(address)) {
            *place = bytes;
        }
        self.root = climb(opened.leaf, address, opened.proof);
        if self.reservation.covers(address) {
            self.reservation = Reservation::default();
        }
        Ok(())
    }
}

impl Bus for Replay<'_> {
    fn fetch(&mut self, pc: u64) -> Result<u32, Exit> {
        let leaf = check(self.root, pc, self.fetch_proof);
        let leaf = leaf.ok_or(Exit::Unproven(Unproven::Fetch { pc }))?;
        Ok(u32::from_be_bytes(part(&leaf, pc)))
    }

    fn reservation(&mut self) -> &mut Reservation {
        &mut self.reservation
    }

    fn preimage(&mut self, key: &[u8; 32], offset: u64) -> Result<Chunk, Exit> {
        let preimage = self.preimage.filter(|it| it.key == *key && it.offset == offset);
        let preimage = preimage.ok_or(Exit::Unproven(Unproven::Preimage { key: *key, offset }))?;
        let length = (preimage.value.len() as u64).saturating_add(8);
        let chunk = Chunk::of(&preimage.value, offset);
        chunk.ok_or(Exit::Trap(Cause::PreimageOffset { offset, length }))
    }

    fn output(&mut self, _stream: Stream, _address: u64, _count: u64) -> Result<(), Exit> {
        Ok(())
    }

    fn hint(&mut self, _address: u64, _count: u64) -> Result<(), Exit> {
        Ok(())
    }
}

/// Which of the leaf's `N`-byte parts an address lies in.
const fn place<const N: usize>(address: u64) -> usize {
    ((address & 31) as usize) >> N.trailing_zeros()
}

fn part<const N: usize>(leaf: &Digest, address: u64) -> [u8; N] {
    leaf.as_chunks().0.get(place::<N>(address)).copied().unwrap_or([0; N])
}

/// The leaf of a proof, if the proof leads to the root.
fn check(root: Digest, address: u64, proof: &[u8; PROOF_BYTES]) -> Option<Digest> {
    let leaf = *proof.first_chunk()?;
    (climb(leaf, address, proof) == root).then_some(leaf)
}

/// The root over a leaf and the siblings of a proof.
fn climb(leaf: Digest, address: u64, proof: &[u8; PROOF_BYTES]) -> Digest {
    let mut path = address >> 5;
    let mut node = leaf;
    for sibling in proof.as_chunks().0.iter().skip(1) {
        node = if path & 1 == 0 { join(&node, sibling) } else { join(sibling, &node) };
        path >>= 1;
    }
    node
}
