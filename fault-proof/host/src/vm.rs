//! Runs the block-execution program inside the VM, over a file of pre-images.
//!
//! Start with [`execute_in_vm`].
//!
//! **Invariant:** the VM's exit code decides only when the program came to its end; a pre-image that is not there stops
//! the VM, and the verdict is "could not be determined".

use crate::{PreimageFile, Report, Verdict, VmFigures, precompile};
use alloy_primitives::B256;
use opal_execute::Crypto;
use opal_mips::{Io, Output, PreimageOracle, Stop, Stream, Until, Vm, VmError, elf};
use opal_program::{BlockTask, Hint, HintKind, KeyKind, OracleError, PreimageKey};
use std::{str, sync::Arc, time::Instant};

/// Steps between two calls of the progress function: a few of them each second.
const SLICE: u64 = 50_000_000;

/// Most bytes kept of what the program says on each stream.
const MAX_OUTPUT_BYTES: usize = 1 << 16;

/// Decides the task by running `image` in the VM. `progress` hears the number of steps made so far.
pub fn execute_in_vm<C: Crypto>(
    image: &[u8],
    task: &BlockTask,
    file: &PreimageFile,
    crypto: &mut C,
    progress: &mut dyn FnMut(u64),
) -> Report {
    let mut report = Report::unread(String::new());
    report.block = task.parent.number.checked_add(1);
    report.expected_hash = Some(task.expected_hash);
    report.transactions = Some(task.attributes.transactions.len());
    let program = match elf::load(image) {
        Ok(program) => program,
        Err(error) => {
            report.verdict = undetermined(format!("the guest image cannot be loaded: {error}"));
            return report;
        }
    };
    let mut server = Server { task: task.encode().into(), file, crypto, answered: None, reads: 0 };
    let mut said = Said::default();
    let mut vm = Vm::new(program.state);
    let started = Instant::now();
    let ended = run(&mut vm, &mut Io { oracle: &mut server, output: &mut said }, progress);
    report.seconds = started.elapsed().as_secs_f64();
    report.preimages_read = server.reads;
    report.computed_hash = said.fact("computed_hash");
    report.gas_used = said.fact("gas_used");
    report.mgas_per_second = report.gas_used.map(|gas| gas as f64 / 1e6 / report.seconds.max(1e-9));
    let scalars = &vm.state().scalars;
    let (steps, exit_code) = (scalars.step, scalars.exited.then_some(scalars.exit_code));
    report.verdict = match ended {
        Ok(()) => verdict(exit_code, &said, task, report.computed_hash),
        Err(error) => without_end(&error),
    };
    report.vm = Some(VmFigures {
        steps,
        steps_per_second: steps as f64 / report.seconds.max(1e-9),
        exit_code,
        state_hash: B256::from(vm.witness().hash()),
    });
    report
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

/// Row F6: 0 valid, 1 invalid, anything else no verdict. "Valid" must come with the hash it is about.
fn verdict(
    exit_code: Option<u8>,
    said: &Said,
    task: &BlockTask,
    computed: Option<B256>,
) -> Verdict {
    let reason = said.fact::<String>("reason");
    match exit_code {
        Some(0) if computed == Some(task.expected_hash) => Verdict::Valid,
        Some(1) => Verdict::Invalid {
            field: said.fact("field").unwrap_or_else(|| "expected_block_hash".into()),
            reason: reason.unwrap_or_else(|| "the program gives no reason".into()),
        },
        code => {
            let code = code.map_or_else(|| "no exit code".into(), |it| format!("exit code {it}"));
            let reason = reason.unwrap_or_else(|| said.complaint());
            undetermined(format!("the program in the VM ended with {code}: {reason}"))
        }
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

const fn undetermined(reason: String) -> Verdict {
    Verdict::Undetermined { reason, missing_key: None }
}

/// Task, file and precompiles as the VM's oracle.
struct Server<'a, C> {
    task: Arc<[u8]>,
    file: &'a PreimageFile,
    crypto: &'a mut C,
    /// The last precompile that was hinted: the program reads it before it hints the next.
    answered: Option<(PreimageKey, Arc<[u8]>)>,
    reads: u64,
}

impl<C: Crypto> PreimageOracle for Server<'_, C> {
    fn hint(&mut self, hint: &[u8]) -> Result<(), opal_mips::OracleError> {
        let hint = Hint::decode(str::from_utf8(hint)?)?;
        if hint.kind == HintKind::L1Precompile {
            let answer = precompile::answer(&hint.payload, self.crypto)?;
            self.answered = Some((PreimageKey::precompile(&hint.payload), answer.into()));
        }
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, opal_mips::OracleError> {
        let key = PreimageKey(key.into());
        if key == BlockTask::key() {
            return Ok(Arc::clone(&self.task));
        }
        let absent = OracleError::Absent { key };
        if key.kind() == Some(KeyKind::Precompile) {
            let answer = self.answered.as_ref().filter(|(answered, _)| *answered == key);
            return Ok(answer.map(|(_, answer)| Arc::clone(answer)).ok_or(absent)?);
        }
        let value = self.file.get(key).ok_or(absent)?;
        self.reads = self.reads.saturating_add(1);
        Ok(Arc::from(value.as_ref()))
    }
}

/// What the program said: facts on standard output, complaints on standard error.
#[derive(Debug, Default)]
struct Said {
    facts: Vec<u8>,
    complaints: Vec<u8>,
}

impl Said {
    /// The value of the line `name value`.
    fn fact<T: str::FromStr>(&self, name: &str) -> Option<T> {
        let text = str::from_utf8(&self.facts).ok()?;
        let value = |line: &str| Some(line.strip_prefix(name)?.strip_prefix(' ')?.to_owned());
        text.lines().find_map(value)?.parse().ok()
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
