//! Steps per second of the interpreter on the guests given as arguments: `cargo bench -p opal-mips -- a.elf b.elf`.
//!
//! **Invariant:** measures wall time of whole runs, the best of three, without hashing.

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
            let start = Instant::now();
            let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io);
            best = best.min(start.elapsed().as_secs_f64());
            assert!(matches!(stop, Ok(Stop::Exited)), "{path}: {stop:?}");
            steps = vm.step_count();
        }
        println!("{path}: {steps} steps, {:.1} M steps/s", steps as f64 / best / 1e6);
    }
}
