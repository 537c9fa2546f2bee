//! Steps per second of the interpreter on the guests given as arguments: `cargo bench -p opal-mips -- a.elf b.elf`.
//!
//! **Invariant:** measures user CPU time where the system tells it, else wall time; whole runs, the best of three, without hashing.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock")]

use opal_mips::{Io, OracleError, PreimageOracle, Silent, Stop, Until, Vm, elf};
use std::{sync::Arc, time::Instant};

struct NoOracle;

impl PreimageOracle for NoOracle {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Ok(())
    }

    fn read(&mut self, _key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        Err("the benchmark has no pre-images".into())
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

#[expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
fn main() {
    for path in std::env::args().skip(1).filter(|it| !it.starts_with("--")) {
        let file = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut best = f64::INFINITY;
        let mut steps = 0;
        for _ in 0..3 {
            let program = elf::load(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
            let mut vm = Vm::new(program.state);
            let mut io = Io { oracle: &mut NoOracle, output: &mut Silent };
            let start = CpuTime::now();
            let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io);
            best = best.min(start.elapsed_seconds());
            assert!(matches!(stop, Ok(Stop::Exited)), "{path}: {stop:?}");
            steps = vm.step_count();
        }
        println!("{path}: {steps} steps, {:.1} M steps/s", steps as f64 / best / 1e6);
    }
}
