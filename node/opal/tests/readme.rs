//! The README's commands do what the README shows.
//!
//! **Invariant:** every command behind a `$` is run, in order, from the root of the repository; what it prints is what
//! stands below it, but for times and speeds. `make test` itself has no `$`.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{skipped, vectors_root, workspace_root};
use std::process::Command;
use tempfile::TempDir;

/// A command and the lines below it.
#[derive(Debug, Default)]
struct Shown {
    command: String,
    output: Vec<String>,
}

fn commands(readme: &str) -> Vec<Shown> {
    let mut shown: Vec<Shown> = Vec::new();
    let mut is_open = false;
    for line in readme.lines() {
        let Some(line) = line.strip_prefix("    ") else {
            is_open = false;
            continue;
        };
        let last = shown.last_mut().filter(|_| is_open);
        match (line.strip_prefix("$ "), last) {
            (Some(command), _) => {
                shown.push(Shown { command: command.into(), output: Vec::new() });
                is_open = true;
            }
            (None, Some(last)) if last.command.ends_with('\\') && last.output.is_empty() => {
                last.command.push('\n');
                last.command.push_str(line);
            }
            (None, Some(last)) => last.output.push(line.into()),
            (None, None) => {}
        }
    }
    shown
}

/// A line without what differs from run to run.
fn steady(line: &str) -> &str {
    if line.starts_with("time ") {
        return "time";
    }
    line.split_once(" (").map_or(line, |(steady, _)| steady)
}

fn run(shown: &Shown, folder: &str, vectors: &str) {
    let command = shown.command.replace("/tmp/", &format!("{folder}/"));
    let output = Command::new("bash")
        .args(["-o", "pipefail", "-c", &command])
        .current_dir(workspace_root())
        .env("OPAL_VECTORS", vectors)
        // `make` tells this to the make it runs in; the user's has no other around it.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL")
        .output()
        .unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}: {} {errors}", output.status);
    if shown.output.is_empty() {
        return;
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let printed: Vec<_> = printed.lines().map(steady).collect();
    let shown: Vec<_> = shown.output.iter().map(|line| steady(line)).collect();
    assert_eq!(printed, shown, "{command}");
}

#[test]
fn every_command_of_the_readme_prints_what_the_readme_shows() {
    let root = vectors_root();
    if !root.is_dir() {
        skipped("readme", "no vectors");
        return;
    }
    let readme = std::fs::read_to_string(workspace_root().join("README.md")).unwrap();
    let commands = commands(&readme);
    assert!(commands.len() > 6, "the commands are found: {commands:?}");
    let folder = TempDir::new().unwrap();
    for shown in &commands {
        run(shown, folder.path().to_str().unwrap(), root.to_str().unwrap());
    }
}

#[test]
fn commands_are_told_from_their_output() {
    let shown =
        commands("text\n\n    $ one \\\n        two\n    out\n    $ three\n\n    no command\n");
    let [first, second] = shown.as_slice() else { panic!("{shown:?}") };
    assert_eq!(
        (first.command.as_str(), first.output.as_slice()),
        ("one \\\n    two", &["out".to_owned()][..])
    );
    assert_eq!((second.command.as_str(), second.output.len()), ("three", 0));
}
