//! Reads of L1.
//!
//! Start with [`L1::header`], [`L1::transactions`], [`L1::receipts`] and [`L1::head`].
//!
//! **Invariant:** blocks are kept by hash, so what is kept never goes stale; which block is canonical at a height is
//! asked anew, except as far as L1 has finalized it.

use crate::{
    Fault, SourceError,
    block::{Block, Head, Which, check_root, complete, read_block, read_head},
    cache::{Cache, CacheCounters},
    error::Trouble,
    header::RpcBlock,
    receipt::RpcReceipt,
};
use alloy_primitives::{Address, B256, Bytes};
use futures_util::future::BoxFuture;
use opal_client::{Call, Rpc};
use opal_types::{L1Flavour, L1Header};
use serde::Deserialize;
use std::sync::atomic::{AtomicU64, Ordering};

/// What one entry of a cache costs besides its bytes.
const OVERHEAD: usize = 200;
/// About what an [`L1Header`] takes.
const HEADER_BYTES: usize = 700;

/// A block that L1 itself points at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Label {
    /// The newest.
    Latest,
    /// Not reorged unless something goes badly wrong.
    Safe,
    /// Never reorged.
    Finalized,
}

impl Label {
    /// As JSON-RPC writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Latest => "latest",
            Self::Safe => "safe",
            Self::Finalized => "finalized",
        }
    }
}

/// See the module.
#[derive(Debug)]
pub(crate) struct L1 {
    pub(crate) rpc: Rpc,
    pub(crate) flavour: L1Flavour,
    /// Contracts whose logs are wanted: receipts of blocks that may hold some are read ahead.
    watched: Vec<Address>,
    headers: Cache<B256, L1Header>,
    /// Hashes of finalized blocks.
    canonical: Cache<u64, B256>,
    transactions: Cache<B256, Vec<Bytes>>,
    receipts: Cache<B256, Vec<Bytes>>,
    finalized: AtomicU64,
}

#[derive(Deserialize)]
struct Reference {
    hash: B256,
}

impl L1 {
    pub(crate) fn new(
        rpc: Rpc,
        flavour: L1Flavour,
        watched: Vec<Address>,
        cache_bytes: usize,
    ) -> Self {
        Self {
            rpc,
            flavour,
            watched,
            headers: Cache::new(cache_bytes / 8),
            canonical: Cache::new(cache_bytes / 8),
            transactions: Cache::new(cache_bytes / 2),
            receipts: Cache::new(cache_bytes / 4),
            finalized: AtomicU64::new(0),
        }
    }

    /// The canonical header at a height; `None` where L1 ends before it.
    pub(crate) async fn header(&self, number: u64) -> Result<Option<L1Header>, SourceError> {
        Ok(self.window(number, 1).await?.into_iter().next())
    }

    /// The canonical headers from a height on, with their transactions; as many as there are, at most `length`. With a
    /// quorum: from an endpoint whose last one enough endpoints have as well. The others hang on it.
    pub(crate) async fn window(
        &self,
        from: u64,
        length: u64,
    ) -> Result<Vec<L1Header>, SourceError> {
        let known: Vec<_> = (from..from.saturating_add(length))
            .map_while(|number| self.finalized_header(number))
            .collect();
        if !known.is_empty() {
            return Ok(known);
        }
        if self.rpc.quorum() == 1 {
            let headers = self.window_of(&self.rpc, from, length).await?;
            return Ok(self.keep_window(headers).await);
        }
        let mut fault = None;
        for view in self.rpc.each() {
            let read = self.window_of(&view, from, length).await;
            match read {
                Ok(headers) if self.is_confirmed(&headers).await? => {
                    return Ok(self.keep_window(headers).await);
                }
                Ok(_) => (),
                Err(error) => fault = Some(error),
            }
        }
        Err(fault.unwrap_or_else(|| SourceError::Waits {
            what: format!("{} block {from}", self.rpc.name()),
            why: "no endpoint has the block that most of them have".to_owned(),
        }))
    }

