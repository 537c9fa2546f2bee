//! The recorded runs of the real Go stack, as engines and blocks.

use alloy_consensus::Header;
use alloy_primitives::{B256, Sealable, Sealed};
use opal_engine::{BlockData, Engine, EngineOptions, L1Rules, PoolLimits, Rules, StoreLocation};
use opal_harness::{skipped, vectors_root};
use opal_host::Recording;
use opal_types::read::GenesisFile;
use std::path::PathBuf;

/// All recordings.
pub(crate) const FOLDERS: [&str; 7] = [
    "a-allforks-singular-calldata",
    "b-span-blobs-brotli",
    "d-window-expiry",
    "e-small-frames",
    "g-l1-reorg",
    "h-inject-holocene",
    "i-genesis-jovian-l1-blob-schedule",
];

/// A recording with its folder.
pub(crate) struct Recorded {
    pub(crate) folder: PathBuf,
    pub(crate) recording: Recording,
}

/// Opens a recording; `None` where there are no vectors.
pub(crate) fn open(name: &str, test: &str) -> Option<Recorded> {
    let folder = vectors_root().join("derivation").join(name);
    if !folder.is_dir() {
        skipped(test, &format!("no recording at {}", folder.display()));
        return None;
    }
    let recording = Recording::open(&folder).unwrap();
    Some(Recorded { folder, recording })
}

impl Recorded {
    pub(crate) fn l2_engine(&self, store: StoreLocation) -> Engine {
        let rules = Rules::L2(Box::new(self.recording.config.clone()));
        let genesis = self.recording.genesis.clone();
        Engine::open(EngineOptions { rules, genesis, store, pool: PoolLimits::STANDARD }).unwrap()
    }

    /// The L2 blocks behind the first one.
    pub(crate) fn l2_blocks(&self) -> impl Iterator<Item = BlockData> {
        self.recording.l2.values().skip(1).map(|block| BlockData {
            header: block.header.inner().clone(),
            hash: block.header.hash(),
            transactions: block.transactions.clone(),
            withdrawals: block.header.withdrawals_root.map(|_| Vec::new()),
        })
    }

    pub(crate) fn l1_engine(&self, store: StoreLocation) -> Engine {
        let text = std::fs::read(self.folder.join("l1-genesis.json")).unwrap();
        let rules = Rules::L1(L1Rules::from_genesis_json(&text).unwrap());
        let genesis = GenesisFile::from_json(&text).unwrap();
        Engine::open(EngineOptions { rules, genesis, store, pool: PoolLimits::STANDARD }).unwrap()
    }

    /// An L1 block.
    pub(crate) fn l1_block(&self, hash: B256) -> BlockData {
        let block = self.recording.l1_block(hash).unwrap();
        let header = self.l1_header(hash);
        BlockData {
            hash,
            transactions: block.transactions.clone(),
            withdrawals: header.withdrawals_root.map(|_| Vec::new()),
            header: header.into_inner(),
        }
    }

    pub(crate) fn l1_header(&self, hash: B256) -> Sealed<Header> {
        let block = self.recording.l1_block(hash).unwrap();
        let header: Header = alloy_rlp::decode_exact(&block.header_rlp).unwrap();
        header.seal_slow()
    }

    /// The L1 chain from behind the first block up to this one.
    pub(crate) fn l1_chain(&self, head: B256) -> Vec<B256> {
        let mut chain = vec![];
        let mut hash = head;
        while self.l1_header(hash).number > 0 {
            chain.push(hash);
            hash = self.l1_header(hash).parent_hash;
        }
        chain.reverse();
        chain
    }
}
