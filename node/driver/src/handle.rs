//! What others may ask of a driver that runs: its status, outputs, safe heads, and commands.
//!
//! Start with [`DriverHandle`].
//!
//! **Invariant:** reads never wait for derivation; commands wait for the next tick.

use crate::{
    labels::Labels,
    rollup_config::rollup_config_json,
    safe_db::{SafeDb, SafeDbError, SafeEntry},
    sequencer::SequencerError,
    status::{OutputAtBlock, SyncStatus},
};
use alloy_primitives::B256;
use opal_derive::{HeadError, L2Block, L2Head};
use opal_engine::{EngineHandle, HandleError, L2BlockBody};
use opal_types::{ChainConfig, L2Ref, PayloadEnvelope};
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot, watch};

/// Commands that may wait for the next tick.
pub(crate) const MAX_COMMANDS: usize = 64;

/// What a driver shows of itself after each tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The heads.
    pub sync_status: SyncStatus,
    /// The L2 heads, once they are known.
    pub labels: Option<Labels>,
    /// What is missing or unreachable, for people.
    pub waits_for: Option<String>,
    /// Why nobody can go on.
    pub fault: Option<String>,
    /// Whether blocks are built here.
    pub is_sequencing: bool,
    /// Whether building waits for the safe head.
    pub is_lagging: bool,
    /// How often derivation found its start.
    pub starts: u64,
    /// Blocks that derivation executed, because they were not there or were others.
    pub executed: u64,
    /// Attributes that the engine refused.
    pub refused: u64,
}

/// What a driver is told to do.
#[derive(Debug)]
pub(crate) enum Command {
    Start { head: B256, reply: oneshot::Sender<Result<(), SequencerError>> },
    Stop { reply: oneshot::Sender<Result<B256, SequencerError>> },
    SetRecovers { recovers: bool, reply: oneshot::Sender<Result<(), SequencerError>> },
    SetMaxSafeLag { lag: Option<u64>, reply: oneshot::Sender<Result<(), SequencerError>> },
    Reset { reply: oneshot::Sender<()> },
    Insert { payload: Box<PayloadEnvelope> },
}

