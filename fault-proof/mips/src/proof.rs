//! The proof of one step and its verification without the state (op-stack C10; peers.md section 2).
//!
//! Start with [`StepProof`].
//!
//! **Invariant:** a proof is 6,090 bytes and its unused slots are zero.

use crate::{
    bus::Replay,
    codec::{Decoder, Encoder},
    error::{Cause, Exit},
    hash::Digest,
    memory::PROOF_BYTES,
    register::RegisterFile,
    state::{Summary, Witness},
    step::{Core, reschedule, step},
    thread::{StackRoot, THREAD_BYTES, Thread},
};

/// Thread, root of the rest of its stack, proofs of the instruction and of two memory words.
pub(crate) const STEP_PROOF_BYTES: usize = THREAD_BYTES + 32 + 3 * PROOF_BYTES;
const _: () = assert!(STEP_PROOF_BYTES == 6090, "the layout of state version 8");

/// A pre-image that a step read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preimage {
    /// Its key.
    pub key: [u8; 32],
    /// The pre-image, without its 8-byte length prefix.
    pub value: std::sync::Arc<[u8]>,
    /// Where the step read it; counts the prefix.
    pub offset: u64,
}

impl Preimage {
    /// The pre-image behind its length, as the step JSON and the contract have it.
    pub fn with_prefix(&self) -> Vec<u8> {
        [&(self.value.len() as u64).to_be_bytes(), &*self.value].concat()
    }
}

/// All that is needed to make one step elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepProof {
    /// Number of the step: the step counter before it.
    pub step: u64,
    /// State hash before.
    pub pre: Digest,
    /// State hash after.
    pub post: Digest,
    /// Witness of the state before.
    pub state_data: Witness,
    /// The proof bytes.
    pub proof_data: Box<[u8; STEP_PROOF_BYTES]>,
    /// What it read, if anything.
    pub preimage: Option<Preimage>,
}

/// Which part of a proof does not prove what the step needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    /// Bytes of a layout are missing.
    #[error("layout")]
    Layout,
    /// Thread and rest do not make the active stack.
    #[error("the thread is not on top of the active stack")]
    Thread,
    /// The instruction's leaf is not in the memory.
    #[error("the proof of the instruction at {pc:#x} does not lead to the memory root")]
    Fetch {
        /// Where the thread stands.
        pc: u64,
    },
    /// The first word's leaf is not in the memory.
    #[error("the proof of the word at {address:#x} does not lead to the memory root")]
    FirstAccess {
        /// The address.
        address: u64,
    },
    /// The second word's leaf is not in the memory.
    #[error("the proof of the second word at {address:#x} does not lead to the memory root")]
    SecondAccess {
        /// The address.
        address: u64,
    },
    /// A word that no proof is for.
    #[error("no proof is for the word at {address:#x}")]
    Access {
        /// The address.
        address: u64,
    },
    /// Another pre-image or offset than the step reads, or none.
    #[error("the step reads a pre-image at offset {offset} that was not given")]
    Preimage {
        /// The key it reads.
        key: [u8; 32],
        /// Where it reads.
        offset: u64,
    },
}

/// Why a step is not proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The proof does not fit the witness.
    #[error("unproven: {0}")]
    Unproven(#[from] Unproven),
    /// The step has no state after it.
    #[error("the step is an exception: {0}")]
    Exception(Cause),
    /// The witness has another hash than the proof says.
    #[error("state hash before the step is {}, proof says {}", Hex(actual), Hex(claimed))]
    WrongPre {
        /// Of the witness.
        actual: Digest,
        /// Of the proof.
        claimed: Digest,
    },
    /// The step leads elsewhere.
    #[error("state hash after the step is {}, proof says {}", Hex(actual), Hex(claimed))]
    WrongPost {
        /// Of the state after the step.
        actual: Digest,
        /// Of the proof.
        claimed: Digest,
    },
}

/// 0x and hex digits.
pub(crate) struct Hex<'a>(pub(crate) &'a [u8]);

impl std::fmt::Display for Hex<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "0x")?;
        self.0.iter().try_for_each(|byte| write!(out, "{byte:02x}"))
    }
}

impl StepProof {
    /// Makes the step from witness and proof alone and compares both hashes.
    pub fn verify(&self) -> Result<(), VerifyError> {
        let (actual, claimed) = (self.state_data.hash(), self.pre);
        if actual != claimed {
            return Err(VerifyError::WrongPre { actual, claimed });
        }
        let after = replay(&self.state_data, &self.proof_data, self.preimage.as_ref())?;
        let (actual, claimed) = (after.hash(), self.post);
        if actual != claimed {
            return Err(VerifyError::WrongPost { actual, claimed });
        }
        Ok(())
    }
}

