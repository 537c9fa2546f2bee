//! The fast loop: predecoded instructions, cached pages, nothing else.
//!
//! Start with [`burst`]. It stops in front of whatever is not plain: system calls, ll and sc, stores to predecoded pages
//! or to the reserved word, exceptions. The full step does that one.
//!
//! **Invariant:** after a burst the state is what as many full steps would have made of it.

use crate::{
    bus::Access,
    code::Window,
    error::Exit,
    isa::{Cpu, execute},
    memory::Memory,
    register::RegisterFile,
};

/// Memory by way of the translation caches.
struct Fast<'a> {
    memory: &'a mut Memory,
    /// Address of the reservation, which does not change in here.
    reserved: u64,
}

impl Access for Fast<'_> {
    #[inline(always)]
    fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        Ok(self.memory.load_cached(address))
    }

    #[inline(always)]
    fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        self.memory.store_cached(address, bytes, self.reserved)
    }
}

/// The thread that runs.
pub(crate) struct Running<'a> {
    pub(crate) cpu: &'a mut Cpu,
    pub(crate) file: &'a mut RegisterFile,
}

/// Makes at most `steps` steps, none of them a scheduler's; returns how many it made.
pub(crate) fn burst(
    running: Running<'_>,
    window: &Window,
    memory: &mut Memory,
    reserved: u64,
    steps: u64,
) -> u64 {
    let Running { cpu: kept, file } = running;
    let mut cpu = *kept;
    let mut bus = Fast { memory, reserved };
    let (base, ops) = (window.base(), window.ops());
    let mut left = steps;
    while left > 0 {
        let Some(op) = ops.get(Window::place(base, cpu.pc)) else { break };
        if execute(&mut cpu, file, *op, &mut bus).is_err() {
            break;
        }
        left = left.wrapping_sub(1);
    }
    *kept = cpu;
    steps.wrapping_sub(left)
}
