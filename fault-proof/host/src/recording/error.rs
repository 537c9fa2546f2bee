//! Why a folder is no recording.
//!
//! **Invariant:** every error names the file; those about content also line and field.

use alloy_primitives::B256;
use opal_types::{L1HeaderError, read::ReadError};

/// See the module.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// The file cannot be read or unpacked.
    #[error("{file}: {error}")]
    Io {
        /// Name of the file.
        file: String,
        /// What the system says.
        error: std::io::Error,
    },
    /// More than is taken in.
    #[error("{file}: is larger than {limit} bytes when unpacked")]
    TooLarge {
        /// Name of the file.
        file: String,
        /// Most bytes.
        limit: u64,
    },
    /// A config that cannot be read.
    #[error("{file}: {error}")]
    Config {
        /// Name of the file.
        file: String,
        /// What is wrong.
        error: Box<ReadError>,
    },
    /// A recording has L1 blocks.
    #[error("{file}: {}", if *.is_there { "holds no block" } else { "is missing" })]
    NoBlocks {
        /// Name of the file.
        file: String,
        /// Whether there is such a file.
        is_there: bool,
    },
    /// A line that does not hold what it should.
    #[error("{file} line {line}: {field}: {fault}")]
    Line {
        /// Name of the file.
        file: String,
        /// Line, from 1.
        line: u64,
        /// Path of the field.
        field: String,
        /// What is wrong.
        fault: Box<LineFault>,
    },
}

/// What is wrong with a field.
#[derive(Debug, thiserror::Error)]
pub enum LineFault {
    /// Not the JSON that is wanted.
    #[error("{0}")]
    Json(serde_json::Error),
    /// Bytes that are no block.
    #[error("block is malformed: {0}")]
    Rlp(alloy_rlp::Error),
    /// Bytes that are no receipt.
    #[error("receipt is malformed: {0}")]
    Receipt(alloy_rlp::Error),
    /// Bytes that are no L1 header.
    #[error(transparent)]
    Header(#[from] L1HeaderError),
    /// A hash that is not that of the content.
    #[error("{claimed} is not that of the block, which is {computed}")]
    Hash {
        /// In the line.
        claimed: B256,
        /// Of the content.
        computed: B256,
    },
    /// A root in the header that is not that of the list.
    #[error("{what} have root {computed}, the header says {claimed}")]
    Root {
        /// Which list.
        what: &'static str,
        /// In the header.
        claimed: B256,
        /// Of the list.
        computed: B256,
    },
    /// A number that the block does not have.
    #[error("{claimed} is not that of the block, which is {found}")]
    Number {
        /// In the line.
        claimed: u64,
        /// In the block.
        found: u64,
    },
    /// Lines follow each other as blocks do.
    #[error("parent is {found}, the line before has {wanted}")]
    NotChild {
        /// Hash in the line before.
        wanted: B256,
        /// Parent hash found.
        found: B256,
    },
    /// A line for this height is there already.
    #[error("{0} is there already")]
    Repeated(u64),
    /// A block that no line holds.
    #[error("{0} is not recorded")]
    UnknownBlock(B256),
    /// Longer than a blob.
    #[error("has {0} bytes, a blob has at most 131072")]
    BlobLength(usize),
    /// A blob that its versioned hash does not name.
    #[error("blob of {claimed} has {}", match .computed {
        Some(computed) => format!("versioned hash {computed}"),
        None => "elements that are no field elements".into(),
    })]
    Blob {
        /// In the line.
        claimed: B256,
        /// Of the data.
        computed: Option<B256>,
    },
    /// Neither a safe head nor an error.
    #[error("has neither result nor error")]
    NoResult,
}
