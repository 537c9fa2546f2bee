//! Steps per second of the interpreter on the guests given as arguments: `cargo bench -p opal-mips -- a.elf b.elf`.
//!
//! **Invariant:** measures user CPU time where the system tells it, else wall time; whole runs without loading and
//! hashing, the best of three rounds. A round repeats a short guest until it outweighs the clock's ticks; such a figure
//! includes decoding each page for few executions.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use opal_mips::{Io, OracleError, PreimageOracle, Silent, State, Stop, Until, Vm, elf};
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

/// Steps of one round, at least.
const ROUND: u64 = 100_000_000;

/// Steps of a whole run, and steps per second of a round.
fn round(path: &str, state: &State) -> (u64, f64) {
    let mut total = 0;
    let mut seconds = 0.0;
    loop {
        let mut vm = Vm::new(state.clone());
        let mut io = Io { oracle: &mut Counting, output: &mut Silent };
        let start = CpuTime::now();
        let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io);
        seconds += start.elapsed_seconds();
        assert!(matches!(stop, Ok(Stop::Exited)), "{path}: {stop:?}");
        total += vm.step_count();
        if total >= ROUND {
            return (vm.step_count(), total as f64 / seconds);
        }
    }
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    for path in std::env::args().skip(1).filter(|it| !it.starts_with("--")) {
        let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let program = elf::load(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
        let rounds: Vec<_> = (0..3).map(|_| round(&path, &program.state)).collect();
        let steps = rounds.first().map_or(0, |(steps, _)| *steps);
        let best = rounds.iter().map(|(_, speed)| *speed).fold(0.0, f64::max);
        println!("{path}: {steps} steps, {:.1} M steps/s", best / 1e6);
    }
}
