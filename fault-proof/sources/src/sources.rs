//! The one place that answers questions about L1 and L2.
//!
//! Start with [`Sources::answer`].
//!
//! **Invariant:** answers are facts, checked by hash as far as hashes reach; see the crate.

use crate::{
    BeaconOptions, CacheCounters, Label, SourceError,
    beacon::{Beacon, Place},
    l1::L1,
    l2::L2,
    prefetch::{Cursor, MAX_WINDOW},
};
use alloy_primitives::{Address, B256, Bytes, U256};
use futures_util::{StreamExt, stream::BoxStream};
use opal_client::{Rpc, RpcCounters, RpcSetupError, RpcStatus};
use opal_derive::{Fact, L2Block, Request};
use opal_execute::{Crypto, RevmCrypto, Signature};
use opal_types::{L1Flavour, L1Header, OutputRoot};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// Who is asked for what.
#[derive(Clone, Debug)]
pub struct SourcesOptions {
    /// L1's execution layer.
    pub l1: Rpc,
    /// How L1 encodes its headers.
    pub flavour: L1Flavour,
    /// L1's blobs; `None` for an L1 without them (T35g).
    pub beacon: Option<BeaconOptions>,
    /// L2's execution layer, if L2 is asked for by RPC.
    pub l2: Option<Rpc>,
    /// L1 contracts whose logs derivation reads: receipts of blocks that may have some are read ahead.
    pub watched: Vec<Address>,
    /// Most memory for what is kept, of L1, L2 and blobs each.
    pub cache_bytes: usize,
    /// Most L1 blocks read ahead; 1 = none.
    pub max_window: u64,
}

impl SourcesOptions {
    /// An L1 like Ethereum, without blobs and L2.
    pub fn new(l1: Rpc) -> Self {
        Self {
            l1,
            flavour: L1Flavour::Ethereum,
            beacon: None,
            l2: None,
            watched: Vec::new(),
            cache_bytes: 64 << 20,
            max_window: MAX_WINDOW,
        }
    }
}

/// Calls to the endpoints, and look-ups in what is kept, since the start (U40).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceCounters {
    /// L1's execution layer.
    pub l1: (RpcCounters, CacheCounters),
    /// Beacon nodes.
    pub beacon: Option<(RpcCounters, CacheCounters)>,
    /// L2's execution layer.
    pub l2: Option<(RpcCounters, CacheCounters)>,
}

#[derive(Debug)]
struct Shared {
    l1: L1,
    beacon: Option<Beacon>,
    l2: Option<L2>,
    max_window: u64,
}

/// See the module. A clone shares everything that is kept, and reads L1 at its own pace: one for each derivation.
#[derive(Debug)]
pub struct Sources {
    shared: Arc<Shared>,
    cursor: Mutex<Cursor>,
}

impl Clone for Sources {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), cursor: Mutex::default() }
    }
}

impl Sources {
    /// Nothing is asked before the first question.
    pub fn new(options: SourcesOptions) -> Result<Self, RpcSetupError> {
        let SourcesOptions { l1, flavour, beacon, l2, watched, cache_bytes, max_window } = options;
        let beacon = beacon.map(|it| Beacon::new(it, cache_bytes)).transpose()?;
        let shared = Shared {
            l1: L1::new(l1, flavour, watched, cache_bytes),
            beacon,
            l2: l2.map(|rpc| L2::new(rpc, cache_bytes)),
            max_window,
        };
        Ok(Self { shared: Arc::new(shared), cursor: Mutex::default() })
    }

    /// Answers what derivation asks.
    pub async fn answer(&self, request: &Request) -> Result<Fact, SourceError> {
        match self.read(request).await {
            Err(error) => Err(self.explain(request, error).await),
            answer => answer,
        }
    }

    /// What belongs to a block that L1 dropped may never come, whatever servers say about it.
    async fn explain(&self, request: &Request, error: SourceError) -> SourceError {
        let (what, block) = match request {
            Request::L1Transactions { block } => ("transactions", block),
            Request::L1Receipts { block } => ("receipts", block),
            Request::Blobs { block, .. } => ("blobs", block),
            _ => return error,
        };
        match self.shared.l1.successor(*block).await {
            None => error,
            Some(canonical) => SourceError::Reorged {
                what: format!("{what} of L1 block {block}"),
                number: canonical.number,
                canonical: canonical.hash,
            },
        }
    }

    async fn read(&self, request: &Request) -> Result<Fact, SourceError> {
        Ok(match request {
            Request::L1Header { number } => Fact::L1Header(self.next_l1_header(*number).await?),
            Request::L1Transactions { block } => {
                Fact::L1Transactions(self.shared.l1.transactions(*block).await?)
            }
            Request::L1Receipts { block } => {
                Fact::L1Receipts(self.shared.l1.receipts(*block).await?)
            }
            Request::Blobs { block, timestamp, hashes } => {
                Fact::Blobs(self.blobs(*block, *timestamp, hashes).await?)
            }
            Request::Signer { hash, signature } => Fact::Signer(signer(hash, signature)),
            Request::L2Block { hash } => Fact::L2Block(self.l2()?.block(*hash).await?.0),
            Request::L2Ancestor { descendant, number } => {
                Fact::L2Ancestor(self.l2()?.ancestor(*descendant, *number).await?)
            }
            Request::L2Transactions { block } => {
                Fact::L2Transactions(self.l2()?.block(*block).await?.1)
            }
        })
    }