    async fn window_of(
        &self,
        rpc: &Rpc,
        from: u64,
        length: u64,
    ) -> Result<Vec<L1Header>, SourceError> {
        let numbers = from..from.saturating_add(length);
        let calls = numbers.clone().map(|it| Which::Number(it).call(true)).collect();
        let mut headers: Vec<L1Header> = Vec::new();
        for (number, json) in numbers.zip(rpc.batch::<Option<RpcBlock>>(calls).await) {
            let header = match (self.listed(rpc, number, json).await, headers.last()) {
                // Whoever was asked for this block alone is told why it cannot be had.
                (Err(_), None) => match self.first_header(rpc, number).await? {
                    Some(header) => header,
                    None => break,
                },
                (Err(_) | Ok(None), _) => break,
                (Ok(Some(header)), Some(last)) if header.parent_hash != last.hash => break,
                (Ok(Some(header)), _) => header,
            };
            headers.push(header);
        }
        Ok(headers)
    }

    /// Notes what else the blocks of a window are good for.
    async fn keep_window(&self, headers: Vec<L1Header>) -> Vec<L1Header> {
        let finalized = self.finalized.load(Ordering::Relaxed);
        for header in headers.iter().filter(|it| it.number <= finalized) {
            self.canonical.insert(header.number, header.hash, OVERHEAD);
        }
        self.read_receipts_ahead(&headers).await;
        headers
    }

    /// A block out of a batch.
    async fn listed(
        &self,
        rpc: &Rpc,
        number: u64,
        json: Result<Option<RpcBlock>, opal_client::RpcError>,
    ) -> Result<Option<L1Header>, Trouble> {
        let Some(json) = json? else { return Ok(None) };
        let block = complete(rpc, Which::Number(number), json, self.flavour).await?;
        Ok(Some(self.keep(block)?))
    }

