//! The fast loop: predecoded instructions, cached pages, nothing else.
//!
//! Start with [`burst`]. It stops in front of whatever is not plain: system calls, ll and sc, stores to predecoded pages
//! or to the reserved word, exceptions. The full step does that one.
//!
//! **Invariant:** after a burst the state is what as many full steps would have made of it.

use crate::{
    bus::Access,
    code::Window,
    cpu::Cpu,
    error::Exit,
    isa::{Op, execute, execute_in_row},
    memory::Memory,
    register::RegisterFile,
};
use std::slice::Iter;

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
    /// In front of an instruction that the next one follows.
    pub(crate) cpu: &'a mut Cpu,
    pub(crate) file: &'a mut RegisterFile,
}

/// Makes at most `steps` steps, none of them a scheduler's; returns how many it made.
///
/// Instructions in a row are taken from a slice, so that only a taken branch has to think about pc and budget.
pub(crate) fn burst(
    running: Running<'_>,
    window: &Window,
    memory: &mut Memory,
    reserved: u64,
    steps: u64,
) -> u64 {
    let Running { cpu, file } = running;
    debug_assert!(cpu.is_plain(), "a burst starts outside delay slots");
    let (mut pc, mut products) = (cpu.pc, cpu.products);
    let mut delayed = None;
    let mut bus = Fast { memory, reserved };
    let (base, ops) = (window.base(), window.ops());
    let mut left = steps;
    'burst: loop {
        let rest = ops.get(Window::place(base, pc)..).unwrap_or_default();
        let length = usize::try_from(left).map_or(rest.len(), |it| it.min(rest.len()));
        let (row, _) = rest.split_at_checked(length).unwrap_or_default();
        let start = pc;
        let mut row = row.iter();
        let target = loop {
            let Some(op) = row.next() else {
                let made = length as u64;
                pc = start.wrapping_add(made.wrapping_mul(4));
                left = left.wrapping_sub(made);
                break 'burst;
            };
            // Asked for at the end of a row only: nothing is counted on the way.
            let made = |row: &Iter<'_, Op>| length.wrapping_sub(row.len()).wrapping_sub(1) as u64;
            let at = |row: &Iter<'_, Op>| start.wrapping_add(made(row).wrapping_mul(4));
            match execute_in_row(*op, &mut row, at, (&mut products, file), &mut bus) {
                Ok(None) => {}
                Ok(Some(target)) => {
                    pc = at(&row).wrapping_add(4);
                    left = left.wrapping_sub(made(&row)).wrapping_sub(1);
                    break target;
                }
                Err(_) => {
                    pc = at(&row);
                    left = left.wrapping_sub(made(&row));
                    break 'burst;
                }
            }
        };
        delayed = Some(target);
        let slot = row.next().filter(|it| !it.code.is_transfer());
        let Some(op) = slot else { break };
        let op = Op { code: op.code.single(), ..*op };
        if !matches!(execute(|| pc, &mut products, file, op, &mut bus), Ok(None)) {
            break;
        }
        delayed = None;
        (pc, left) = (target, left.wrapping_sub(1));
    }
    let next_pc = delayed.unwrap_or_else(|| pc.wrapping_add(4));
    *cpu = Cpu { pc, next_pc, products };
    steps.wrapping_sub(left)
}
