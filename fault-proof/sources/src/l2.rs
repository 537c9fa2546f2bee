//! Reads of L2.
//!
//! **Invariant:** blocks hang on the hash that was asked for, ancestors by a chain of parent hashes. Which block has a
//! label or height is the endpoint's word.

use crate::{
    Fault, Label, SourceError,
    block::{Block, Head, Which, read_block, read_head},
    cache::{Cache, CacheCounters},
    header::RpcBlock,
    l1::{first_right, proof_call},
};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, Sealed, U64, U256, keccak256};
use alloy_rlp::Decodable;
use alloy_trie::{
    Nibbles, TrieAccount,
    proof::{ProofVerificationError, verify_proof},
};
use futures_util::future::BoxFuture;
use opal_client::Rpc;
use opal_derive::L2Block;
use opal_execute::predeploys::MESSAGE_PASSER;
use opal_types::{L1Flavour, OutputRoot};
use serde::Deserialize;

/// L2 headers are Ethereum's.
const FLAVOUR: L1Flavour = L1Flavour::Ethereum;
/// About what a kept header takes.
const HEADER_BYTES: usize = 1000;
/// Blocks read at once on the way down.
const STRIDE: u64 = 128;

/// See the module.
#[derive(Debug)]
pub(crate) struct L2 {
    pub(crate) rpc: Rpc,
    blocks: Cache<B256, (L2Block, Vec<Bytes>)>,
    heads: Cache<B256, Sealed<Header>>,
}

impl L2 {
    pub(crate) fn new(rpc: Rpc, cache_bytes: usize) -> Self {
        let (blocks, heads) = (Cache::new(cache_bytes / 2), Cache::new(cache_bytes / 2));
        Self { rpc, blocks, heads }
    }

    pub(crate) fn counters(&self) -> CacheCounters {
        self.blocks.counters() + self.heads.counters()
    }

    /// The block with this hash: how it begins, and its transactions.
    pub(crate) async fn block(&self, hash: B256) -> Result<(L2Block, Vec<Bytes>), SourceError> {
        if let Some(block) = self.blocks.read(&hash) {
            return Ok(block);
        }
        let found = self.find(Which::Hash(hash), &format!("{hash}")).await?;
        found.ok_or_else(|| self.waits(&format!("{hash}")))
    }

    /// The block at a height; `None` where there is none (yet).
    pub(crate) async fn block_by_number(
        &self,
        number: u64,
    ) -> Result<Option<(L2Block, Vec<Bytes>)>, SourceError> {
        self.find(Which::Number(number), &number.to_string()).await
    }

