//! Recorded blocks natively beside kona-executor, and in the VM: `cargo bench -p opal-host -- FOLDER... [--peer PROGRAM]`.
//!
//! **Invariant:** the clock runs from decoded attributes and indexed pre-images to the compared hash, on both sides;
//! the sides take turns, so what slows the machine slows both. A run without the expected hash ends the program.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use opal_execute::RevmCrypto;
use opal_harness::{
    guest_image,
    measure::{peak_memory_mib, reset_peak_memory},
};
use opal_host::{PreimageFile, Verdict, execute, execute_in_vm};
use opal_program::BlockTask;
use opal_types::read::BlockFixture;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Turns of each side, and runs in each turn.
const TURNS: usize = 5;
const RUNS: usize = 5;

struct Input {
    task: BlockTask,
    file: PreimageFile,
}

fn open(fixture: &Path) -> Input {
    let read = |path: &Path| fs::read(path).unwrap_or_else(|it| panic!("{}: {it}", path.display()));
    let BlockFixture { config, parent, attributes, expected_hash } =
        BlockFixture::from_json(&read(fixture)).expect("the fixture is well-formed");
    let preimages = fixture.to_string_lossy().replace(".fixture.json", ".preimages.bin");
    let preimages = read(Path::new(&preimages));
    Input {
        task: BlockTask { config, parent, attributes, expected_hash },
        file: PreimageFile::parse(preimages.into()).expect("the pre-images are well-formed"),
    }
}

/// Gas, and the best time of either side, in seconds.
#[derive(Clone, Copy)]
struct Best {
    gas: u64,
    opal: f64,
    peer: f64,
}

impl Default for Best {
    fn default() -> Self {
        Self { gas: 0, opal: f64::INFINITY, peer: f64::INFINITY }
    }
}

fn main() {
    let (mut folders, mut peer) = (Vec::new(), None);
    let mut arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--peer" => peer = arguments.next(),
            folder => folders.push(PathBuf::from(folder)),
        }
    }
    let inputs: Vec<Vec<Input>> = folders.iter().map(|it| open_all(it)).collect();
    let mut table = BTreeMap::<u64, Best>::new();
    reset_peak_memory();
    for _ in 0..TURNS {
        for (folder, inputs) in folders.iter().zip(&inputs) {
            inputs.iter().for_each(|input| measure(input, &mut table));
            if let Some(program) = &peer {
                measure_peer(program, folder, &mut table);
            }
        }
    }
    print(&table, peer.is_some());
    print_vm(inputs.iter().flatten());
}

fn open_all(folder: &Path) -> Vec<Input> {
    let mut fixtures: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder can be read")
        .map(|entry| entry.expect("the folder can be read").path())
        .filter(|path| path.to_string_lossy().ends_with(".fixture.json"))
        .collect();
    fixtures.sort();
    fixtures.iter().map(|it| open(it)).collect()
}

fn measure(input: &Input, table: &mut BTreeMap<u64, Best>) {
    for _ in 0..RUNS {
        let report = execute(&input.task, &input.file, &mut RevmCrypto);
        assert_eq!(report.verdict, Verdict::Valid, "{report}");
        let best = table.entry(report.block.expect("a valid block has a number")).or_default();
        best.gas = report.gas_used.expect("a valid block has a sum of gas");
        best.opal = best.opal.min(report.seconds);
    }
}

/// The peer prints one JSON object per block.
fn measure_peer(program: &str, folder: &Path, table: &mut BTreeMap<u64, Best>) {
    let output = Command::new(program)
        .arg(folder)
        .arg(RUNS.to_string())
        .output()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let figures: serde_json::Value = serde_json::from_str(line).expect("the peer prints JSON");
        let block = figures["block"].as_u64().expect("a number");
        let best = table.get_mut(&block).expect("both sides run the same blocks");
        let milliseconds = figures["best_ms"].as_f64().expect("a time");
        best.peer = best.peer.min(milliseconds / 1e3);
    }
}

fn print(table: &BTreeMap<u64, Best>, with_peer: bool) {
    println!("Native block execution, one core, best of {} runs:", TURNS * RUNS);
    let peer_head = if with_peer { "   kona ms   Mgas/s    ratio" } else { "" };
    println!("{:>10} {:>11} {:>9} {:>8}{peer_head}", "block", "gas", "opal ms", "Mgas/s");
    for (block, best) in table {
        let Best { gas, opal, peer } = *best;
        let speed = |seconds: f64| gas as f64 / seconds / 1e6;
        print!("{block:>10} {gas:>11} {:>9.2} {:>8.0}", opal * 1e3, speed(opal));
        if with_peer {
            print!(" {:>9.2} {:>8.0} {:>8.2}", peer * 1e3, speed(peer), peer / opal);
        }
        println!();
    }
    println!(
        "Peak memory, all pre-images included: {:.0} MiB",
        peak_memory_mib().unwrap_or(f64::NAN)
    );
}

/// Steps per gas of kona-executor in a guest that embeds its pre-images (performance.md 8.1).
const KONA_STEPS_PER_GAS: [(u64, f64); 3] =
    [(26_207_961, 49.7), (26_207_962, 34.9), (26_208_927, 61.7)];

fn print_vm<'a>(inputs: impl Iterator<Item = &'a Input>) {
    let Some(image) = guest_image("opal-guest", "blocks in the VM") else { return };
    println!("The same blocks in the VM, pre-image reads included:");
    println!(
        "{:>10} {:>11} {:>9} {:>8} {:>8} {:>9}",
        "block", "steps", "steps/gas", "kona", "M/s", "peak MiB"
    );
    for input in inputs {
        reset_peak_memory();
        let report = execute_in_vm(&image, &input.task, &input.file, &mut RevmCrypto, &mut |_| {});
        assert_eq!(report.verdict, Verdict::Valid, "{report}");
        let figures = report.vm.expect("the VM ran");
        let block = report.block.expect("a valid block has a number");
        let gas = report.gas_used.expect("a valid block has a sum of gas");
        let kona = KONA_STEPS_PER_GAS.iter().find(|(number, _)| *number == block);
        let kona = kona.map_or_else(|| "-".into(), |(_, figure)| format!("{figure:.1}"));
        let per_gas = figures.steps as f64 / gas as f64;
        let (steps, speed) = (figures.steps, figures.steps_per_second / 1e6);
        let peak = peak_memory_mib().unwrap_or(f64::NAN);
        println!("{block:>10} {steps:>11} {per_gas:>9.1} {kona:>8} {speed:>8.0} {peak:>9.0}");
    }
}