    async fn first_header(&self, rpc: &Rpc, number: u64) -> Result<Option<L1Header>, SourceError> {
        let what = format!("{} block {number}", rpc.name());
        let flavour = self.flavour;
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_block(&view, Which::Number(number), flavour).await })
        };
        let Some((block, endpoint)) = first_right(rpc, &what, read).await? else {
            return Ok(None);
        };
        let wrong = |fault| SourceError::Wrong { what: what.clone(), endpoint, fault };
        self.keep(block).map(Some).map_err(wrong)
    }

    /// Whether enough endpoints have the last of these blocks.
    async fn is_confirmed(&self, headers: &[L1Header]) -> Result<bool, SourceError> {
        let Some(last) = headers.last() else { return Ok(true) };
        let call = Which::Number(last.number).call(false);
        let hash = |found: &Option<Reference>| found.as_ref().map(|it| it.hash);
        let agreed = self.rpc.agreed::<Option<Reference>, _>(call, hash).await;
        let agreed = agreed.map_err(|error| {
            let what = format!("{} block {}", self.rpc.name(), last.number);
            SourceError::Rpc { what, error }
        })?;
        Ok(hash(&agreed) == Some(last.hash))
    }

    /// Keeps a block's parts by its hash.
    fn keep(&self, block: Block) -> Result<L1Header, Fault> {
        let header = self.keep_head(&block.head)?;
        let size = block.transactions.iter().map(|it| it.len() + OVERHEAD).sum::<usize>();
        self.transactions.insert(header.hash, block.transactions, size + OVERHEAD);
        Ok(header)
    }

    fn keep_head(&self, head: &Head) -> Result<L1Header, Fault> {
        let header = self
            .flavour
            .decode_sealed(&head.rlp, head.hash)
            .map_err(|error| Fault::Malformed { what: "L1 header", why: error.to_string() })?;
        self.headers.insert(header.hash, header.clone(), HEADER_BYTES);
        Ok(header)
    }

    fn finalized_header(&self, number: u64) -> Option<L1Header> {
        self.headers.read(&self.canonical.read(&number)?)
    }

    /// Reads receipts that will be wanted. If that fails, they are read when they are.
    async fn read_receipts_ahead(&self, headers: &[L1Header]) {
        let wanted = |it: &&L1Header| self.watched.iter().any(|contract| it.may_log(*contract));
        let wanted: Vec<_> = headers.iter().filter(wanted).collect();
        if headers.len() < 2 || !self.rpc.may_offer("eth_getBlockReceipts") {
            return;
        }
        let call = |it: &&L1Header| Call::new("eth_getBlockReceipts", [it.hash]);
        let lists = self.rpc.batch::<Option<Vec<RpcReceipt>>>(wanted.iter().map(call).collect());
        for (header, list) in wanted.iter().zip(lists.await) {
            if let Ok(Some(list)) = list {
                drop(self.keep_receipts(header, list.into_iter().map(RpcReceipt::encode)));
            }
        }
    }

    fn keep_receipts(
        &self,
        header: &L1Header,
        receipts: impl Iterator<Item = Bytes>,
    ) -> Result<Vec<Bytes>, Fault> {
        let receipts: Vec<_> = receipts.collect();
        check_root("receipts", &receipts, header.receipts_root)?;
        let size = receipts.iter().map(|it| it.len() + OVERHEAD).sum::<usize>();
        self.receipts.insert(header.hash, receipts.clone(), size + OVERHEAD);
        Ok(receipts)
    }

    /// The block that L1 points at; `None` where it does not have one (yet).
    pub(crate) async fn head(&self, label: Label) -> Result<Option<L1Header>, SourceError> {
        let what = format!("{} {} block", self.rpc.name(), label.as_str());
        // By its height, so that a window of blocks read ahead learns of a reorg (T39).
        let Some(number) = self.agreed_height(label, &what).await? else { return Ok(None) };
        let header = self.header(number).await?;
        if label == Label::Finalized
            && let Some(header) = &header
        {
            self.finalized.fetch_max(header.number, Ordering::Relaxed);
        }
        Ok(header)
    }

    /// The highest height that enough endpoints have reached.
    async fn agreed_height(&self, label: Label, what: &str) -> Result<Option<u64>, SourceError> {
        let mut heights = Vec::new();
        let mut last = None;
        for view in self.rpc.each() {
            match read_head(&view, Which::Label(label), self.flavour).await {
                Ok(head) => heights.push(head.map(|it| it.number)),
                Err(trouble) => last = Some((view.endpoint(), trouble)),
            }
        }
        heights.sort_unstable_by(|a, b| b.cmp(a));
        match (heights.get(self.rpc.quorum() - 1), last) {
            (Some(height), _) => Ok(*height),
            (None, Some((endpoint, trouble))) => Err(trouble.about(what, endpoint)),
            (None, None) => Ok(None),
        }
    }

    /// The header of a block.
    pub(crate) async fn header_by_hash(&self, hash: B256) -> Result<L1Header, SourceError> {
        if let Some(header) = self.headers.read(&hash) {
            return Ok(header);
        }
        let (what, flavour) = (format!("{} block {hash}", self.rpc.name()), self.flavour);
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_head(&view, Which::Hash(hash), flavour).await })
        };
        let found = first_right(&self.rpc, &what, read).await?;
        let (head, endpoint) = found.ok_or_else(|| self.waits(what.clone()))?;
        self.keep_head(&head).map_err(|fault| SourceError::Wrong { what, endpoint, fault })
    }

    /// All transactions of a block.
    pub(crate) async fn transactions(&self, hash: B256) -> Result<Vec<Bytes>, SourceError> {
        if let Some(transactions) = self.transactions.read(&hash) {
            return Ok(transactions);
        }
        let what = format!("transactions of {} block {hash}", self.rpc.name());
        let flavour = self.flavour;
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_block(&view, Which::Hash(hash), flavour).await })
        };
        let Some((block, endpoint)) = first_right(&self.rpc, &what, read).await? else {
            return Err(self.waits(what));
        };
        let transactions = block.transactions.clone();
        let wrong = |fault| SourceError::Wrong { what, endpoint, fault };
        self.keep(block).map(|_| transactions).map_err(wrong)
    }

    /// All receipts of a block.
    pub(crate) async fn receipts(&self, hash: B256) -> Result<Vec<Bytes>, SourceError> {
        if let Some(receipts) = self.receipts.read(&hash) {
            return Ok(receipts);
        }
        let what = format!("receipts of {} block {hash}", self.rpc.name());
        let header = self.header_by_hash(hash).await?;
        let transactions = self.transactions(hash).await?;
        let (header, transactions) = (&header, &transactions);
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { self.read_receipts(&view, header, transactions).await })
        };
        match first_right(&self.rpc, &what, read).await? {
            Some((receipts, _)) => Ok(receipts),
            None => Err(self.waits(what)),
        }
    }

    /// Asks one server: for all at once, raw, or one by one, whichever it offers and gets right.
    async fn read_receipts(
        &self,
        view: &Rpc,
        header: &L1Header,
        transactions: &[Bytes],
    ) -> Result<Option<Vec<Bytes>>, Trouble> {
        let mut wrong = None;
        let mut settle =
            |receipts: Vec<Bytes>| match self.keep_receipts(header, receipts.into_iter()) {
                Ok(receipts) => Some(receipts),
                Err(fault) => {
                    wrong = Some(fault);
                    None
                }
            };
        let listed = view
            .call_if_offered::<Option<Vec<RpcReceipt>>>("eth_getBlockReceipts", [header.hash])
            .await?;
        let encode = |it: Vec<RpcReceipt>| it.into_iter().map(RpcReceipt::encode).collect();
        if let Some(receipts) = listed.flatten().map(encode).and_then(&mut settle) {
            return Ok(Some(receipts));
        }
        let raw = view
            .call_if_offered::<Option<Vec<Bytes>>>("debug_getRawReceipts", [header.hash])
            .await
            .unwrap_or_default();
        if let Some(receipts) = raw.flatten().and_then(&mut settle) {
            return Ok(Some(receipts));
        }
        if let Some(receipts) = one_by_one(view, transactions).await?.and_then(&mut settle) {
            return Ok(Some(receipts));
        }
        wrong.map_or(Ok(None), |fault| Err(fault.into()))
    }

    fn waits(&self, what: String) -> SourceError {
        let why = format!("{} does not have it", self.rpc.endpoint());
        SourceError::Waits { what, why }
    }

    /// The block that is canonical in the place of this one, if L1 dropped it.
    pub(crate) async fn successor(&self, hash: B256) -> Option<L1Header> {
        let number = self.headers.read(&hash)?.number;
        let canonical = self.header(number).await.ok()??;
        (canonical.hash != hash).then_some(canonical)
    }

    pub(crate) fn counters(&self) -> CacheCounters {
        self.headers.counters() + self.transactions.counters() + self.receipts.counters()
    }

    /// L1's chain id.
    pub(crate) async fn chain_id(&self) -> Result<u64, SourceError> {
        let id: alloy_primitives::U64 =
            self.rpc.call("eth_chainId", ()).await.map_err(|error| SourceError::Rpc {
                what: format!("{} chain id", self.rpc.name()),
                error,
            })?;
        Ok(id.to())
    }
}

