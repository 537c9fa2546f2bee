//! `opal cannon run`: runs a state, with proofs and snapshots on the way.
//!
//! The order in front of one step is the original's: info, stop, snapshot, proof and step.
//!
//! **Invariant:** between two steps at which something happens the VM runs at full speed.

use super::{Failure, guest_log::GuestLog, output, path_or_none, pattern::Pattern};
use crate::command::complain;
use clap::Args;
use opal_host::HostProcess;
use opal_mips::{Io, OracleError, PreimageOracle, Stop, Until, Vm, VmError, file};
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    sync::Arc,
    time::Instant,
};

/// Runs a state to its end or to a step, and writes the state there.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE)]
pub(crate) struct Options {
    /// State to start from.
    #[arg(long, default_value = "state.bin.gz", value_name = "STATE")]
    input: PathBuf,
    /// State to write at the end; empty for none.
    #[arg(long, default_value = "out.bin.gz", value_name = "STATE", value_parser = path_or_none())]
    output: PathBuf,
    /// Steps to prove.
    #[arg(long, default_value = "never", value_name = "PATTERN")]
    proof_at: Pattern,
    /// File of a proof; %d is the step.
    #[arg(long, default_value = "proof-%d.json", value_name = "PATH")]
    proof_fmt: String,
    /// Steps in front of which the state is written.
    #[arg(long, default_value = "never", value_name = "PATTERN")]
    snapshot_at: Pattern,
    /// File of a snapshot; %d is the step.
    #[arg(long, default_value = "state-%d.bin.gz", value_name = "PATH")]
    snapshot_fmt: String,
    /// Step to stop in front of.
    #[arg(long, default_value = "never", value_name = "PATTERN")]
    stop_at: Pattern,
    /// Steps at which progress is reported.
    #[arg(long, default_value = "%1000000000", value_name = "PATTERN")]
    info_at: Pattern,
    /// JSON file of the guest's symbols; must exist unless empty.
    #[arg(long, default_value = "meta.json", value_name = "JSON", value_parser = path_or_none())]
    meta: PathBuf,
    /// Pre-image server to start, with its arguments.
    #[arg(last = true, value_name = "HOST")]
    host: Vec<OsString>,
}

const EXAMPLE: &str = "Patterns: never, always, =N (one step), %N (each multiple).

Example (prints the state hash in front of step 1000000):
  opal cannon run --input state.bin.gz --meta '' --stop-at =1000000 --output at.bin.gz
  opal cannon witness --input at.bin.gz";

/// Runs.
pub(super) fn run(options: &Options) -> Result<(), Failure> {
    if !options.meta.as_os_str().is_empty() && !options.meta.is_file() {
        let path = options.meta.display();
        return Err(Failure::Io(format!(
            "meta file {path} does not exist: name the one that load-elf wrote, or pass --meta ''"
        )));
    }
    let state = file::load(&options.input).map_err(|error| Failure::Io(error.to_string()))?;
    let mut vm = Vm::new(state);
    let mut host = match options.host.split_first() {
        Some((program, arguments)) => {
            let host = HostProcess::start(program, arguments);
            Some(host.map_err(|error| Failure::Io(error.to_string()))?)
        }
        None => None,
    };
    let mut no_host = NoHost;
    let oracle: &mut dyn PreimageOracle = match &mut host {
        Some(host) => host,
        None => &mut no_host,
    };
    let mut log = GuestLog::default();
    let result = drive(&mut vm, options, &mut Io { oracle, output: &mut log });
    log.finish();
    if let Some(host) = host
        && let Err(error) = host.finish()
    {
        complain(&format!("pre-image server could not be awaited: {error}"));
    }
    result?;
    if options.output.as_os_str().is_empty() {
        return Ok(());
    }
    file::save(vm.state(), &options.output).map_err(|error| Failure::Io(error.to_string()))
}

fn drive(vm: &mut Vm, options: &Options, io: &mut Io<'_>) -> Result<(), Failure> {
    let started = Instant::now();
    let first = vm.step_count();
    while !vm.state().scalars.exited {
        let step = vm.step_count();
        if options.info_at.matches(step) {
            inform(vm, step.saturating_sub(first), started);
        }
        if options.stop_at.matches(step) {
            break;
        }
        if options.snapshot_at.matches(step) {
            let path = numbered(&options.snapshot_fmt, step);
            file::save(vm.state(), Path::new(&path))
                .map_err(|error| Failure::Io(error.to_string()))?;
        }
        if options.proof_at.matches(step) {
            let proof = vm.step_with_proof(io).map_err(failure)?;
            output::json_file(Path::new(&numbered(&options.proof_fmt, step)), &proof)?;
            continue;
        }
        let until = Until { step: next_event(options, step), preimage: false };
        match vm.run(until, io).map_err(failure)? {
            Stop::Step | Stop::Exited | Stop::Preimage => {}
        }
    }
    Ok(())
}

/// The first step behind this one at which something happens.
fn next_event(options: &Options, step: u64) -> u64 {
    let patterns = [options.info_at, options.stop_at, options.snapshot_at, options.proof_at];
    let after = step.saturating_add(1);
    patterns.into_iter().filter_map(|it| it.next(after)).min().unwrap_or(u64::MAX)
}

fn numbered(format: &str, step: u64) -> String {
    format.replacen("%d", &step.to_string(), 1)
}

fn inform(vm: &Vm, made: u64, started: Instant) {
    let stats = vm.stats();
    let per_second = made as f64 / started.elapsed().as_secs_f64().max(1e-9);
    let pc = vm.state().thread().map_or(0, |it| it.pc);
    complain(&format!(
        "step {} pc {pc:#x} at {per_second:.0} steps/s, {} pages, {} MiB",
        stats.total_steps,
        stats.pages,
        stats.memory_used >> 20
    ));
}

fn failure(error: VmError) -> Failure {
    match error {
        VmError::Exception(exception) => Failure::VmPanic(format!("VM exception: {exception}")),
        VmError::Oracle { step, source } if source.is::<NoPreimage>() => {
            Failure::VmPanic(format!("at step {step}: {source}"))
        }
        other => Failure::Io(other.to_string()),
    }
}

/// Without a host hints are ignored and a pre-image read is a panic, as in the original.
struct NoHost;

#[derive(Debug)]
struct NoPreimage {
    key: [u8; 32],
}

impl std::fmt::Display for NoPreimage {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let key = alloy_primitives::hex::encode_prefixed(self.key);
        write!(formatter, "the guest reads pre-image {key}, and no host was given after `--`")
    }
}

impl std::error::Error for NoPreimage {}

impl PreimageOracle for NoHost {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        Err(NoPreimage { key }.into())
    }
}
