//! The account of the vectors: `conformance.toml` names every file once, and every name it gives
//! means something.
//!
//! **Invariant:** a vector file that nobody uses, and nobody is named for, fails the build.

use opal_harness::{Conformance, Vectors, files_below, skipped, vectors_root, workspace_root};
use std::collections::BTreeSet;

/// Crates that may be named under `later`: the ones of the design that read vectors.
const CRATES: [&str; 17] = [
    "opal-challenger",
    "opal-derive",
    "opal-devnet",
    "opal-driver",
    "opal-engine",
    "opal-execute",
    "opal-filter",
    "opal-host",
    "opal-message",
    "opal-mips",
    "opal-p2p",
    "opal-program",
    "opal-relayer",
    "opal-sources",
    "opal-submit",
    "opal-types",
    "opal-verifier",
];

#[test]
fn every_vector_file_is_listed_once() {
    let root = vectors_root();
    if !root.is_dir() {
        return skipped("conformance::every_file", "no vectors folder");
    }
    let list = Conformance::read();
    let mut wrong = Vec::new();
    for file in files_below(&root, &[]) {
        let sets = list.set.iter().filter(|set| set.has(&file)).count();
        if sets != 1 {
            wrong.push(format!("{file}: in {sets} sets"));
        }
    }
    assert!(wrong.is_empty(), "conformance.toml must list each file once:\n{}", wrong.join("\n"));
}

#[test]
fn every_pattern_finds_a_file() {
    let root = vectors_root();
    if !root.is_dir() {
        return skipped("conformance::every_pattern", "no vectors folder");
    }
    let files = files_below(&root, &[]);
    for set in Conformance::read().set {
        for pattern in &set.files {
            let one =
                opal_harness::Set { files: vec![pattern.clone()], used: vec![], later: vec![] };
            assert!(files.iter().any(|file| one.has(file)), "{pattern}: listed but gone");
        }
    }
}

#[test]
fn every_set_has_a_user() {
    for set in Conformance::read().set {
        assert!(
            !set.used.is_empty() || !set.later.is_empty(),
            "{:?}: neither used nor later",
            set.files
        );
        for name in &set.later {
            assert!(CRATES.contains(&name.as_str()), "{:?}: unknown crate {name}", set.files);
        }
    }
}

#[test]
fn every_named_test_exists() {
    let named: BTreeSet<_> = Conformance::read().set.into_iter().flat_map(|set| set.used).collect();
    let root = workspace_root();
    let sources: String = files_below(&root, &[".git", "target", "bin"])
        .iter()
        .filter(|file| file.ends_with(".rs"))
        .map(|file| std::fs::read_to_string(root.join(file)).unwrap())
        .collect();
    for name in named {
        let call = format!("for_test(\"{name}\")");
        assert!(sources.contains(&call), "conformance.toml names {name}, but no source has {call}");
    }
}

#[test]
fn prose_and_licences_are_what_they_say() {
    let Some(vectors) = Vectors::for_test("conformance::prose_and_licences") else { return };
    for file in vectors.files() {
        let text = vectors.text(&file);
        let licence =
            text.contains("Permission is hereby granted") || text.contains("Apache License");
        assert!(licence || file.ends_with("README.md"), "{file}: neither MIT nor Apache nor prose");
    }
    vectors.finish();
}
