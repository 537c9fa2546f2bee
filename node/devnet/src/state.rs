//! The folder of `--state`: what the devnet was when it first started, and the stores of its parts.
//!
//! **Invariant:** a folder is only ever continued by a devnet with the same genesis.

use crate::{
    clock::system_ms,
    genesis::BLOCK_TIME,
    options::{DevnetOptions, L1Choice},
};
use opal_types::Fork;
use serde::{Deserialize, Serialize};
use std::{
    collections::BTreeMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

/// Of the file below.
const FORMAT: u64 = 1;
const FILE: &str = "devnet.json";

/// What must not change between two runs on the same folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Identity {
    format: u64,
    /// Number of L2 chains.
    pub(crate) chains: usize,
    /// Timestamp of the first blocks, seconds.
    pub(crate) genesis_time: u64,
    /// Delays of forks by name, seconds.
    pub(crate) fork_at: BTreeMap<String, u64>,
    /// Whether the L1 is in the folder, too.
    pub(crate) l1_embedded: bool,
}

/// Where the parts of a devnet keep things; nowhere without `--state`.
#[derive(Clone, Debug)]
pub(crate) struct Folder(Option<PathBuf>);

/// Why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The disk.
    #[error("{path}: {error}")]
    Io {
        /// Which file.
        path: String,
        /// What happened.
        error: io::Error,
    },
    /// Not ours.
    #[error("{path} was not written by opal devnet: {error}")]
    Malformed {
        /// Which file.
        path: String,
        /// What is wrong with it.
        error: serde_json::Error,
    },
    /// Another devnet's.
    #[error(
        "{path} belongs to a devnet with {what} {stored}, {asked} is asked for: give another --state folder"
    )]
    Other {
        /// Which folder.
        path: String,
        /// What differs.
        what: &'static str,
        /// In the folder.
        stored: String,
        /// Now.
        asked: String,
    },
}

impl Folder {
    /// Opens or makes the folder and fixes the genesis time.
    pub(crate) fn open(options: &DevnetOptions) -> Result<(Self, Identity), StateError> {
        let mut asked = Identity::of(options);
        let Some(path) = &options.state else { return Ok((Self(None), asked)) };
        let file = path.join(FILE);
        let io = |error| StateError::Io { path: file.display().to_string(), error };
        match fs::read(&file) {
            Ok(text) => {
                let stored: Identity = serde_json::from_slice(&text).map_err(|error| {
                    StateError::Malformed { path: file.display().to_string(), error }
                })?;
                if options.genesis_time.is_none() {
                    asked.genesis_time = stored.genesis_time;
                }
                stored.check(&asked, path)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                fs::create_dir_all(path).map_err(io)?;
                write_whole(&file, &asked).map_err(io)?;
            }
            Err(error) => return Err(io(error)),
        }
        Ok((Self(Some(path.clone())), asked))
    }

    /// The place of one part.
    pub(crate) fn part(&self, name: &str) -> Option<PathBuf> {
        self.0.as_ref().map(|it| it.join(name))
    }
}

/// A file that is either absent or complete, whenever the process ends.
pub(crate) fn write_whole(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut new = path.to_owned();
    new.set_extension("new");
    let mut file = fs::File::create(&new)?;
    file.write_all(&serde_json::to_vec_pretty(value)?)?;
    file.sync_all()?;
    fs::rename(new, path)
}

impl Identity {
    fn of(options: &DevnetOptions) -> Self {
        let now_s = system_ms() / 1_000;
        // One block before now: the first block of the chains is due at once.
        let genesis_time = options.genesis_time.unwrap_or_else(|| now_s.saturating_sub(BLOCK_TIME));
        let delay = |(fork, delay_s): &(Fork, u64)| (fork.name().to_owned(), *delay_s);
        Self {
            format: FORMAT,
            chains: options.chains,
            genesis_time,
            fork_at: options.fork_at.iter().map(delay).collect(),
            l1_embedded: options.l1 == L1Choice::Embedded,
        }
    }

    fn check(&self, asked: &Self, path: &Path) -> Result<(), StateError> {
        let forks = |it: &Self| format!("{:?}", it.fork_at);
        let parts = [
            ("format", self.format.to_string(), asked.format.to_string()),
            ("a number of chains of", self.chains.to_string(), asked.chains.to_string()),
            ("genesis time", self.genesis_time.to_string(), asked.genesis_time.to_string()),
            ("delayed forks", forks(self), forks(asked)),
            ("an embedded L1:", self.l1_embedded.to_string(), asked.l1_embedded.to_string()),
        ];
        match parts.into_iter().find(|(_, stored, asked)| stored != asked) {
            None => Ok(()),
            Some((what, stored, asked)) => {
                Err(StateError::Other { path: path.display().to_string(), what, stored, asked })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(state: &Path) -> DevnetOptions {
        DevnetOptions { state: Some(state.to_owned()), ..DevnetOptions::standard() }
    }

    #[test]
    fn a_second_run_keeps_the_genesis_time_of_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let first = DevnetOptions { genesis_time: Some(1_000), ..options(folder.path()) };
        Folder::open(&first).unwrap();
        let (_, identity) = Folder::open(&options(folder.path())).unwrap();
        assert_eq!(identity.genesis_time, 1_000);
    }

    #[test]
    fn a_folder_of_another_devnet_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Folder::open(&options(folder.path())).unwrap();
        let other = DevnetOptions { chains: 3, ..options(folder.path()) };
        let error = Folder::open(&other).unwrap_err().to_string();
        assert!(error.contains("a number of chains of 2, 3 is asked for"), "{error}");
    }
}
