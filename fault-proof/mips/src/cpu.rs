//! The scalars of a running thread: program counters, and what multiplications and divisions leave.
//!
//! **Invariant:** a division by zero changes nothing.

use crate::error::{Cause, Exit};

/// The scalars of a running thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cpu {
    pub(crate) pc: u64,
    pub(crate) next_pc: u64,
    pub(crate) products: Products,
}

/// What multiplications and divisions leave.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Products {
    pub(crate) lo: u64,
    pub(crate) hi: u64,
}

impl Cpu {
    pub(crate) const fn advance(&mut self) {
        self.pc = self.next_pc;
        self.next_pc = self.next_pc.wrapping_add(4);
    }

    /// C8: branches and jumps want the plain order of instructions.
    pub(crate) fn outside_delay_slot(&self) -> Result<(), Exit> {
        if self.is_plain() {
            return Ok(());
        }
        Err(Exit::Trap(Cause::BranchInDelaySlot { next_pc: self.next_pc }))
    }

    /// Whether the next instruction follows the current one.
    pub(crate) const fn is_plain(&self) -> bool {
        self.next_pc == self.pc.wrapping_add(4)
    }
}

impl Products {
    #[inline(always)]
    pub(crate) const fn set_product(&mut self, product: u128) {
        self.lo = (product & 0xffff_ffff_ffff_ffff) as u64;
        self.hi = (product >> 64) as u64;
    }

    /// The quotient to LO, the remainder to HI.
    #[inline(always)]
    pub(crate) fn set_division(
        &mut self,
        quotient: Option<u64>,
        remainder: Option<u64>,
    ) -> Result<u64, Exit> {
        let (Some(quotient), Some(remainder)) = (quotient, remainder) else {
            return Err(Exit::Trap(Cause::DivisionByZero));
        };
        self.lo = quotient;
        self.hi = remainder;
        Ok(0)
    }
}
