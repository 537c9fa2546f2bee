//! Values of the flags of `opal devnet`.
//!
//! **Invariant:** a flag of supersim that asks for something that is not done is refused, never passed over.

use clap::{Args, ValueEnum};
use opal_devnet::{ClockMode, genesis::ForkSchedule};
use opal_submit::DataAvailability;
use opal_types::Fork;
use std::{net::IpAddr, net::Ipv4Addr, str::FromStr};

/// `--l1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum L1Flag {
    Embedded,
    Url(String),
}

impl FromStr for L1Flag {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "embedded" => Ok(Self::Embedded),
            url if url.contains("://") => Ok(Self::Url(url.to_owned())),
            other => Err(format!("`{other}` is neither `embedded` nor a URL")),
        }
    }
}

/// `--clock`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum ClockName {
    Real,
    Virtual,
}

impl From<ClockName> for ClockMode {
    fn from(name: ClockName) -> Self {
        match name {
            ClockName::Real => Self::Real,
            ClockName::Virtual => Self::Virtual,
        }
    }
}

/// `--data-availability`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum DataName {
    Calldata,
    Blobs,
    Auto,
}

impl From<DataName> for DataAvailability {
    fn from(name: DataName) -> Self {
        match name {
            DataName::Calldata => Self::Calldata,
            DataName::Blobs => Self::Blobs,
            DataName::Auto => Self::Auto,
        }
    }
}

/// `--fork-at`.
pub(super) fn fork(text: &str) -> Result<(Fork, u64), String> {
    ForkSchedule::parse(text).map_err(|error| error.to_string())
}

/// `--l1.host` and `--l2.host`: an address, or supersim's other spelling of its default.
pub(super) fn host(text: &str) -> Result<IpAddr, String> {
    match text {
        "localhost" => Ok(Ipv4Addr::LOCALHOST.into()),
        other => other.parse().map_err(|_| format!("`{other}` is no IP address")),
    }
}

/// Flags of supersim for what opal does otherwise or not yet.
#[derive(Debug, Args)]
pub(super) struct SupersimFlags {
    /// Relaying is not in this version.
    #[arg(long = "interop.autorelay", hide = true)]
    autorelay: bool,
    /// Relaying is not in this version.
    #[arg(long = "interop.delay", hide = true)]
    delay: Option<u64>,
    /// Logs go to standard error.
    #[arg(long = "logs.directory", hide = true)]
    logs: Option<String>,
    /// Chains are in one set.
    #[arg(long = "dependency.set", hide = true)]
    dependency_set: Option<String>,
}

impl SupersimFlags {
    pub(super) fn check(&self) -> Result<(), String> {
        let asked = [
            (
                self.autorelay || self.delay.is_some(),
                "--interop.autorelay",
                "messages are not relayed yet",
            ),
            (self.logs.is_some(), "--logs.directory", "logs go to standard error: redirect it"),
            (self.dependency_set.is_some(), "--dependency.set", "all chains are in one set"),
        ];
        match asked.into_iter().find(|(asked, ..)| *asked) {
            Some((_, flag, reason)) => Err(format!("{flag}: {reason}")),
            None => Ok(()),
        }
    }
}
