//! The register file of the fast loop: indexed by one byte, so that no bounds check is left.
//!
//! **Invariant:** register 32 is a sink: what an instruction would write to register 0 goes there, and nothing reads it.

/// The number of a register as an instruction names it, or the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Register(u8);

impl Register {
    /// The link register.
    pub(crate) const RA: Self = Self(31);
    /// Where writes to register 0 go.
    pub(crate) const SINK: Self = Self(32);

    /// The register whose number stands in the lowest five bits.
    pub(crate) const fn source(bits: u32) -> Self {
        Self((bits & 31) as u8)
    }

    /// The same as a destination: register 0 is never written.
    pub(crate) const fn target(bits: u32) -> Self {
        let register = Self::source(bits);
        if register.0 == 0 { Self::SINK } else { register }
    }
}

/// All registers. The length is that of the index type, which makes every index legal.
#[derive(Clone, Debug)]
pub(crate) struct RegisterFile([u64; 256]);

impl RegisterFile {
    pub(crate) const fn new() -> Self {
        Self([0; 256])
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the index type has as many values as the array")]
    pub(crate) const fn at(&self, register: Register) -> u64 {
        self.0[register.0 as usize]
    }

    #[inline(always)]
    #[expect(clippy::indexing_slicing, reason = "the index type has as many values as the array")]
    pub(crate) const fn set(&mut self, register: Register, value: u64) {
        self.0[register.0 as usize] = value;
    }

    /// Takes over a thread's registers.
    pub(crate) fn load(&mut self, registers: &[u64; 32]) {
        if let Some(file) = self.0.first_chunk_mut() {
            *file = *registers;
        }
    }

    /// Hands the registers back to a thread.
    pub(crate) fn save(&self, registers: &mut [u64; 32]) {
        if let Some(file) = self.0.first_chunk() {
            *registers = *file;
        }
    }
}
