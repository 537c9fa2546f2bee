//! The whole state of a VM, its witness and its hash (op-stack C1).
//!
//! Start with [`State`]; [`State::witness`] is what the chain sees of it.
//!
//! **Invariant:** state version 8 and no other: the witness is 188 bytes, the state file follows peers.md section 3.

use crate::{
    codec::{Decoder, Encoder},
    hash::{Digest, PairHasher, Scalar, keccak256},
    memory::Memory,
    thread::{StackRoot, Thread},
};

/// The state version of this VM ("multithreaded64-5").
pub const VERSION: u8 = 8;
/// Where mmap hands out memory from.
pub(crate) const HEAP_START: u64 = 0x1000_0000_0000;
/// Size of a witness.
const WITNESS_BYTES: usize = 32 + 32 + 8 + 8 + (1 + 8 + 8) + 2 + 8 + 8 + 1 + 32 + 32 + 8;
const _: () = assert!(WITNESS_BYTES == 188, "the layout of state version 8");

/// A memory word reserved by ll or lld (op-stack C5).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reservation {
    /// 0 none, 1 by ll, 2 by lld.
    pub status: u8,
    /// The address as given, low bits and all.
    pub address: u64,
    /// The thread that holds it.
    pub owner: u64,
}

impl Reservation {
    /// Whether a store to the address hits the reserved word. With no reservation that is word 0, as in the Go peer.
    pub(crate) const fn covers(&self, address: u64) -> bool {
        self.address >> 3 == address >> 3
    }
}

/// Everything of a state but memory, threads, reservation and hint buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scalars {
    /// The key the guest wrote last.
    pub preimage_key: [u8; 32],
    /// How far it read, the 8-byte length included.
    pub preimage_offset: u64,
    /// Where the next mmap goes.
    pub heap: u64,
    /// What the guest gave to its last exit.
    pub exit_code: u8,
    /// Whether it is over.
    pub exited: bool,
    /// Steps made.
    pub step: u64,
    /// Steps of the active thread since it became active.
    pub steps_since_switch: u64,
    /// Which stack is active.
    pub traverse_right: bool,
    /// The id the next thread gets.
    pub next_thread_id: u64,
}

/// A state of the VM.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The guest's memory.
    pub memory: Memory,
    /// Counters, keys and flags.
    pub scalars: Scalars,
    /// What ll and lld reserved.
    pub reservation: Reservation,
    /// Threads of the left stack, bottom first.
    pub left: Vec<Thread>,
    /// Threads of the right stack, bottom first.
    pub right: Vec<Thread>,
    /// Hint bytes that do not make a whole hint yet; no part of the witness.
    pub last_hint: Vec<u8>,
}

impl State {
    /// One thread at `pc`, empty memory.
    pub fn initial(pc: u64) -> Self {
        let thread = Thread { pc, next_pc: pc.wrapping_add(4), ..Thread::default() };
        let scalars = Scalars { heap: HEAP_START, next_thread_id: 1, ..Scalars::default() };
        Self { scalars, left: vec![thread], ..Self::default() }
    }

    /// The thread that makes the next step.
    pub fn thread(&self) -> Option<&Thread> {
        if self.scalars.traverse_right { self.right.last() } else { self.left.last() }
    }

    /// The active stack and the other one.
    pub(crate) fn stacks(&mut self) -> (&mut Vec<Thread>, &mut Vec<Thread>) {
        if self.scalars.traverse_right {
            (&mut self.right, &mut self.left)
        } else {
            (&mut self.left, &mut self.right)
        }
    }

    /// The witness; hashes the memory that changed since the last one.
    pub fn witness(&mut self, hasher: &dyn PairHasher) -> Witness {
        let summary = Summary {
            memory_root: self.memory.root(hasher),
            scalars: self.scalars.clone(),
            reservation: self.reservation,
            left: StackRoot::of(&self.left),
            right: StackRoot::of(&self.right),
        };
        summary.encode()
    }

    /// The state hash, with the portable hasher.
    pub fn hash(&mut self) -> Digest {
        self.witness(&Scalar).hash()
    }
}

/// What a witness says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) memory_root: Digest,
    pub(crate) scalars: Scalars,
    pub(crate) reservation: Reservation,
    pub(crate) left: StackRoot,
    pub(crate) right: StackRoot,
}

impl Summary {
    pub(crate) fn encode(&self) -> Witness {
        let mut bytes = [0; WITNESS_BYTES];
        let mut out = Encoder(&mut bytes);
        let scalars = &self.scalars;
        out.put(self.memory_root);
        out.put(scalars.preimage_key);
        out.word(scalars.preimage_offset);
        out.word(scalars.heap);
        out.byte(self.reservation.status);
        out.word(self.reservation.address);
        out.word(self.reservation.owner);
        out.byte(scalars.exit_code);
        out.byte(u8::from(scalars.exited));
        out.word(scalars.step);
        out.word(scalars.steps_since_switch);
        out.byte(u8::from(scalars.traverse_right));
        out.put(self.left.0);
        out.put(self.right.0);
        out.word(scalars.next_thread_id);
        debug_assert!(out.0.is_empty(), "the layout is filled");
        Witness(bytes)
    }

    pub(crate) fn decode(witness: &Witness) -> Option<Self> {
        let mut fields = Decoder(&witness.0);
        let mut scalars = Scalars::default();
        let memory_root = fields.take()?;
        scalars.preimage_key = fields.take()?;
        scalars.preimage_offset = fields.word()?;
        scalars.heap = fields.word()?;
        let reservation =
            Reservation { status: fields.byte()?, address: fields.word()?, owner: fields.word()? };
        scalars.exit_code = fields.byte()?;
        scalars.exited = fields.flag()?;
        scalars.step = fields.word()?;
        scalars.steps_since_switch = fields.word()?;
        scalars.traverse_right = fields.flag()?;
        let (left, right) = (StackRoot(fields.take()?), StackRoot(fields.take()?));
        scalars.next_thread_id = fields.word()?;
        Some(Self { memory_root, scalars, reservation, left, right })
    }
}

/// The state as the chain sees it: 188 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Witness(pub [u8; WITNESS_BYTES]);

impl Witness {
    /// The state hash: keccak256 with the status in its first byte.
    pub fn hash(&self) -> Digest {
        let mut digest = keccak256(&self.0);
        if let Some(first) = digest.first_mut() {
            *first = self.status();
        }
        digest
    }

    /// 3 while the guest runs; once it exited 0 for code 0, 1 for code 1, else 2.
    pub fn status(&self) -> u8 {
        match Summary::decode(self).map(|it| (it.scalars.exited, it.scalars.exit_code)) {
            Some((true, code)) => code.min(2),
            _ => 3,
        }
    }
}
