//! Readers of the JSON and TOML forms that other programs write. Never in the guest.
//!
//! Start with [`rollup_json`]; [`BlockFixture`] is what `opal execute` reads, [`Superchain`] the
//! registry's files, [`GenesisFile`] a chain's first block with its accounts, [`l1_config_json`] its
//! L1.
//!
//! The rule for fields: what opal obeys is read; what it knows and has no use for is listed in the
//! file structs with a leading underscore and passed over; anything else is refused by name,
//! because a rule that is not understood cannot be obeyed. The one exception are headers, whose
//! fields are bound by their hash.
//!
//! **Invariant:** text in, value or error out. No file is opened here.

mod fixture;
mod genesis;
mod header;
mod l1_config;
mod registry;
mod rollup;

use crate::BlobScheduleError;
use alloc::string::{String, ToString};
use alloy_primitives::B256;
use serde::de::DeserializeOwned;

pub use fixture::BlockFixture;
pub use genesis::{GenesisAccount, GenesisFile};
pub use header::header_json;
pub use l1_config::l1_config_json;
pub use registry::{Superchain, superchains_json};
pub use rollup::rollup_json;

/// Why a text is not what was asked for. The caller adds the file's name.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A field is missing, unknown or malformed, or the text ends early; the reason names line and
    /// column.
    #[error("{field}: {reason}")]
    Json {
        /// Path of the field, such as `genesis.l1.hash`; `.` at the top.
        field: String,
        /// What the parser says.
        reason: serde_json::Error,
    },
    /// The same in a TOML file.
    #[error("{field}: {}", .reason.message())]
    Toml {
        /// Path of the field.
        field: String,
        /// What the parser says.
        reason: toml::de::Error,
    },
    /// The protocol fixes this value (D4).
    #[error("granite_channel_timeout: {found} is not the protocol's 50")]
    GraniteChannelTimeout {
        /// Value found.
        found: u64,
    },
    /// The fee parameters are in a version that opal does not know (E4).
    #[error("{field}: version {version} of the operator fee parameters is unknown")]
    OperatorFeeVersion {
        /// Path of the field.
        field: &'static str,
        /// First byte found.
        version: u8,
    },
    /// The rules divide or count by this value.
    #[error("{field}: must not be zero")]
    Zero {
        /// Path of the field.
        field: &'static str,
    },
    /// A header without a field that one of its later fields demands has no encoding.
    #[error("header field {field} is absent, although {later} is there")]
    HeaderGap {
        /// The absent field.
        field: &'static str,
        /// The next field that is there.
        later: &'static str,
    },
    /// A header that came with a hash has another one.
    #[error("hash: {claimed} is not the header's, which is {computed}")]
    HeaderHash {
        /// Hash of the fields.
        computed: B256,
        /// The `hash` field.
        claimed: B256,
    },
    /// An L1 with blobs whose price is not told (D24).
    #[error("config.blobSchedule: {fork} is scheduled and has no parameters")]
    NoBlobParams {
        /// The fork.
        fork: &'static str,
    },
    /// Blob parameters that cannot be (D24).
    #[error("config.blobSchedule: {0}")]
    BlobSchedule(BlobScheduleError),
    /// Two fields that say the same differ.
    #[error("{field}: says something else than {other}")]
    Conflict {
        /// Path of the field.
        field: &'static str,
        /// The field it should agree with.
        other: &'static str,
    },
    /// No scheduled fork may come before its predecessor.
    #[error("{later}_time: {later_time} is before {earlier}_time {earlier_time}")]
    ForkOrder {
        /// The fork that comes later by name.
        later: &'static str,
        /// Its time.
        later_time: u64,
        /// Its predecessor.
        earlier: &'static str,
        /// The predecessor's time.
        earlier_time: u64,
    },
}

/// Reads JSON with the failing field's path.
fn json<T: DeserializeOwned>(text: &[u8]) -> Result<T, ReadError> {
    let mut parser = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut parser).map_err(|error| ReadError::Json {
        field: error.path().to_string(),
        reason: error.into_inner(),
    })?;
    let end = parser.end();
    end.map_err(|reason| ReadError::Json { field: ".".to_string(), reason })?;
    Ok(value)
}

/// Reads TOML with the failing field's path.
fn toml_text<T: DeserializeOwned>(text: &str) -> Result<T, ReadError> {
    let parser = toml::Deserializer::parse(text)
        .map_err(|reason| ReadError::Toml { field: ".".to_string(), reason })?;
    serde_path_to_error::deserialize(parser).map_err(|error| ReadError::Toml {
        field: error.path().to_string(),
        reason: error.into_inner(),
    })
}
