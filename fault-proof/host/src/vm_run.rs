//! One run of a guest image in the VM: what it said, how it ended, what it cost.
//!
//! Start with [`VmRun::of`].
//!
//! **Invariant:** the exit code counts only when the program came to its end.

use crate::{Verdict, VmFigures};
use alloy_primitives::B256;
use opal_mips::{
    Io, Output, PreimageOracle, Stop, Stream, Until, Vm, VmError,
    elf::{self, ElfError},
};
use opal_program::OracleError;
use std::{str, time::Instant};

/// Steps between two calls of the progress function: a few of them each second.
const SLICE: u64 = 50_000_000;

/// Most bytes kept of what the program says on each stream.
const MAX_OUTPUT_BYTES: usize = 1 << 16;

/// See the module.
#[derive(Debug)]
pub(crate) struct VmRun {
    pub(crate) said: Said,
    pub(crate) seconds: f64,
    pub(crate) figures: VmFigures,
    ended: Result<(), VmError>,
}

impl VmRun {
    /// Runs to the end. `progress` hears the number of steps made so far.
    pub(crate) fn of(
        image: &[u8],
        oracle: &mut dyn PreimageOracle,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Self, ElfError> {
        let mut vm = Vm::new(elf::load(image)?.state);
        let mut said = Said::default();
        let started = Instant::now();
        let ended = run(&mut vm, &mut Io { oracle, output: &mut said }, progress);
        let seconds = started.elapsed().as_secs_f64();
        let scalars = &vm.state().scalars;
        let (steps, exit_code) = (scalars.step, scalars.exited.then_some(scalars.exit_code));
        let figures = VmFigures {
            steps,
            steps_per_second: steps as f64 / seconds.max(1e-9),
            exit_code,
            state_hash: B256::from(vm.witness().hash()),
        };
        Ok(Self { said, seconds, figures, ended })
    }

    /// Row F6: 0 and 1 are for the caller to judge, anything else is no verdict.
    pub(crate) fn exit(&self) -> Result<u8, Verdict> {
        match (&self.ended, self.figures.exit_code) {
            (Err(error), _) => Err(without_end(error)),
            (Ok(()), Some(code @ (0 | 1))) => Ok(code),
            (Ok(()), code) => Err(self.odd_exit(code)),
        }
    }

    /// The verdict where the program's words and its exit code do not give another one.
    pub(crate) fn odd_exit(&self, code: Option<u8>) -> Verdict {
        let code = code.map_or_else(|| "no exit code".into(), |it| format!("exit code {it}"));
        let reason = self.said.fact("reason").unwrap_or_else(|| self.said.complaint());
        undetermined(format!("the program in the VM ended with {code}: {reason}"))
    }
}

fn run(vm: &mut Vm, io: &mut Io<'_>, progress: &mut dyn FnMut(u64)) -> Result<(), VmError> {
    loop {
        let until = Until { step: vm.step_count().saturating_add(SLICE), preimage: false };
        if vm.run(until, io)? == Stop::Exited {
            return Ok(());
        }
        progress(vm.step_count());
    }
}

fn without_end(error: &VmError) -> Verdict {
    let absent = match error {
        VmError::Oracle { source, .. } => source.downcast_ref::<OracleError>(),
        _ => None,
    };
    match absent {
        Some(absent) => {
            Verdict::Undetermined { reason: absent.to_string(), missing_key: Some(absent.key().0) }
        }
        None => undetermined(format!("the VM stopped: {error}")),
    }
}

pub(crate) const fn undetermined(reason: String) -> Verdict {
    Verdict::Undetermined { reason, missing_key: None }
}

/// What the program said: facts on standard output, complaints on standard error.
#[derive(Debug, Default)]
pub(crate) struct Said {
    facts: Vec<u8>,
    complaints: Vec<u8>,
}

impl Said {
    /// The value of the line `name value`.
    pub(crate) fn fact<T: str::FromStr>(&self, name: &str) -> Option<T> {
        self.facts_of(name).next()?.parse().ok()
    }

    /// The values of all lines `name value`.
    pub(crate) fn facts_of<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let text = str::from_utf8(&self.facts).unwrap_or_default();
        text.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
    }

    fn complaint(&self) -> String {
        let text = String::from_utf8_lossy(&self.complaints);
        if text.trim().is_empty() { "it says nothing".into() } else { text.trim().to_owned() }
    }
}

impl Output for Said {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let kept = match stream {
            Stream::Stdout => &mut self.facts,
            Stream::Stderr => &mut self.complaints,
        };
        let room = MAX_OUTPUT_BYTES.saturating_sub(kept.len());
        kept.extend(bytes.iter().take(room));
    }
}
