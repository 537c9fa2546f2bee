//! The fuzz targets on good inputs and on what mutations make of them, without a fuzzer.
//!
//! `make fuzz` runs the same functions for longer and with coverage; it takes its first inputs from here.
//!
//! **Invariant:** the same inputs in each run. A finding names its target, and its bytes are in a file.

#[expect(unreachable_pub, reason = "elsewhere these modules are a library")]
#[path = "../../../fuzz/src/lib.rs"]
mod fuzz;
mod mutate;
mod seeds;

use fuzz::{TARGETS, Target};
use mutate::Mutator;
use opal_harness::{ran, skipped, workspace_root};
use std::{collections::BTreeSet, fs, panic, path::Path};

/// Mutated inputs of each target. The slow ones have fewer.
const MUTATIONS: usize = 4_000;
const SLOW: [(&str, usize); 4] =
    [("derivation", 400), ("blob", 1_000), ("transaction", 2_000), ("recording", 300)];

#[test]
fn every_target_has_a_program_of_its_name() {
    let programs = fs::read_dir(workspace_root().join("tests/fuzz/src/bin")).unwrap();
    let programs: BTreeSet<_> =
        programs.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    let targets: BTreeSet<_> = TARGETS.iter().map(|(name, _)| format!("{name}.rs")).collect();
    assert_eq!(programs, targets);
}

#[test]
fn every_target_survives_its_seeds_and_their_mutations() {
    let seeds = seeds::all();
    for (name, target) in TARGETS {
        let seeds: Vec<_> = seeds.iter().filter(|it| it.target == *name).collect();
        assert!(!seeds.is_empty(), "no seeds for {name}");
        for seed in &seeds {
            attempt(name, *target, &seed.bytes);
        }
        let slow = SLOW.iter().find(|(it, _)| it == name);
        let mut mutator = Mutator::new(name.len() as u64);
        for index in 0..slow.map_or(MUTATIONS, |(_, count)| *count) {
            let other = &seeds[mutator.below(seeds.len())].bytes;
            attempt(name, *target, &mutator.mutate(&seeds[index % seeds.len()].bytes, other));
        }
        ran(&format!("fuzz_smoke::{name}"), &format!("{} seeds", seeds.len()));
    }
}

/// Runs a target; if it panics, the input is kept.
fn attempt(name: &str, target: Target, input: &[u8]) {
    if panic::catch_unwind(|| target(input)).is_ok() {
        return;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("crash-{name}"));
    fs::write(&path, input).expect("the folder of tests can be written to");
    panic!("the target {name} panics, its input is in {}", path.display());
}

/// With `OPAL_FUZZ_CORPUS` set, the seeds go into that folder: `TARGET/seed-NUMBER`.
#[test]
fn the_corpus_starts_with_the_seeds() {
    let Some(corpus) = std::env::var_os("OPAL_FUZZ_CORPUS") else {
        return skipped("fuzz_smoke::corpus", "OPAL_FUZZ_CORPUS is not set");
    };
    for (number, seed) in seeds::all().iter().enumerate() {
        let folder = Path::new(&corpus).join(seed.target);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("seed-{number:03}")), &seed.bytes).unwrap();
    }
}
