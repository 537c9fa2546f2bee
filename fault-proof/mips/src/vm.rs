//! The VM: a state that runs.
//!
//! Start with [`Vm::run`], which goes fast, and [`Vm::step_with_proof`], which makes one step and proves it.
//!
//! **Invariant:** an error leaves the state as it was before the step that failed; the run can go on from there once
//! its cause is gone.

use crate::{
    bus::{Direct, Oracle, Recorder},
    code::CodeCache,
    error::{Cause, Exception, Exit, OracleError, VmError},
    fast::{Running, burst},
    hash::{PairHasher, Scalar},
    memory::PAGE_BYTES,
    proof::{Preimage, StepProof, assemble},
    register::RegisterFile,
    state::{State, Witness},
    stats::{Stats, Tracker},
    step::{Core, QUANTUM, Switch, reschedule, step},
    thread::{StackRoot, Thread},
};
use std::sync::Arc;

/// Where pre-images come from.
pub trait PreimageOracle {
    /// The guest says what it will ask for. Whatever was hinted may be forgotten.
    fn hint(&mut self, hint: &[u8]) -> Result<(), OracleError>;

    /// The pre-image of a key, without length prefix.
    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError>;
}

/// A guest's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// File descriptor 1.
    Stdout,
    /// File descriptor 2.
    Stderr,
}

/// Where a guest's output goes. What fails there is no concern of the guest's.
pub trait Output {
    /// Part of the stream, in order; one write of the guest may come in several.
    fn write(&mut self, stream: Stream, bytes: &[u8]);
}

/// An output that drops everything.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Output for Silent {
    fn write(&mut self, _stream: Stream, _bytes: &[u8]) {}
}

/// The world outside the VM.
#[expect(missing_debug_implementations, reason = "two trait objects")]
pub struct Io<'a> {
    /// Where pre-images come from.
    pub oracle: &'a mut dyn PreimageOracle,
    /// Where output goes.
    pub output: &'a mut dyn Output,
}

/// How far to run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Until {
    /// Stop in front of this step.
    pub step: u64,
    /// Stop behind a step that reads a pre-image.
    pub preimage: bool,
}

/// Why a run came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The step it should stop in front of is next.
    Step,
    /// The guest has exited; the state says with what.
    Exited,
    /// The last step read a pre-image: see [`Vm::last_preimage`].
    Preimage,
}

/// A virtual machine.
#[derive(Debug)]
pub struct Vm {
    state: State,
    hasher: Box<dyn PairHasher>,
    code: CodeCache,
    file: Box<RegisterFile>,
    oracle: Oracle,
    tracker: Tracker,
}

impl Vm {
    /// A VM in a state.
    pub fn new(state: State) -> Self {
        Self::with_hasher(state, Box::new(Scalar))
    }

    /// The same with another hasher of tree nodes.
    pub fn with_hasher(state: State, hasher: Box<dyn PairHasher>) -> Self {
        Self {
            state,
            hasher,
            code: CodeCache::default(),
            file: Box::new(RegisterFile::new()),
            oracle: Oracle::default(),
            tracker: Tracker::default(),
        }
    }

    /// Where it stands.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The state, for good.
    pub fn into_state(self) -> State {
        self.state
    }

    /// Steps made, from the beginning of the guest.
    pub const fn step_count(&self) -> u64 {
        self.state.scalars.step
    }

    /// The witness; hashes the memory that changed since the last one.
    pub fn witness(&mut self) -> Witness {
        self.state.witness(&*self.hasher)
    }

    /// The pre-image that the last step read, if it did.
    pub fn last_preimage(&self) -> Option<Preimage> {
        let (key, value) = self.oracle.last.as_ref()?;
        let offset = self.oracle.read_at?;
        Some(Preimage { key: *key, value: Arc::clone(value), offset })
    }

    /// Figures of the run.
    pub fn stats(&self) -> Stats {
        let pages = self.state.memory.page_count() as u64;
        Stats {
            pages,
            memory_used: pages.saturating_mul(PAGE_BYTES as u64),
            num_preimage_requests: self.oracle.requests,
            total_preimage_size: self.oracle.bytes,
            total_steps: self.state.scalars.step,
            ..self.tracker.stats
        }
    }

    /// Runs as far as told, or until the guest exits. Cheap to call again, so callers run in slices.
    pub fn run(&mut self, until: Until, io: &mut Io<'_>) -> Result<Stop, VmError> {
        self.oracle.read_at = None;
        loop {
            if self.state.scalars.exited {
                return Ok(Stop::Exited);
            }
            let left = until.step.saturating_sub(self.state.scalars.step);
            if left == 0 {
                return Ok(Stop::Step);
            }
            if self.run_fast(left) {
                continue;
            }
            self.step(io)?;
            if until.preimage && self.oracle.read_at.is_some() {
                return Ok(Stop::Preimage);
            }
        }
    }

    /// Makes one step. A guest that has exited stays where it is.
    pub fn step(&mut self, io: &mut Io<'_>) -> Result<(), VmError> {
        self.full_step(io, None).map(drop)
    }