/// Receipt by receipt. `None` = some are not there.
async fn one_by_one(view: &Rpc, transactions: &[Bytes]) -> Result<Option<Vec<Bytes>>, Trouble> {
    let hash = |raw: &Bytes| alloy_primitives::keccak256(raw);
    let call = |raw: &Bytes| Call::new("eth_getTransactionReceipt", [hash(raw)]);
    let calls = transactions.iter().map(call).collect();
    let mut receipts = Vec::with_capacity(transactions.len());
    for receipt in view.batch::<Option<RpcReceipt>>(calls).await {
        let Some(receipt) = receipt? else { return Ok(None) };
        receipts.push(receipt.encode());
    }
    Ok(Some(receipts))
}

/// Asks endpoint by endpoint until one gives the right thing, and says which. `None` = nobody has it. Faults of
/// endpoints only matter where none does better.
pub(crate) async fn first_right<'a, T>(
    rpc: &Rpc,
    what: &str,
    ask: impl Fn(Rpc) -> BoxFuture<'a, Result<Option<T>, Trouble>>,
) -> Result<Option<(T, String)>, SourceError> {
    let mut worst = None;
    let mut is_missing = false;
    for view in rpc.each() {
        let endpoint = view.endpoint();
        match ask(view).await {
            Ok(Some(found)) => return Ok(Some((found, endpoint))),
            Ok(None) => is_missing = true,
            Err(trouble @ Trouble::Wrong(_)) => worst = Some(trouble.about(what, endpoint)),
            Err(trouble @ Trouble::Rpc(_)) => {
                worst.get_or_insert_with(|| trouble.about(what, endpoint));
            }
        }
    }
    match worst {
        Some(error @ SourceError::Wrong { .. }) => Err(error),
        _ if is_missing => Ok(None),
        Some(error) => Err(error),
        None => Ok(None),
    }
}

/// A proof of the storage root of an account, by JSON-RPC.
pub(crate) fn proof_call(account: Address, block: B256) -> Call {
    let none: [B256; 0] = [];
    Call::new("eth_getProof", (account, none, block))
}