    /// The header, read ahead for who goes up block by block.
    async fn next_l1_header(&self, number: u64) -> Result<Option<L1Header>, SourceError> {
        let length = {
            let mut cursor = self.cursor();
            if let Some(header) = cursor.take(number) {
                return Ok(Some(header));
            }
            cursor.plan(number, self.shared.max_window.clamp(1, MAX_WINDOW))
        };
        let read = match length {
            1 => self.shared.l1.header(number).await?.into_iter().collect(),
            _ => self.shared.l1.window(number, length).await?,
        };
        Ok(self.cursor().fill(number, read))
    }

    fn cursor(&self) -> std::sync::MutexGuard<'_, Cursor> {
        self.cursor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn blobs(
        &self,
        block: B256,
        timestamp: u64,
        hashes: &[B256],
    ) -> Result<Vec<Bytes>, SourceError> {
        if hashes.is_empty() {
            return Ok(Vec::new());
        }
        let l1 = &self.shared.l1;
        let beacon = self.shared.beacon.as_ref().ok_or_else(|| SourceError::NotOffered {
            what: format!("blobs of L1 block {block}"),
            need: "no beacon endpoint is set".to_owned(),
        })?;
        let number = match beacon.wants_number().await? {
            true => Some(l1.header_by_hash(block).await?.number),
            false => None,
        };
        beacon.blobs(Place { block, number, timestamp }, hashes).await
    }

    fn l2(&self) -> Result<&L2, SourceError> {
        self.shared.l2.as_ref().ok_or_else(|| SourceError::NotOffered {
            what: "L2 block".to_owned(),
            need: "no L2 endpoint is set".to_owned(),
        })
    }

    /// The L1 block that a label points at; `None` where L1 does not have one (yet).
    pub async fn l1_head(&self, label: Label) -> Result<Option<L1Header>, SourceError> {
        self.shared.l1.head(label).await
    }

    /// The canonical L1 header at a height, as of now.
    pub async fn l1_header(&self, number: u64) -> Result<Option<L1Header>, SourceError> {
        self.shared.l1.header(number).await
    }

    /// The L1 header with this hash.
    pub async fn l1_header_by_hash(&self, hash: B256) -> Result<L1Header, SourceError> {
        self.shared.l1.header_by_hash(hash).await
    }

    /// L1's chain id, to be compared with the config's.
    pub async fn l1_chain_id(&self) -> Result<u64, SourceError> {
        self.shared.l1.chain_id().await
    }

    /// The L2 block that a label points at; `None` where there is none (yet).
    pub async fn l2_head(&self, label: Label) -> Result<Option<L2Block>, SourceError> {
        Ok(self.l2()?.labelled(label).await?.map(|(block, _)| block))
    }

    /// The L2 block at a height; `None` where there is none (yet).
    pub async fn l2_block(&self, number: u64) -> Result<Option<L2Block>, SourceError> {
        Ok(self.l2()?.block_by_number(number).await?.map(|(block, _)| block))
    }

    /// An L2 block with its transactions.
    pub async fn l2_block_by_hash(&self, hash: B256) -> Result<(L2Block, Vec<Bytes>), SourceError> {
        self.l2()?.block(hash).await
    }

    /// What claims about an L2 block commit to.
    pub async fn output_root(&self, block: B256) -> Result<OutputRoot, SourceError> {
        self.l2()?.output_root(block).await
    }

    /// Tells of new L1 blocks where an L1 endpoint is a WebSocket; elsewhere [`Self::l1_head`] has to be asked. The stream
    /// ends when the connection breaks.
    pub async fn l1_news(&self) -> Result<Option<BoxStream<'static, ()>>, SourceError> {
        let rpc = &self.shared.l1.rpc;
        let news = rpc.subscribe(["newHeads"]).await.map_err(|error| SourceError::Rpc {
            what: format!("new heads of {}", rpc.name()),
            error,
        })?;
        Ok(news.map(|stream| stream.map(drop).boxed()))
    }

    /// What was asked so far, and what was known already.
    pub fn counters(&self) -> SourceCounters {
        let Shared { l1, beacon, l2, .. } = &*self.shared;
        SourceCounters {
            l1: (l1.rpc.counters(), l1.counters()),
            beacon: beacon.as_ref().map(Beacon::counters),
            l2: l2.as_ref().map(|it| (it.rpc.counters(), it.counters())),
        }
    }

    /// A line for people while a transport waits for somebody; `None` while all is well.
    pub fn waits_for(&self) -> Option<String> {
        self.statuses().iter().find_map(|it| it.borrow().describe())
    }

    /// What the transports wait for: L1, beacon, L2 as far as they are set.
    pub fn statuses(&self) -> Vec<watch::Receiver<RpcStatus>> {
        let Shared { l1, beacon, l2, .. } = &*self.shared;
        let mut statuses = vec![l1.rpc.status()];
        statuses.extend(beacon.iter().map(Beacon::status));
        statuses.extend(l2.iter().map(|it| it.rpc.status()));
        statuses
    }
}

/// Who signed `hash`: r, s, parity.
fn signer(hash: &B256, signature: &[u8; 65]) -> Option<Address> {
    let (words, parity) = signature.split_at(64);
    let (r, s) = words.split_at(32);
    let signature =
        Signature { odd: parity == [1], r: U256::from_be_slice(r), s: U256::from_be_slice(s) };
    RevmCrypto.recover(hash, &signature).ok().flatten()
}
