//! Chains derived and executed from recordings, an empty chain beside the Go stack's figure, and claims in the VM:
//! `cargo bench -p opal-host --bench derive -- FOLDER...`
//!
//! **Invariant:** files are read and blobs checked before the clock starts; it counts CPU time. A run that ends before
//! its L1 does ends the program, as does a claim that is not valid.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed run")]

#[path = "../../examples/first_recording/chain.rs"]
mod chain;
mod claims;
mod empty;

use opal_harness::measure::{CpuTime, peak_memory_mib, reset_peak_memory};
use opal_host::{Recording, Replay, ReplayOptions, replay};
use std::path::{Path, PathBuf};

/// Best of so many turns, each of at least this long, because the clock ticks every 10 ms.
const TURNS: u32 = 5;
const TURN_SECONDS: f64 = 0.5;

/// As many L1 blocks below the head are final as in the recorded runs.
const OPTIONS: ReplayOptions = ReplayOptions { explain: false, finality_depth: 16 };

fn main() {
    let arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let folders: Vec<PathBuf> = arguments.map(PathBuf::from).collect();
    println!("Derivation and execution from L1 data, one core, CPU time, best of {TURNS} turns:");
    println!(
        "{:<34} {:>5} {:>6} {:>7} {:>8} {:>9} {:>7} {:>9}",
        "recording", "L1", "L2", "Mgas", "ms", "blocks/s", "Mgas/s", "peak MiB"
    );
    for folder in &folders {
        let recording = Recording::open(folder).unwrap();
        recording.check_blobs().unwrap();
        print(name(folder), &recording, &measure(&recording));
    }
    empty::run();
    claims::run(&folders);
}

fn name(folder: &Path) -> &str {
    folder.file_name().and_then(|it| it.to_str()).unwrap()
}

/// What a chain has, and what it took.
struct Figures {
    blocks: u64,
    gas: u64,
    seconds: f64,
    peak_mib: f64,
}

fn measure(recording: &Recording) -> Figures {
    reset_peak_memory();
    let mut figures = Figures { blocks: 0, gas: 0, seconds: f64::INFINITY, peak_mib: f64::NAN };
    for _ in 0..TURNS {
        let (clock, mut runs) = (CpuTime::start(), 0);
        while runs == 0 || clock.elapsed() < TURN_SECONDS {
            let derived = derive(recording);
            // The first block is given.
            figures.blocks = derived.safe.number - recording.config.genesis.l2.number;
            figures.gas = derived.archive.blocks().map(|it| it.header.gas_used).sum();
            runs += 1;
        }
        figures.seconds = figures.seconds.min(clock.elapsed() / f64::from(runs));
    }
    figures.peak_mib = peak_memory_mib().unwrap_or(f64::NAN);
    figures
}

fn derive(recording: &Recording) -> Replay {
    let derived = replay(recording, OPTIONS, &mut |_| {}).unwrap();
    assert_eq!(derived.fault, None);
    let head = recording.l1_heads.last().copied();
    assert_eq!(Some(derived.l1_head.hash), head);
    derived
}

fn print(name: &str, recording: &Recording, figures: &Figures) {
    let Figures { blocks, gas, seconds, peak_mib } = figures;
    let (l1, mgas) = (recording.l1_blocks(), *gas as f64 / 1e6);
    let (milliseconds, per_second) = (seconds * 1e3, *blocks as f64 / seconds);
    let speed = mgas / seconds;
    println!(
        "{name:<34} {l1:>5} {blocks:>6} {mgas:>7.1} {milliseconds:>8.1} {per_second:>9.0} \
         {speed:>7.0} {peak_mib:>9.0}"
    );
}