    /// Makes one step and proves it.
    pub fn step_with_proof(&mut self, io: &mut Io<'_>) -> Result<StepProof, VmError> {
        let state_data = self.witness();
        let number = self.state.scalars.step;
        let (active, _) = self.state.stacks();
        let (thread, rest) = match active.split_last() {
            Some((top, rest)) => (top.clone(), StackRoot::of(rest)),
            None => return Err(self.failed(Exit::Trap(Cause::NoThread))),
        };
        let fetch = self.state.memory.proof(thread.pc, &*self.hasher);
        let mut proofs = [[0; _]; 2];
        self.full_step(io, Some(&mut proofs))?;
        let [first, second] = &proofs;
        Ok(StepProof {
            step: number,
            pre: state_data.hash(),
            post: self.witness().hash(),
            state_data,
            proof_data: assemble(&thread, rest, [&fetch, first, second]),
            preimage: self.last_preimage(),
        })
    }

    /// A burst of plain instructions; whether the run can go on without a full step.
    fn run_fast(&mut self, left: u64) -> bool {
        let scalars = &mut self.state.scalars;
        let budget = left.min(QUANTUM.saturating_sub(scalars.steps_since_switch));
        let stack =
            if scalars.traverse_right { &mut self.state.right } else { &mut self.state.left };
        let Some(thread) = stack.last_mut().filter(|it| !it.exited && budget > 0) else {
            return false;
        };
        if !thread.cpu().is_plain() {
            return false;
        }
        let memory = &mut self.state.memory;
        let Some(window) = self.code.window(thread.pc) else {
            return self.code.prepare(thread.pc, memory);
        };
        let mut cpu = thread.cpu();
        self.file.load(&thread.registers);
        let running = Running { cpu: &mut cpu, file: &mut self.file };
        let made = burst(running, window, memory, self.state.reservation.address, budget);
        self.file.save(&mut thread.registers);
        thread.set_cpu(cpu);
        scalars.step = scalars.step.wrapping_add(made);
        scalars.steps_since_switch = scalars.steps_since_switch.wrapping_add(made);
        // Out of the window or in front of what is not decoded: not a matter for a full step.
        made == budget || self.code.window(cpu.pc).is_none() && self.code.prepare(cpu.pc, memory)
    }

    /// One step over the state itself, with or without proofs of what it touches.
    fn full_step(
        &mut self,
        io: &mut Io<'_>,
        proofs: Option<&mut [[u8; crate::memory::PROOF_BYTES]; 2]>,
    ) -> Result<(), VmError> {
        let before = (self.state.scalars.clone(), self.state.reservation);
        let (active, other) = self.state.stacks();
        let alone = active.len() == 1 && other.is_empty();
        let Some(kept) = active.pop() else {
            return Err(self.failed(Exit::Trap(Cause::NoThread)));
        };
        let mut thread = kept.clone();
        let result = self
            .switch(&mut thread, alone, io, proofs)
            .and_then(|switch| self.reschedule(thread, switch, before.0.traverse_right));
        if let Err(exit) = result {
            (self.state.scalars, self.state.reservation) = before;
            self.state.stacks().0.push(kept);
            return Err(self.failed(exit));
        }
        // The write cache must not hold a page under reservation.
        self.state.memory.watch(self.state.reservation.address);
        Ok(())
    }

    /// The step itself, for a thread taken off its stack.
    fn switch(
        &mut self,
        thread: &mut Thread,
        alone: bool,
        io: &mut Io<'_>,
        proofs: Option<&mut [[u8; crate::memory::PROOF_BYTES]; 2]>,
    ) -> Result<Switch, Exit> {
        self.oracle.read_at = None;
        let state = &mut self.state;
        let mut direct = Direct {
            memory: &mut state.memory,
            code: &mut self.code,
            reservation: &mut state.reservation,
            last_hint: &mut state.last_hint,
            oracle: &mut self.oracle,
            tracker: &mut self.tracker,
            io,
        };
        let mut core = Core { scalars: &mut state.scalars, thread, alone, file: &mut self.file };
        let Some(proofs) = proofs else { return step(&mut core, &mut direct) };
        let mut recorder = Recorder::new(direct, &*self.hasher);
        let switch = step(&mut core, &mut recorder)?;
        *proofs = recorder.proofs;
        Ok(switch)
    }

    /// Puts the thread back on a stack.
    fn reschedule(&mut self, thread: Thread, switch: Switch, right: bool) -> Result<(), Exit> {
        let State { scalars, left, right: right_stack, .. } = &mut self.state;
        let (rest, other) = if right { (right_stack, left) } else { (left, right_stack) };
        let forced = matches!(switch, Switch::Preempt);
        let yielded = forced || matches!(switch, Switch::Yield);
        reschedule(scalars, thread, switch, rest, other)?;
        if forced {
            self.tracker.preempted();
        }
        if yielded && let Some(active) = self.state.thread() {
            self.tracker.activated(active.id, self.state.scalars.step);
        }
        Ok(())
    }

    /// What a caller hears of a step that was not made.
    fn failed(&self, exit: Exit) -> VmError {
        let step = self.state.scalars.step;
        let cause = match exit {
            Exit::Trap(cause) => cause,
            Exit::Oracle(source) => return VmError::Oracle { step, source },
            Exit::OutOfMemory { pages } => return VmError::OutOfMemory { step, pages },
            Exit::WriteTooLong { bytes, limit } => {
                return VmError::WriteTooLong { step, bytes, limit };
            }
            // A full step leaves nothing to others and needs no proof.
            Exit::Leave | Exit::Unproven(_) => Cause::InvalidInstruction,
        };
        let pc = self.state.thread().map_or(0, |it| it.pc);
        let word = u32::from_be_bytes(self.state.memory.load(pc));
        let instruction = if pc & 3 == 0 { word } else { 0 };
        VmError::Exception(Exception { step, pc, instruction, cause })
    }
}