/// The witness after the step that starts at a witness, from proof and pre-image alone, as the contract computes it.
///
/// Whether the pre-image belongs to its key is for the caller to know.
pub fn replay(
    witness: &Witness,
    proof: &[u8; STEP_PROOF_BYTES],
    preimage: Option<&Preimage>,
) -> Result<Witness, VerifyError> {
    let summary = Summary::decode(witness).ok_or(Unproven::Layout)?;
    let parts = Parts::split(proof).ok_or(Unproven::Layout)?;
    let Summary { memory_root, mut scalars, reservation, left, right } = summary;
    let (active, mut other) = if scalars.traverse_right { (right, left) } else { (left, right) };
    let Parts { mut thread, mut rest, proofs } = parts;
    if rest.with(&thread) != active {
        return Err(Unproven::Thread.into());
    }
    let mut bus = Replay::new(memory_root, reservation, proofs, preimage);
    let was_right = scalars.traverse_right;
    let alone = rest == StackRoot::EMPTY && other == StackRoot::EMPTY;
    let mut file = RegisterFile::new();
    let mut core = Core { scalars: &mut scalars, thread: &mut thread, alone, file: &mut file };
    let switch = step(&mut core, &mut bus).map_err(refused)?;
    reschedule(&mut scalars, thread, switch, &mut rest, &mut other).map_err(refused)?;
    let (left, right) = if was_right { (other, rest) } else { (rest, other) };
    let (memory_root, reservation) = (bus.root, bus.reservation);
    Ok(Summary { memory_root, scalars, reservation, left, right }.encode())
}

/// The parts of a proof.
struct Parts<'a> {
    thread: Thread,
    rest: StackRoot,
    proofs: [&'a [u8; PROOF_BYTES]; 3],
}

impl<'a> Parts<'a> {
    fn split(proof: &'a [u8; STEP_PROOF_BYTES]) -> Option<Self> {
        let mut fields = Decoder(proof);
        let thread = Thread::decode(&fields.take()?)?;
        let rest = StackRoot(fields.take()?);
        let (proofs, _) = proof.split_last_chunk::<{ 3 * PROOF_BYTES }>()?.1.as_chunks();
        let [fetch, first, second] = proofs else { return None };
        Some(Self { thread, rest, proofs: [fetch, first, second] })
    }
}

/// The proof bytes from their parts.
pub(crate) fn assemble(
    thread: &Thread,
    rest: StackRoot,
    proofs: [&[u8; PROOF_BYTES]; 3],
) -> Box<[u8; STEP_PROOF_BYTES]> {
    let mut bytes = Box::new([0; STEP_PROOF_BYTES]);
    let mut out = Encoder(&mut *bytes);
    out.put(thread.encode());
    out.put(rest.0);
    for proof in proofs {
        out.put(*proof);
    }
    debug_assert!(out.0.is_empty(), "the layout is filled");
    bytes
}

fn refused(exit: Exit) -> VerifyError {
    match exit {
        Exit::Trap(cause) => VerifyError::Exception(cause),
        Exit::Unproven(unproven) => VerifyError::Unproven(unproven),
        // A replay has no oracle, makes no page and leaves no step to anybody.
        Exit::Leave | Exit::Oracle(_) | Exit::OutOfMemory { .. } | Exit::WriteTooLong { .. } => {
            VerifyError::Unproven(Unproven::Layout)
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for StepProof {
    /// The step JSON of `cannon run --proof-fmt`, fields in its order.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeMap as _;
        let hex = |bytes: &[u8]| Hex(bytes).to_string();
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("step", &self.step)?;
        map.serialize_entry("pre", &hex(&self.pre))?;
        map.serialize_entry("post", &hex(&self.post))?;
        map.serialize_entry("state-data", &hex(&self.state_data.0))?;
        map.serialize_entry("proof-data", &hex(&*self.proof_data))?;
        if let Some(preimage) = &self.preimage {
            map.serialize_entry("oracle-key", &hex(&preimage.key))?;
            map.serialize_entry("oracle-value", &hex(&preimage.with_prefix()))?;
            if preimage.offset != 0 {
                map.serialize_entry("oracle-offset", &preimage.offset)?;
            }
        }
        map.end()
    }
}
