//! What OP Stack chains are made of: forks, chain configs, payload attributes and roots.
//!
//! Start with [`Fork`], then [`ChainConfig`] and [`Attributes`].
//!
//! **Invariant:** plain data and codecs only. Nothing here reads state, executes or does I/O.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::std_instead_of_core,
        clippy::too_many_lines
    )
)]

extern crate alloc;
// The parsers behind the feature want it; the core proper does not.
#[cfg(feature = "serde")]
extern crate std;

mod attributes;
mod base_fee;
mod batch;
mod blob;
mod block_ref;
mod chain_set;
mod channel;
mod config;
mod deposit;
mod fork;
mod frame;
mod l1_config;
mod l1_header;
mod l1_info;
mod payload;
#[cfg(feature = "serde")]
pub mod read;
mod rlp;
mod root;
mod system_config;
mod transition;
mod upgrades;
mod words;

pub use attributes::Attributes;
pub use base_fee::{BaseFeeError, ExtraData};
pub use batch::{
    Batch, BatchError, RawSpanBatch, SingularBatch, SpanBatch, SpanBlock, SpanEncodeError,
    SpanError, SpanParams, SpanTransactionError, TransactionError,
};
pub use blob::{BLOB_SIZE, BlobError, MAX_BLOB_DATA, decode_blob, encode_blob};
pub use block_ref::L2Ref;
pub use chain_set::{ChainSet, ChainSetError};
pub use channel::{BatchReader, ChannelError, ChannelLimits};
#[cfg(feature = "encode")]
pub use channel::{Compression, compress_channel};
pub use config::{
    AltDa, AltDaCommitment, BaseFeeParams, BlockId, ChainConfig, Genesis, SystemConfig,
};
pub use deposit::{
    DEPOSIT_EVENT, DepositLogError, DepositSource, alias, deposit_from_log, encode_deposit,
};
pub use fork::{Fork, ForkTimes};
pub use frame::{ChannelId, FRAME_OVERHEAD, Frame, FrameError, encode_frames, parse_frames};
pub use l1_config::{BlobParams, BlobScheduleError, L1Config};
pub use l1_header::{L1Flavour, L1Header, L1HeaderError};
pub use l1_info::{
    DEPOSITOR, L1_BLOCK, L1BlockInfo, L1Info, L1InfoError, L1InfoFormat, l1_info_deposit,
};
pub use payload::{PayloadEnvelope, PayloadError, PayloadVersion};
pub use root::{ChainOutput, OutputRoot, OutputRootError, SuperRoot, SuperRootError};
pub use system_config::{
    CONFIG_UPDATE_EVENT, ConfigUpdateError, EpochPosition, FeeScalars, OfBlockError, ScalarError,
    SkippedUpdate,
};
pub use transition::{
    INVALID_TRANSITION, INVALID_TRANSITION_HASH, OptimisticBlock, TransitionState,
    TransitionStateError,
};
pub use upgrades::{UpgradeError, upgrade_gas, upgrade_transactions, wrap_for_set};