/// Why a command was not obeyed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The sequencer has reasons.
    #[error(transparent)]
    Sequencer(#[from] SequencerError),
    /// The payload is not the block that it says.
    #[error("payload has bad block hash: {claimed}, actual block hash is: {computed}")]
    PayloadHash {
        /// Hash in the payload.
        claimed: B256,
        /// Hash of its fields.
        computed: B256,
    },
    /// The payload has no header.
    #[error("payload is malformed: {0}")]
    Payload(#[from] opal_types::PayloadError),
    /// Nobody is there any more.
    #[error("the driver has stopped")]
    Stopped,
    /// Too many commands wait.
    #[error("the driver is busy")]
    Busy,
}

/// Why a read has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no such block; the text is the Go node's.
    #[error(
        "failed to get L2 block ref with sync status: failed to determine L2BlockRef of height {0}, could not get payload: not found"
    )]
    NoBlock(u64),
    /// The block's state is not there.
    #[error("failed to get L2 output at block {hash}:{number}: not found")]
    NoOutput {
        /// Hash of the block.
        hash: B256,
        /// Its height.
        number: u64,
    },
    /// The engine.
    #[error(transparent)]
    Engine(#[from] HandleError),
    /// The block is none of this chain.
    #[error(transparent)]
    Block(#[from] HeadError),
    /// The database.
    #[error(transparent)]
    SafeDb(#[from] SafeDbError),
}

/// See the module.
#[derive(Clone, Debug)]
pub struct DriverHandle {
    pub(crate) config: Arc<ChainConfig>,
    pub(crate) engine: EngineHandle,
    pub(crate) safe_db: Arc<SafeDb>,
    pub(crate) snapshot: watch::Receiver<Arc<Snapshot>>,
    pub(crate) commands: mpsc::Sender<Command>,
}

impl DriverHandle {
    /// The chain's rules.
    pub fn config(&self) -> &ChainConfig {
        &self.config
    }

    /// All there is to show.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.borrow().clone()
    }

    /// Tells when something changes.
    pub fn subscribe(&self) -> watch::Receiver<Arc<Snapshot>> {
        self.snapshot.clone()
    }

    /// The heads.
    pub fn sync_status(&self) -> SyncStatus {
        self.snapshot.borrow().sync_status
    }

    /// The config as the Go node writes it.
    pub fn rollup_config(&self) -> serde_json::Value {
        rollup_config_json(&self.config)
    }

    /// The program's version.
    pub fn version(&self) -> String {
        format!("opal/v{}", env!("CARGO_PKG_VERSION"))
    }

    /// Which block the L1 blocks up to this one made safe; `None` before the first.
    pub fn safe_head_at_l1_block(&self, number: u64) -> Result<Option<SafeEntry>, SafeDbError> {
        self.safe_db.at(number)
    }

    /// The output root after a block, with the heads.
    pub async fn output_at_block(&self, number: u64) -> Result<OutputAtBlock, ReadError> {
        let sync_status = self.sync_status();
        let block = self.engine.block_by_number(number).await?;
        let block = block.ok_or(ReadError::NoBlock(number))?;
        let reference = reference(&self.config, &block)?;
        let hash = reference.hash;
        let output = self.engine.output_root(hash).await?;
        let output = output.ok_or(ReadError::NoOutput { hash, number })?;
        Ok(OutputAtBlock {
            version: B256::ZERO,
            output_root: output.hash(),
            block_ref: reference.into(),
            withdrawal_storage_root: output.message_passer_root,
            state_root: output.state_root,
            sync_status,
        })
    }

    /// Begins to build blocks on this head, which must be the newest block.
    pub async fn start_sequencer(&self, head: B256) -> Result<(), CommandError> {
        self.command(|reply| Command::Start { head, reply }).await?.map_err(Into::into)
    }

    /// Stops building blocks. Tells the newest one.
    pub async fn stop_sequencer(&self) -> Result<B256, CommandError> {
        self.command(|reply| Command::Stop { reply }).await?.map_err(Into::into)
    }

    /// Whether blocks are built here.
    pub fn is_sequencing(&self) -> bool {
        self.snapshot.borrow().is_sequencing
    }

    /// Switches recovery: newest L1 origins, no users' transactions.
    pub async fn set_recover_mode(&self, recovers: bool) -> Result<(), CommandError> {
        let command = |reply| Command::SetRecovers { recovers, reply };
        self.command(command).await?.map_err(Into::into)
    }

    /// Changes the lag behind the safe head at which sequencing pauses.
    pub async fn set_max_safe_lag(&self, lag: Option<u64>) -> Result<(), CommandError> {
        let command = |reply| Command::SetMaxSafeLag { lag, reply };
        self.command(command).await?.map_err(Into::into)
    }

    /// Derivation starts again.
    pub async fn reset_derivation(&self) -> Result<(), CommandError> {
        self.command(|reply| Command::Reset { reply }).await
    }

    /// A block that somebody else sequenced. It is taken when its parent is the newest block.
    pub fn post_unsafe_payload(&self, payload: PayloadEnvelope) -> Result<(), CommandError> {
        let claimed = payload.block_hash;
        let computed = payload.header()?.hash_slow();
        if claimed != computed {
            return Err(CommandError::PayloadHash { claimed, computed });
        }
        let command = Command::Insert { payload: Box::new(payload) };
        self.commands.try_send(command).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => CommandError::Busy,
            mpsc::error::TrySendError::Closed(_) => CommandError::Stopped,
        })
    }

    async fn command<T>(
        &self,
        command: impl FnOnce(oneshot::Sender<T>) -> Command,
    ) -> Result<T, CommandError> {
        let (reply, answer) = oneshot::channel();
        self.commands.send(command(reply)).await.map_err(|_| CommandError::Stopped)?;
        answer.await.map_err(|_| CommandError::Stopped)
    }
}

/// How a block begins, for derivation.
pub(crate) fn beginning(block: &L2BlockBody) -> L2Block {
    let first_transaction = block.transactions.first().cloned();
    L2Block { header: block.header.clone(), first_transaction }
}

/// The place of a block.
pub(crate) fn reference(config: &ChainConfig, block: &L2BlockBody) -> Result<L2Ref, HeadError> {
    L2Head::reference(config, &beginning(block))
}
