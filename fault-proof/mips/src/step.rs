//! One step: the order of things in it, ll and sc, and what it means for the stacks (op-stack C4, C5; peers.md 6).
//!
//! Start with [`step`]; the caller ends it with [`reschedule`]. Both know nothing of how memory and stacks are kept.
//!
//! **Invariant:** the same code runs a guest, records a proof and verifies one.

use crate::{
    bits::{low, word},
    bus::{Bus, Event},
    error::{Cause, Exit},
    isa::{Code, Op, execute},
    register::RegisterFile,
    state::{Reservation, Scalars},
    syscall,
    thread::{Stack, Thread},
};

/// Steps after which a thread gives way.
pub(crate) const QUANTUM: u64 = 100_000;

/// What a step works on, next to the bus.
pub(crate) struct Core<'a> {
    pub(crate) scalars: &'a mut Scalars,
    /// The active thread, taken off its stack.
    pub(crate) thread: &'a mut Thread,
    /// Whether it is the only one.
    pub(crate) alone: bool,
    /// Scratch space.
    pub(crate) file: &'a mut RegisterFile,
}

/// What becomes of the active thread.
#[derive(Debug)]
pub(crate) enum Switch {
    /// It stays on top.
    Stay,
    /// It goes to the other stack, because it said so.
    Yield,
    /// It goes to the other stack, because its time is up.
    Preempt,
    /// A new thread goes on top of it.
    Spawn(Box<Thread>),
    /// It had exited and is gone.
    Drop,
}

/// Makes one step. After an error the caller drops what `core` has become.
pub(crate) fn step<B: Bus>(core: &mut Core<'_>, bus: &mut B) -> Result<Switch, Exit> {
    if core.scalars.exited {
        return Ok(Switch::Stay);
    }
    core.scalars.step = core.scalars.step.wrapping_add(1);
    if core.thread.exited {
        return Ok(Switch::Drop);
    }
    if core.scalars.steps_since_switch >= QUANTUM {
        // The step counts, but no instruction is executed in it.
        return Ok(Switch::Preempt);
    }
    core.scalars.steps_since_switch = core.scalars.steps_since_switch.wrapping_add(1);
    if core.thread.pc & 3 != 0 {
        return Err(Exit::Trap(Cause::UnalignedPc));
    }
    let op = Op::decode(bus.fetch(core.thread.pc)?);
    match op.code {
        Code::Syscall => return syscall::call(core, bus),
        Code::Ll | Code::Lld => load_linked(core, op, bus)?,
        Code::Sc | Code::Scd => store_conditional(core, op, bus)?,
        _ => {
            let mut cpu = core.thread.cpu();
            if op.code.is_transfer() {
                cpu.outside_delay_slot()?;
            }
            core.file.load(&core.thread.registers);
            let target = execute(|| cpu.pc, &mut cpu.products, core.file, op, bus)?;
            core.file.save(&mut core.thread.registers);
            cpu.advance();
            cpu.next_pc = target.unwrap_or(cpu.next_pc);
            core.thread.set_cpu(cpu);
        }
    }
    Ok(Switch::Stay)
}

/// Puts the thread where it belongs: `rest` is the active stack without it, `other` the other one.
pub(crate) fn reschedule<S: Stack>(
    scalars: &mut Scalars,
    thread: Thread,
    switch: Switch,
    rest: &mut S,
    other: &mut S,
) -> Result<(), Exit> {
    if !matches!(switch, Switch::Stay) {
        scalars.steps_since_switch = 0;
    }
    match switch {
        Switch::Stay => rest.push(thread),
        Switch::Spawn(child) => {
            rest.push(thread);
            rest.push(*child);
        }
        Switch::Yield | Switch::Preempt => {
            other.push(thread);
            scalars.traverse_right ^= rest.is_empty();
        }
        Switch::Drop => {
            if rest.is_empty() && other.is_empty() {
                return Err(Exit::Trap(Cause::NoThread));
            }
            scalars.traverse_right ^= rest.is_empty();
        }
    }
    Ok(())
}

/// The address, and the status a reservation of this width has (op-stack C5).
fn link(core: &mut Core<'_>, op: Op) -> (u64, u8) {
    core.file.load(&core.thread.registers);
    let distance = i64::from(op.immediate).cast_unsigned();
    let wide = matches!(op.code, Code::Lld | Code::Scd);
    (core.file.at(op.rs).wrapping_add(distance), if wide { 2 } else { 1 })
}

fn load_linked<B: Bus>(core: &mut Core<'_>, op: Op, bus: &mut B) -> Result<(), Exit> {
    let (address, status) = link(core, op);
    let value = match op.code {
        Code::Ll => word(u32::from_be_bytes(bus.load(address)?)),
        _ => u64::from_be_bytes(bus.load(address)?),
    };
    let (thread, step) = (core.thread.id, core.scalars.step);
    *bus.reservation() = Reservation { status, address, owner: thread };
    bus.note(Event::Linked { thread, step });
    finish(core, op, value);
    Ok(())
}

fn store_conditional<B: Bus>(core: &mut Core<'_>, op: Op, bus: &mut B) -> Result<(), Exit> {
    let (address, status) = link(core, op);
    let (thread, step) = (core.thread.id, core.scalars.step);
    let reservation = *bus.reservation();
    let stored = reservation == Reservation { status, address, owner: thread };
    if stored {
        let value = core.file.at(op.rt);
        // Cleared first: this store is no loss of the reservation.
        *bus.reservation() = Reservation::default();
        match op.code {
            Code::Sc => bus.store(address, low(value).to_be_bytes())?,
            _ => bus.store(address, value.to_be_bytes())?,
        }
    }
    bus.note(Event::Conditional { thread, step, stored });
    finish(core, op, u64::from(stored));
    Ok(())
}

/// Writes the result register and goes on.
fn finish(core: &mut Core<'_>, op: Op, value: u64) {
    core.file.set(op.rd, value);
    core.file.save(&mut core.thread.registers);
    let mut cpu = core.thread.cpu();
    cpu.advance();
    core.thread.set_cpu(cpu);
}
