//! Reads a recording: a folder with the L1 blocks, blobs and configs that a chain was derived from, and what a
//! reference node derived.
//!
//! Start with [`Recording::open`]. The files are JSON lines, plain (`l1.jsonl`) or packed (`l1.jsonl.xz`); what
//! stands in a line of each is said in `recording/parts.rs`.
//!
//! **Invariant:** whatever a hash names has that hash: blocks, transactions, receipts and blobs are checked
//! against it, and what does not fit is an error with file, line and field.

mod block;
mod error;
mod lines;
mod parts;
mod receipt;

pub use block::{BlockRlp, block_rlp, split_block};
pub use error::{LineFault, RecordingError};

use alloy_consensus::Header;
use alloy_primitives::{B256, Bytes, Sealed, map::B256Map};
use lines::{Folder, Line};
use opal_types::{
    BlockId, ChainConfig, L1Config, L1Header,
    read::{GenesisFile, l1_config_json, rollup_json},
};
use parts::{L1Line, L2Line, SafeLine, TimelineLine};
use std::{collections::BTreeMap, path::Path, sync::OnceLock};

/// An L1 block.
#[derive(Clone, Debug)]
pub struct L1Block {
    /// What derivation needs of the header.
    pub header: L1Header,
    /// The header's encoding.
    pub header_rlp: Bytes,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
    /// Consensus-encoded. `None` in a block that L1 dropped before anybody asked for them.
    pub receipts: Option<Vec<Bytes>>,
}

/// An L2 block as the reference node derived it.
#[derive(Clone, Debug)]
pub struct RecordedBlock {
    /// Header with its hash.
    pub header: Sealed<Header>,
    /// EIP-2718 encoded.
    pub transactions: Vec<Bytes>,
    /// Consensus-encoded.
    pub receipts: Vec<Bytes>,
    /// One per receipt: the sender's nonce of a deposit from Regolith on.
    pub deposit_nonces: Vec<Option<u64>>,
    /// The L1 block its L1 attributes are from.
    pub l1_origin: BlockId,
    /// Blocks with the same L1 origin before it.
    pub sequence_number: u64,
    /// Storage root of the message passer.
    pub message_passer_root: B256,
    /// Hash of its output root.
    pub output_root: B256,
}

/// What an L1 block made safe: the last L1 block up to it that made blocks safe, and the safe head then.
pub type RecordedSafeHead = Option<(BlockId, BlockId)>;

/// A blob; its commitment is computed when it is first wanted, which takes milliseconds.
#[derive(Debug)]
struct Blob {
    data: Bytes,
    file: String,
    line: u64,
    checked: OnceLock<Option<B256>>,
}

/// A whole recording.
#[derive(Debug)]
pub struct Recording {
    /// The chain's rules.
    pub config: ChainConfig,
    /// L1's rules.
    pub l1_config: L1Config,
    /// Accounts of the chain's first block.
    pub genesis: GenesisFile,
    /// Heads that L1 had, in order; the first is the lowest recorded block.
    pub l1_heads: Vec<B256>,
    /// L2 blocks by height; empty where there is nothing to compare with.
    pub l2: BTreeMap<u64, RecordedBlock>,
    /// Safe heads by L1 height.
    pub safe: BTreeMap<u64, RecordedSafeHead>,
    l1: B256Map<L1Block>,
    blobs: B256Map<Blob>,
}

impl Recording {
    /// Reads the folder.
    pub fn open(path: &Path) -> Result<Self, RecordingError> {
        let folder = Folder::new(path)?;
        let config = folder.parse("rollup.json", rollup_json)?;
        let l1_config = folder.parse("l1-genesis.json", l1_config_json)?;
        let genesis = folder.parse("l2-genesis.json", GenesisFile::from_json)?;
        let mut recording = Self {
            config,
            l1_config,
            genesis,
            l1_heads: Vec::new(),
            l2: BTreeMap::new(),
            safe: BTreeMap::new(),
            l1: B256Map::default(),
            blobs: B256Map::default(),
        };
        recording.read_l1(&folder)?;
        folder.each("blobs.jsonl", |line| recording.add_blob(line))?;
        folder.each("l2.jsonl", |line| recording.add_l2(line))?;
        folder.each("safe.jsonl", |line| recording.add_safe(line))?;
        Ok(recording)
    }