    async fn find(
        &self,
        which: Which,
        name: &str,
    ) -> Result<Option<(L2Block, Vec<Bytes>)>, SourceError> {
        let what = format!("{} block {name}", self.rpc.name());
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_block(&view, which, FLAVOUR).await })
        };
        let Some((block, endpoint)) = first_right(&self.rpc, &what, read).await? else {
            return Ok(None);
        };
        let wrong = |fault| SourceError::Wrong { what, endpoint, fault };
        self.keep(block).map(Some).map_err(wrong)
    }

    fn keep(&self, block: Block) -> Result<(L2Block, Vec<Bytes>), Fault> {
        let header = self.keep_head(&block.head)?;
        let size: usize = block.transactions.iter().map(|it| it.len()).sum();
        let first_transaction = block.transactions.first().cloned();
        let hash = header.hash();
        let kept = (L2Block { header, first_transaction }, block.transactions);
        self.blocks.insert(hash, kept.clone(), size + HEADER_BYTES);
        Ok(kept)
    }

    fn keep_head(&self, head: &Head) -> Result<Sealed<Header>, Fault> {
        let header = Header::decode(&mut head.rlp.as_ref())
            .map_err(|error| Fault::Malformed { what: "L2 header", why: error.to_string() })?;
        let header = Sealed::new_unchecked(header, head.hash);
        self.heads.insert(head.hash, header.clone(), HEADER_BYTES);
        Ok(header)
    }

    /// The header with this hash.
    async fn head(&self, hash: B256) -> Result<Sealed<Header>, SourceError> {
        if let Some(header) = self.heads.read(&hash) {
            return Ok(header);
        }
        let what = format!("{} block {hash}", self.rpc.name());
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_head(&view, Which::Hash(hash), FLAVOUR).await })
        };
        let Some((head, endpoint)) = first_right(&self.rpc, &what, read).await? else {
            return Err(self.waits(&format!("{hash}")));
        };
        self.keep_head(&head).map_err(|fault| SourceError::Wrong { what, endpoint, fault })
    }

    /// The ancestor of a block at a height: down by parent hashes, many blocks at a time as long as the block's chain
    /// is the canonical one.
    pub(crate) async fn ancestor(
        &self,
        descendant: B256,
        number: u64,
    ) -> Result<L2Block, SourceError> {
        let mut at = self.head(descendant).await?;
        if at.number < number {
            let what = format!("ancestor {number} of {} block {descendant}", self.rpc.name());
            let need = format!("the block itself is only at height {}", at.number);
            return Err(SourceError::NotOffered { what, need });
        }
        while at.number > number {
            at = match self.heads.read(&at.parent_hash) {
                Some(parent) => parent,
                None => self.down(&at, number).await?,
            };
        }
        self.block(at.hash()).await.map(|(block, _)| block)
    }

    /// An ancestor further down, not below `number`.
    async fn down(
        &self,
        from: &Sealed<Header>,
        number: u64,
    ) -> Result<Sealed<Header>, SourceError> {
        let lowest = number.max(from.number.saturating_sub(STRIDE));
        let numbers = (lowest..from.number).rev();
        let calls = numbers.clone().map(|it| Which::Number(it).call(false)).collect();
        let mut at = None;
        let mut wanted = from.parent_hash;
        for json in self.rpc.batch::<Option<RpcBlock>>(calls).await {
            let Ok(Some(json)) = json else { break };
            let Ok((hash, rlp)) = json.checked(FLAVOUR) else { break };
            let head = Head { hash, number: json.number.to(), rlp: rlp.into() };
            let Some(header) = self.keep_head(&head).ok().filter(|_| hash == wanted) else { break };
            wanted = header.parent_hash;
            at = Some(header);
        }
        // The chain leaves the canonical one here, or the endpoint stumbles: one step by hash.
        match at {
            Some(header) => Ok(header),
            None => self.head(from.parent_hash).await,
        }
    }

    /// The block that a label points at; `None` where there is none (yet).
    pub(crate) async fn labelled(
        &self,
        label: Label,
    ) -> Result<Option<(L2Block, Vec<Bytes>)>, SourceError> {
        let what = format!("{} {} block", self.rpc.name(), label.as_str());
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move { read_head(&view, Which::Label(label), FLAVOUR).await })
        };
        match first_right(&self.rpc, &what, read).await? {
            Some((head, _)) => self.block(head.hash).await.map(Some),
            None => Ok(None),
        }
    }

    /// What claims about a block commit to (B2). From Isthmus the header has all of it; before, the storage root of
    /// the message passer is proved.
    pub(crate) async fn output_root(&self, hash: B256) -> Result<OutputRoot, SourceError> {
        let header = self.head(hash).await?;
        let from_header = header.requests_hash.and(header.withdrawals_root);
        let message_passer_root = match from_header {
            Some(root) => root,
            None => self.message_passer_root(&header).await?,
        };
        Ok(OutputRoot { state_root: header.state_root, message_passer_root, block_hash: hash })
    }

    async fn message_passer_root(&self, header: &Sealed<Header>) -> Result<B256, SourceError> {
        let (hash, state_root) = (header.hash(), header.state_root);
        let what = format!("message passer of {} block {hash}", self.rpc.name());
        let read = |view: Rpc| -> BoxFuture<'_, _> {
            Box::pin(async move {
                let call = proof_call(MESSAGE_PASSER, hash);
                let answer = view.batch::<Option<AccountProof>>(vec![call]).await.pop();
                let Some(proof) = answer.transpose()?.flatten() else { return Ok(None) };
                Ok(Some(proof.storage_root(MESSAGE_PASSER, state_root)?))
            })
        };
        let found = first_right(&self.rpc, &what, read).await?;
        found.map(|(root, _)| root).ok_or_else(|| SourceError::Waits {
            what,
            why: format!("{} has no proof of it", self.rpc.endpoint()),
        })
    }

    fn waits(&self, name: &str) -> SourceError {
        SourceError::Waits {
            what: format!("{} block {name}", self.rpc.name()),
            why: format!("{} does not have it", self.rpc.endpoint()),
        }
    }
}

/// The part of `eth_getProof` that is used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountProof {
    balance: U256,
    nonce: U64,
    code_hash: B256,
    storage_hash: B256,
    account_proof: Vec<Bytes>,
}

impl AccountProof {
    /// The account's storage root, if the proof leads to it.
    fn storage_root(&self, account: Address, state_root: B256) -> Result<B256, Fault> {
        let leaf = TrieAccount {
            nonce: self.nonce.to(),
            balance: self.balance,
            storage_root: self.storage_hash,
            code_hash: self.code_hash,
        };
        let key = Nibbles::unpack(keccak256(account));
        let proof =
            verify_proof(state_root, key, Some(alloy_rlp::encode(leaf)), &self.account_proof);
        let wrong = |why: ProofVerificationError| Fault::Proof {
            of: format!("account {account}"),
            why: why.to_string(),
        };
        proof.map(|()| self.storage_hash).map_err(wrong)
    }
}
