//! Rules about the repository itself, run by `cargo test` like any other test.
//!
//! **Invariant:** reads files and cargo's metadata only; a rule that is broken names the place.

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package};
use opal_harness::{files_below, workspace_root};
use std::{collections::BTreeSet, fs, process::Command};

/// Left to right: what may be leaned on. A crate depends on its own place or on one further left.
const FOLDERS: [&str; 6] = ["contracts", "fault-proof", "interop", "node", "vm", "tests"];
const RINGS: [&str; 4] = ["core", "service", "edge", "test"];

/// What the head of a core crate's lib.rs must say.
const CORE_HEAD: [&str; 10] = [
    "#![no_std]",
    "#![warn(missing_docs)]",
    "clippy::arithmetic_side_effects",
    "clippy::cast_possible_truncation",
    "clippy::expect_used",
    "clippy::float_arithmetic",
    "clippy::indexing_slicing",
    "clippy::panic",
    "clippy::std_instead_of_core",
    "clippy::too_many_lines",
];

/// The crates that run inside the VM, one a line.
const GUEST_CLOSURE: &str = "fault-proof/guest/closure.txt";

/// Lines of ARCHITECTURE.md.
const MAX_ARCHITECTURE_LINES: usize = 300;

/// Lines a source file may have, and the few that have more: these may shrink, never grow.
const MAX_FILE_LINES: usize = 500;
const LONGER_FILES: [(&str, usize); 0] = [];

/// Tables and comments that rustfmt leaves alone may be this long.
const MAX_LINE_CHARS: usize = 150;

/// Words that stand for work left undone or tests that prove nothing. Spelt apart, so that this file passes.
const FORBIDDEN: [&[&str]; 6] = [
    &["todo", "!("],
    &["unimplemented", "!("],
    &["#[ig", "nore"],
    &["#[should", "_panic"],
    &["thread::sl", "eep("],
    &["mod", ".rs"],
];

fn metadata() -> Metadata {
    let manifest = workspace_root().join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .exec()
        .expect("cargo reads this workspace")
}

/// Where a crate stands: (folder, ring).
fn place(package: &Package, root: &str) -> [usize; 2] {
    let path = package.manifest_path.as_str().trim_start_matches(root).trim_start_matches('/');
    let folder = path.split('/').next().unwrap_or_default();
    let ring = package.metadata["ring"].as_str().unwrap_or_default();
    [(&FOLDERS[..], folder), (&RINGS[..], ring)].map(|(known, label)| {
        let index = known.iter().position(|it| *it == label);
        index.unwrap_or_else(|| panic!("{}: unknown place `{label}`", package.name))
    })
}

/// Files that git knows or would add, below the root.
fn files(ending: &str) -> Vec<(String, String)> {
    let root = workspace_root();
    let skip = [".git", "target", "node_modules"];
    let all = files_below(&root, &skip).into_iter().filter(|it| it.ends_with(ending));
    let read = |it| fs::read_to_string(root.join(&it)).map(|text| (it, text));
    all.map(read).collect::<Result<_, _>>().expect("the repository's files are readable text")
}

#[track_caller]
fn none(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}:\n  {}", broken.join("\n  "));
}

#[test]
fn dependencies_point_left_and_inward() {
    let metadata = metadata();
    let root = metadata.workspace_root.as_str();
    for package in &metadata.packages {
        for dependency in &package.dependencies {
            let target = metadata.packages.iter().find(|it| *it.name == dependency.name);
            let (Some(target), DependencyKind::Normal) = (target, dependency.kind) else {
                continue;
            };
            let (from, to) = (place(package, root), place(target, root));
            let ok = to[0] <= from[0] && to[1] <= from[1];
            assert!(ok, "{} -> {} points the wrong way", package.name, target.name);
        }
    }
}

#[test]
fn core_crates_carry_the_strict_lints() {
    for package in metadata().packages.iter().filter(|it| it.metadata["ring"] == "core") {
        let folder = package.manifest_path.parent().unwrap();
        let clippy = fs::read_to_string(folder.join("clippy.toml")).unwrap_or_default();
        assert!(clippy.contains("disallowed-types"), "{}: clippy.toml bans no types", package.name);
        let library = fs::read_to_string(folder.join("src/lib.rs")).unwrap_or_default();
        for line in CORE_HEAD {
            assert!(library.contains(line), "{}: lib.rs lacks `{line}`", package.name);
        }
    }
}