    fn read_l1(&mut self, folder: &Folder) -> Result<(), RecordingError> {
        let mut last: Option<BlockId> = None;
        let mut first = None;
        let has_l1 = folder.each("l1.jsonl", |line| {
            let header = self.add_l1(line, false)?;
            if let Some(last) = last.filter(|last| last.hash != header.parent_hash) {
                let fault = LineFault::NotChild { wanted: last.hash, found: header.parent_hash };
                return Err(line.fault("block", fault));
            }
            first.get_or_insert(header.hash);
            last = Some(header.id());
            Ok(())
        })?;
        let (Some(first), Some(last)) = (first, last) else {
            return Err(folder.no_blocks("l1.jsonl", has_l1));
        };
        folder.each("l1-orphans.jsonl", |line| self.add_l1(line, true).map(drop))?;
        self.l1_heads.push(first);
        folder.each("l1-timeline.jsonl", |line| {
            let head: TimelineLine = line.parse()?;
            if !self.l1.contains_key(&head.hash) {
                return Err(line.fault("hash", LineFault::UnknownBlock(head.hash)));
            }
            self.l1_heads.push(head.hash);
            Ok(())
        })?;
        if self.l1_heads.last() != Some(&last.hash) {
            self.l1_heads.push(last.hash);
        }
        Ok(())
    }

    fn add_l1(&mut self, line: &Line<'_>, is_orphan: bool) -> Result<L1Header, RecordingError> {
        let flavour = self.l1_config.flavour;
        let block = line.parse::<L1Line>()?.check(flavour, is_orphan, line)?;
        let header = block.header.clone();
        self.l1.insert(header.hash, block);
        Ok(header)
    }

    fn add_blob(&mut self, line: &Line<'_>) -> Result<(), RecordingError> {
        let (hash, data) = line.parse::<parts::BlobLine>()?.padded(line)?;
        let (file, number) = (line.file.to_owned(), line.number);
        self.blobs.insert(hash, Blob { data, file, line: number, checked: OnceLock::new() });
        Ok(())
    }

    fn add_l2(&mut self, line: &Line<'_>) -> Result<(), RecordingError> {
        let block = line.parse::<L2Line>()?.check(line)?;
        let number = block.header.number;
        if self.l2.insert(number, block).is_some() {
            return Err(line.fault("number", LineFault::Repeated(number)));
        }
        Ok(())
    }

    fn add_safe(&mut self, line: &Line<'_>) -> Result<(), RecordingError> {
        let safe: SafeLine = line.parse()?;
        let number = safe.l1;
        if self.safe.insert(number, safe.safe_head(line)?).is_some() {
            return Err(line.fault("l1", LineFault::Repeated(number)));
        }
        Ok(())
    }

    /// How many L1 blocks there are, those that were dropped included.
    pub fn l1_blocks(&self) -> u64 {
        self.l1.len() as u64
    }

    /// An L1 block, canonical or not.
    pub fn l1_block(&self, hash: B256) -> Option<&L1Block> {
        self.l1.get(&hash)
    }

    /// The blob with this versioned hash, 131,072 bytes.
    pub fn blob(&self, versioned_hash: B256) -> Result<Option<&Bytes>, RecordingError> {
        let Some(blob) = self.blobs.get(&versioned_hash) else { return Ok(None) };
        let found = *blob.checked.get_or_init(|| parts::versioned_hash(&blob.data));
        if found == Some(versioned_hash) {
            return Ok(Some(&blob.data));
        }
        let fault = LineFault::Blob { claimed: versioned_hash, computed: found }.into();
        let (file, line) = (blob.file.clone(), blob.line);
        Err(RecordingError::Line { file, line, field: "data".into(), fault })
    }

    /// Checks all blobs, so that nothing needs to be checked later.
    pub fn check_blobs(&self) -> Result<(), RecordingError> {
        self.blobs.keys().try_for_each(|hash| self.blob(*hash).map(drop))
    }

    /// Takes a blob out of the recording, as if it had never been in it.
    pub fn forget_blob(&mut self, versioned_hash: B256) -> bool {
        self.blobs.remove(&versioned_hash).is_some()
    }

    /// Takes an L1 block out of the recording: what asks for it finds it missing.
    pub fn forget_l1_block(&mut self, hash: B256) -> bool {
        self.l1.remove(&hash).is_some()
    }
}
