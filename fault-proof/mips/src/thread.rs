//! A guest thread and the hash onion of a stack of threads (op-stack C2).
//!
//! **Invariant:** a thread is 298 bytes wherever it is written: state file, proof, hash.

use crate::{
    codec::{Decoder, Encoder},
    cpu::{Cpu, Products},
    hash::{Digest, join, keccak256},
};

/// Size of an encoded thread.
pub(crate) const THREAD_BYTES: usize = 8 + 1 + 1 + 4 * 8 + 32 * 8;
const _: () = assert!(THREAD_BYTES == 298, "the layout of state version 8");

/// One thread of the guest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Thread {
    /// Its number, never used twice.
    pub id: u64,
    /// What it gave to exit.
    pub exit_code: u8,
    /// Whether it called exit; the next step in which it is active removes it.
    pub exited: bool,
    /// The instruction it executes next.
    pub pc: u64,
    /// The one after that; not pc + 4 in a delay slot.
    pub next_pc: u64,
    /// Low half of products, quotients.
    pub lo: u64,
    /// High half of products, remainders.
    pub hi: u64,
    /// General registers; what a state says about register 0 is kept.
    pub registers: [u64; 32],
}

impl Thread {
    pub(crate) fn encode(&self) -> [u8; THREAD_BYTES] {
        let mut bytes = [0; THREAD_BYTES];
        let mut out = Encoder(&mut bytes);
        out.word(self.id);
        out.byte(self.exit_code);
        out.byte(u8::from(self.exited));
        for word in [self.pc, self.next_pc, self.lo, self.hi].iter().chain(&self.registers) {
            out.word(*word);
        }
        debug_assert!(out.0.is_empty(), "the layout is filled");
        bytes
    }

    pub(crate) fn decode(bytes: &[u8; THREAD_BYTES]) -> Option<Self> {
        let mut fields = Decoder(bytes);
        let mut thread = Self {
            id: fields.word()?,
            exit_code: fields.byte()?,
            exited: fields.flag()?,
            pc: fields.word()?,
            next_pc: fields.word()?,
            lo: fields.word()?,
            hi: fields.word()?,
            registers: [0; 32],
        };
        for register in &mut thread.registers {
            *register = fields.word()?;
        }
        Some(thread)
    }

    pub(crate) const fn cpu(&self) -> Cpu {
        Cpu { pc: self.pc, next_pc: self.next_pc, products: Products { lo: self.lo, hi: self.hi } }
    }

    pub(crate) const fn set_cpu(&mut self, cpu: Cpu) {
        self.pc = cpu.pc;
        self.next_pc = cpu.next_pc;
        self.lo = cpu.products.lo;
        self.hi = cpu.products.hi;
    }

    /// The register with a number of the calling convention.
    pub(crate) const fn register(&self, register: Abi) -> u64 {
        let [_, _, v0, _, a0, a1, a2, ..] = self.registers;
        match register {
            Abi::V0 => v0,
            Abi::A0 => a0,
            Abi::A1 => a1,
            Abi::A2 => a2,
        }
    }

    /// What the guest finds after a system call: r2 and r7.
    pub(crate) const fn set_reply(&mut self, value: u64, error: u64) {
        let [_, _, v0, _, _, _, _, a3, ..] = &mut self.registers;
        *v0 = value;
        *a3 = error;
    }

    pub(crate) const fn set_stack_pointer(&mut self, address: u64) {
        let [.., stack_pointer, _, _] = &mut self.registers;
        *stack_pointer = address;
    }
}

/// Registers that system calls use.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Abi {
    V0,
    A0,
    A1,
    A2,
}

/// A stack without its top thread, as a scheduler sees it: threads in the VM, a root in a replay.
pub(crate) trait Stack {
    fn push(&mut self, thread: Thread);
    fn is_empty(&self) -> bool;
}

impl Stack for Vec<Thread> {
    fn push(&mut self, thread: Thread) {
        self.push(thread);
    }

    fn is_empty(&self) -> bool {
        self.is_empty()
    }
}

/// The hash onion of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StackRoot(pub(crate) Digest);

impl StackRoot {
    /// keccak256 of 64 zero bytes.
    pub(crate) const EMPTY: Self = Self([
        0xad, 0x32, 0x28, 0xb6, 0x76, 0xf7, 0xd3, 0xcd, 0x42, 0x84, 0xa5, 0x44, 0x3f, 0x17, 0xf1,
        0x96, 0x2b, 0x36, 0xe4, 0x91, 0xb3, 0x0a, 0x40, 0xb2, 0x40, 0x58, 0x49, 0xe5, 0x97, 0xba,
        0x5f, 0xb5,
    ]);

    /// The root of a stack, bottom first.
    pub(crate) fn of(threads: &[Thread]) -> Self {
        threads.iter().fold(Self::EMPTY, |root, thread| root.with(thread))
    }

    /// The root with one more thread on top.
    pub(crate) fn with(self, thread: &Thread) -> Self {
        Self(join(&self.0, &keccak256(&thread.encode())))
    }
}

impl Stack for StackRoot {
    fn push(&mut self, thread: Thread) {
        *self = self.with(&thread);
    }

    fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }
}
