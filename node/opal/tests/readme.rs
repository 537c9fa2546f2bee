//! The README's commands do what the README shows.
//!
//! **Invariant:** every command behind a `$` is run, in order, from the root of the repository; what it prints is what
//! stands below it, but for times and speeds. `make test` itself has no `$`. `make devnet` runs beside the commands
//! behind it, on the default ports: no other test takes those.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{
    clients::{NodeClients, node_clients},
    process::Process,
    skipped, vectors_root, workspace_root,
};
use std::{path::Path, process::Command, time::Duration};
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

/// A shell's command, as a user would give it.
fn shell(command: &str, vectors: &str) -> Command {
    let mut shell = Command::new("bash");
    shell
        .args(["-o", "pipefail", "-c", command])
        .current_dir(workspace_root())
        .env("OPAL_VECTORS", vectors)
        // `make` tells this to the make it runs in; the user's has no other around it.
        .env_remove("MAKEFLAGS")
        .env_remove("MAKELEVEL");
    shell
}

/// The longest that building opal and starting it may take.
const START_LIMIT: Duration = Duration::from_secs(1200);

/// Starts what runs until it is told to stop, and waits for the lines that the README shows.
fn start(shown: &Shown, folder: &Path, vectors: &str) -> Process {
    let mut command = shell(&format!("exec {}", shown.command), vectors);
    let mut process = Process::start("make-devnet", &mut command, folder);
    for line in shown.output.iter().filter(|it| !it.is_empty()) {
        let text = line.split_once(" after ").map_or(line.as_str(), |(steady, _)| steady);
        process.line_with(text, START_LIMIT);
    }
    process
}

fn run(shown: &Shown, folder: &str, vectors: &str, clients: Option<&NodeClients>) {
    let command = shown.command.replace("/tmp/", &format!("{folder}/"));
    let mut shell = shell(&command, vectors);
    if command.starts_with("cast ") {
        let Some(clients) = clients else { return };
        let cast = clients.program("cast");
        let path = std::env::var("PATH").unwrap_or_default();
        shell.env("PATH", format!("{}:{path}", cast.parent().unwrap().display()));
    }
    let output = shell.output().unwrap();
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
    let vectors = root.to_str().unwrap();
    let clients = node_clients("readme");
    let mut devnet = None;
    for shown in &commands {
        if shown.command == "make devnet" {
            devnet = Some(start(shown, folder.path(), vectors));
        } else {
            run(shown, folder.path().to_str().unwrap(), vectors, clients.as_ref());
        }
    }
    devnet.expect("the README starts a devnet").stop();
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