#[test]
fn versions_stand_only_in_the_root_manifest() {
    let broken = files("Cargo.toml").into_iter().filter(|(name, _)| {
        name != "Cargo.toml"
            && !name.starts_with("tests/fuzz/")
            && !name.starts_with("tests/guests/")
            && !name.starts_with("tests/peers/")
    });
    let broken = broken.filter(|(_, text)| {
        let table = text.parse::<toml::Table>().unwrap();
        let kinds = ["dependencies", "dev-dependencies", "build-dependencies"];
        let tables = kinds.iter().filter_map(|it| table.get(*it)?.as_table());
        tables.flat_map(|it| it.values()).any(|it| it.get("workspace").is_none())
    });
    none("use `workspace = true`", &broken.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn every_file_says_what_it_is() {
    let silent = files(".rs").into_iter().filter(|(_, text)| !text.starts_with("//!"));
    none("start with `//!`", &silent.map(|(name, _)| name).collect::<Vec<_>>());
}

#[test]
fn sources_are_plain_text_of_bounded_size() {
    let mut broken = Vec::new();
    for (name, text) in files(".rs") {
        let lines = text.lines().count();
        let known = LONGER_FILES.iter().find(|(it, _)| *it == name).map(|(_, lines)| *lines);
        let limit = known.unwrap_or(MAX_FILE_LINES);
        if lines > limit {
            broken.push(format!("{name}: {lines} lines, at most {limit}"));
        }
        if known.is_some_and(|it| lines < it) {
            broken.push(format!("{name}: shrank to {lines} lines, lower its entry here"));
        }
        for (number, line) in text.lines().enumerate() {
            let number = number + 1;
            if !line.is_ascii() {
                broken.push(format!("{name}:{number}: not ASCII"));
            }
            if line.chars().count() > MAX_LINE_CHARS {
                broken.push(format!("{name}:{number}: longer than {MAX_LINE_CHARS} characters"));
            }
        }
    }
    none("sources", &broken);
}

#[test]
fn nothing_is_left_undone_or_switched_off() {
    let mut broken = Vec::new();
    for (name, text) in files(".rs") {
        for word in FORBIDDEN.map(<[&str]>::concat) {
            if text.contains(&word) || name.ends_with(&format!("/{word}")) {
                broken.push(format!("{name}: {word}"));
            }
        }
    }
    none("not allowed", &broken);
}

#[test]
fn no_text_names_a_place_on_somebodys_machine() {
    let places =
        [["/wo", "rk/"], ["/ro", "ot/"], ["/ho", "me/"], ["/Us", "ers/"]].map(|it| it.concat());
    let mut broken = Vec::new();
    for ending in [".rs", ".md", ".toml", ".sh", "Makefile", ".go", ".json"] {
        for (name, text) in files(ending) {
            for place in places.iter().filter(|it| text.contains(it.as_str())) {
                broken.push(format!("{name}: {place}"));
            }
        }
    }
    none("machine paths", &broken);
}

#[test]
fn the_makefile_is_an_index() {
    let (_, text) = files("Makefile").into_iter().find(|(name, _)| name == "Makefile").unwrap();
    assert!(text.lines().count() <= 40, "the logic belongs into scripts/");
}

#[test]
fn the_readme_maps_every_folder() {
    let (_, readme) = files("README.md").into_iter().find(|(name, _)| name == "README.md").unwrap();
    for package in metadata().packages {
        let root = workspace_root();
        let folder = package.manifest_path.parent().unwrap().strip_prefix(root).unwrap().to_owned();
        assert!(readme.contains(&format!("`{folder}`")), "README.md does not map `{folder}`");
    }
}

#[test]
fn the_changelog_collects_what_is_unreleased() {
    let text = fs::read_to_string(workspace_root().join("CHANGELOG.md")).unwrap();
    assert!(text.contains("\n## Unreleased\n"));
}

/// What cargo resolves for the target of the guest: dependencies that run in the VM, so no build scripts, no
/// procedural macros and nothing for tests.
fn guest_closure() -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace_root())
        // The target is a description of our own, which a stable cargo reads only with this.
        .env("RUSTC_BOOTSTRAP", "1")
        .args(["tree", "-Zjson-target-spec", "--offline", "--locked", "--package", "opal-guest"])
        .args(["--target", "fault-proof/guest/mips64-unknown-none.json"])
        .args(["--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}"])
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).expect("cargo writes text");
    tree.lines().filter_map(|it| it.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn nothing_new_enters_the_guest() {
    let listed = fs::read_to_string(workspace_root().join(GUEST_CLOSURE)).unwrap();
    let listed: BTreeSet<String> = listed.lines().map(str::to_owned).collect();
    let grown: Vec<_> = guest_closure().difference(&listed).cloned().collect();
    none(&format!("in the guest but not in {GUEST_CLOSURE}; is it needed there?"), &grown);
}

#[test]
fn shared_dependencies_name_their_features() {
    let root = fs::read_to_string(workspace_root().join("Cargo.toml")).unwrap();
    let root = root.parse::<toml::Table>().unwrap();
    let all = root["workspace"]["dependencies"].as_table().unwrap();
    let bare = |it: &toml::Value| it.get("default-features") == Some(&toml::Value::Boolean(false));
    let broken = all.iter().filter(|(_, it)| it.get("path").is_none() && !bare(it));
    none("write `default-features = false`", &broken.map(|it| it.0.clone()).collect::<Vec<_>>());
}

#[test]
fn the_readme_maps_only_folders_that_exist() {
    let readme = fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let named = readme.lines().filter_map(|it| it.strip_prefix("| `")?.split('`').next());
    let gone = named.filter(|it| it.contains('/') && !workspace_root().join(it).is_dir());
    none("README.md maps folders that do not exist", &gone.map(str::to_owned).collect::<Vec<_>>());
}

#[test]
fn the_architecture_has_a_paragraph_for_each_crate() {
    let text = fs::read_to_string(workspace_root().join("ARCHITECTURE.md")).unwrap();
    assert!(text.lines().count() <= MAX_ARCHITECTURE_LINES, "at most {MAX_ARCHITECTURE_LINES}");
    let names =
        metadata().packages.into_iter().map(|it| it.name.trim_start_matches("opal-").to_owned());
    let untold = names.filter(|it| !text.contains(&format!("\n**{it}** (")));
    none("ARCHITECTURE.md has no paragraph `**name** (ring)`", &untold.collect::<Vec<_>>());
}

#[test]
fn open_points_name_their_issue() {
    let word = ["TO", "DO"].concat();
    let mut broken = Vec::new();
    for (name, text) in files(".rs") {
        for (_, rest) in text.lines().filter_map(|it| it.split_once(&word)) {
            let number = rest.trim_start_matches('(').trim_start().strip_prefix('#');
            if !number.is_some_and(|it| it.starts_with(|it: char| it.is_ascii_digit())) {
                broken.push(format!("{name}: {word}{rest}"));
            }
        }
    }
    none("an open point names its issue", &broken);
}
