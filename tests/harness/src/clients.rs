//! Users' own tools: cast, anvil and supersim as programs, viem, ethers and web3.py behind scripts of `tests/clients`.
//!
//! Start with [`node_clients`] and [`python_clients`]; `scripts/clients.sh` installs them into the cache.
//!
//! **Invariant:** each script is a process of its own that gets all it needs from its environment, and
//! tells by its exit status whether the endpoint did what the client expects.

use crate::{process::Process, skipped, workspace_root};
use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::Duration,
};

/// Exit status of the script when the language is not installed.
const LANGUAGE_IS_MISSING: i32 = 3;

/// The JavaScript packages and the programs that come as such.
#[derive(Clone, Debug)]
pub struct NodeClients {
    folder: PathBuf,
}

/// A Python with web3.py.
#[derive(Clone, Debug)]
pub struct PythonClients {
    folder: PathBuf,
}

/// The JavaScript clients, or `None` after noting why `test` is skipped.
#[track_caller]
pub fn node_clients(test: &str) -> Option<NodeClients> {
    installed("node", test).map(|folder| NodeClients { folder })
}

/// The Python clients, or `None` after noting why `test` is skipped.
#[track_caller]
pub fn python_clients(test: &str) -> Option<PythonClients> {
    installed("python", test).map(|folder| PythonClients { folder })
}

#[track_caller]
fn installed(name: &str, test: &str) -> Option<PathBuf> {
    let output = Command::new(workspace_root().join("scripts/clients.sh"))
        .args(["--offline", name])
        .stderr(Stdio::inherit())
        .output()
        .expect("scripts/clients.sh can be started");
    if output.status.success() {
        return Some(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if output.status.code() == Some(LANGUAGE_IS_MISSING) {
        skipped(test, &format!("{name} is not installed"));
        return None;
    }
    let why = format!("run scripts/clients.sh {name} once with a network");
    assert!(std::env::var_os("CI").is_none(), "{test}: {why}");
    skipped(test, &why);
    None
}

impl NodeClients {
    /// `cast`, `anvil` or `supersim`.
    pub fn program(&self, name: &str) -> PathBuf {
        self.folder.join("bin").join(name)
    }

    /// The command that runs a script of `tests/clients`; `folder` is a scratch folder.
    pub fn script(&self, name: &str, folder: &Path) -> Command {
        // Packages are looked for beside the script, so it runs as a copy beside them.
        let place = folder.join("node");
        std::fs::create_dir_all(&place).expect("a scratch folder can be written");
        let modules = place.join("node_modules");
        if !modules.exists() {
            std::os::unix::fs::symlink(self.folder.join("node_modules"), modules)
                .expect("a scratch folder can be written");
        }
        for file in scripts() {
            let copy = place.join(file.file_name().expect("a script has a name"));
            std::fs::copy(&file, copy).expect("a scratch folder can be written");
        }
        let mut command = Command::new("node");
        command.arg(place.join(name));
        command
    }
}

impl PythonClients {
    /// The command that runs a script of `tests/clients`.
    pub fn script(&self, name: &str) -> Command {
        let mut command = Command::new(self.folder.join("bin/python"));
        // No bytecode files beside the sources.
        command.arg("-B").arg(workspace_root().join("tests/clients").join(name));
        command
    }
}

/// Runs a client to its end and demands success; the end of its log is printed otherwise.
#[track_caller]
pub fn run(name: &str, command: &mut Command, folder: &Path, limit: Duration) {
    let mut process = Process::start(name, command, folder);
    let status = process.end(limit);
    assert!(status.success(), "{name}: {status}");
}

/// The scripts and what they read.
fn scripts() -> Vec<PathBuf> {
    let folder = workspace_root().join("tests/clients");
    let entries = std::fs::read_dir(folder).expect("the scripts are part of the repository");
    let paths = entries.map(|it| it.expect("the folder can be read").path());
    paths.filter(|it| it.is_file()).collect()
}
