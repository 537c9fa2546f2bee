//! Steps per second of the interpreter beside Go cannon's core loop: `cargo bench -p opal-mips -- ELF... [--peer PROGRAM]`.
//!
//! **Invariant:** measures user CPU time where the system tells it, else wall time; whole runs without loading and
//! hashing. The sides take turns and end in the same state. A turn repeats a short guest until it outweighs the clock's
//! ticks; such a figure includes decoding each page for few executions.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use opal_harness::measure::{CpuTime, peak_memory_mib, reset_peak_memory};
use opal_mips::{Io, OracleError, PreimageOracle, Silent, Stop, Until, Vm, elf};
use std::{path::Path, process::Command, sync::Arc};

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

/// Steps that make a turn long against a tick, and turns of each side.
const TURN_STEPS: u64 = 30_000_000;
const TURNS: usize = 2;

/// Best figures of one side for one guest.
#[derive(Clone, Copy, Default)]
struct Best {
    /// Millions of steps per second.
    speed: f64,
    peak_memory_mib: f64,
}

impl Best {
    fn add(&mut self, speed: f64, peak_memory_mib: f64) {
        self.speed = self.speed.max(speed);
        self.peak_memory_mib = self.peak_memory_mib.max(peak_memory_mib);
    }
}

fn main() {
    let (mut guests, mut peer) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--peer" => peer = arguments.next(),
            guest => guests.push(guest.to_owned()),
        }
    }
    println!("Interpreter, one core, best of {TURNS} turns; M/s = million steps per second:");
    for guest in &guests {
        bench(guest, peer.as_deref());
    }
}

fn bench(guest: &str, peer: Option<&str>) {
    let (mut opal, mut go) = (Best::default(), Best::default());
    let (mut steps, mut version) = (0, String::new());
    for _ in 0..TURNS {
        let hash;
        (steps, hash) = turn(guest, &mut opal);
        if let Some(program) = peer {
            version = peer_turn(program, guest, &hash, &mut go);
        }
    }
    let name = Path::new(guest).file_stem().unwrap_or_default().to_string_lossy();
    print!(
        "{name:>13} {steps:>11} steps: opal {:.1} M/s, {:.0} MiB",
        opal.speed, opal.peak_memory_mib
    );
    if peer.is_some() {
        let ratio = opal.speed / go.speed;
        print!(
            "; Go cannon {version} {:.1} M/s, {:.0} MiB; ratio {ratio:.1}",
            go.speed, go.peak_memory_mib
        );
    }
    println!();
}

/// Runs the guest to its end, as often as a turn needs; its steps and the hash of the last state.
fn turn(guest: &str, best: &mut Best) -> (u64, String) {
    reset_peak_memory();
    let file = std::fs::read(guest).unwrap_or_else(|error| panic!("{guest}: {error}"));
    let state = elf::load(&file).unwrap_or_else(|error| panic!("{guest}: {error}")).state;
    let (mut seconds, mut steps) = (0.0, 0);
    loop {
        let mut vm = Vm::new(state.clone());
        let start = CpuTime::start();
        let mut io = Io { oracle: &mut Counting, output: &mut Silent };
        let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io);
        seconds += start.elapsed();
        assert!(matches!(stop, Ok(Stop::Exited)), "{guest}: {stop:?}");
        steps += vm.step_count();
        if steps >= TURN_STEPS {
            best.add(steps as f64 / seconds / 1e6, peak_memory_mib().unwrap_or(f64::NAN));
            let hash = vm.witness().hash().map(|byte| format!("{byte:02x}")).concat();
            return (vm.step_count(), format!("0x{hash}"));
        }
    }
}

/// Runs the peer, which must end in the same state; its version.
fn peer_turn(program: &str, guest: &str, hash: &str, best: &mut Best) -> String {
    let output = Command::new(program)
        .args(["bench", guest])
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let figures: serde_json::Value =
        serde_json::from_slice(&output.stdout).expect("the peer prints JSON");
    let number = |name: &str| figures[name].as_f64().expect("the peer prints this figure");
    assert_eq!(figures["state_hash"].as_str(), Some(hash), "{guest}");
    best.add(number("msteps_per_s"), number("peak_memory_mib"));
    figures["optimism_version"].as_str().unwrap_or_default().to_owned()
}
