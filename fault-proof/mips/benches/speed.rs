//! Steps per second of the interpreter on the guests given as arguments: `cargo bench -p opal-mips -- a.elf b.elf`.
//!
//! **Invariant:** measures user CPU time where the system tells it, else wall time; whole runs without loading and
//! hashing, the best of three rounds. A round repeats a short guest until it outweighs the clock's ticks; such a figure
//! includes decoding each page for few executions.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use opal_mips::{Io, OracleError, PreimageOracle, Silent, Stop, Until, Vm, elf};
use std::{sync::Arc, time::Instant};

/// Answers by the rule of the vectors' guests: 100 bytes, counting up from the last byte of the key.
struct Counting;

impl PreimageOracle for Counting {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Ok(())
    }

    fn read(&mut self, key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        let [.., last] = key;
        Ok((0..100).map(|index: u8| last.wrapping_add(index)).collect())
    }
}

/// User CPU time of this process, in the 10 ms ticks of Linux; wall time elsewhere.
struct CpuTime {
    wall: Instant,
    user: Option<f64>,
}

impl CpuTime {
    fn now() -> Self {
        Self { wall: Instant::now(), user: user_seconds() }
    }

    fn elapsed_seconds(&self) -> f64 {
        match (self.user, user_seconds()) {
            (Some(before), Some(after)) if after > before => after - before,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

fn user_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let line = std::fs::read_to_string("/proc/self/stat").ok()?;
    // Fields are counted from behind the name in brackets: utime is the 14th of all.
    let ticks: f64 = line.rsplit_once(')')?.1.split_whitespace().nth(11)?.parse().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

/// Steps that make a round long against a tick.
const ROUND: u64 = 30_000_000;

/// Runs a guest to its end and returns the number of its steps.
fn run(path: &str, vm: &mut Vm) -> u64 {
    let mut io = Io { oracle: &mut Counting, output: &mut Silent };
    let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io);
    assert!(matches!(stop, Ok(Stop::Exited)), "{path}: {stop:?}");
    vm.step_count()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    for path in std::env::args().skip(1).filter(|it| !it.starts_with("--")) {
        let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let program = elf::load(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        let fresh = || Vm::new(program.state.clone());
        let steps = run(&path, &mut fresh());
        let mut best = f64::INFINITY;
        for _ in 0..3 {
            let mut vms: Vec<_> = (0..=ROUND / steps.max(1)).map(|_| fresh()).collect();
            let start = CpuTime::now();
            for vm in &mut vms {
                run(&path, vm);
            }
            best = best.min(start.elapsed_seconds() / vms.len() as f64);
        }
        println!("{path}: {steps} steps, {:.1} M steps/s", steps as f64 / best / 1e6);
    }
}
