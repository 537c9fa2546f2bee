//! An engine behind an HTTP Engine API: op-geth, or opal elsewhere.
//!
//! Start with [`RemoteEngine::new`]. Versions follow the fork of the block; reads of `eth` go through the same
//! port.
//!
//! **Invariant:** a block is handed on only if its header has the hash that was asked for or named, and its
//! transactions have the header's root.

use super::payload::{AttributesShape, PayloadShape};
use crate::{
    BuildAttributes, EngineError, Forkchoice, ForkchoiceStatus, HandleError, InsertStatus,
    L2BlockBody, Label, PayloadId,
};
use alloy_consensus::proofs::ordered_trie_root_encoded;
use alloy_consensus::{Header, TrieAccount, constants::EMPTY_ROOT_HASH};
use alloy_eips::BlockNumberOrTag;
use alloy_primitives::{B256, Bytes, Sealed, U64, U256, keccak256};
use alloy_trie::{Nibbles, proof::verify_proof};
use opal_client::{JwtSecret, Rpc, RpcError, RpcOptions, RpcSetupError};
use opal_execute::predeploys::MESSAGE_PASSER;
use opal_types::read::header_json;
use opal_types::{ChainConfig, Fork, OutputRoot, PayloadEnvelope};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::Arc;
use url::Url;

/// Longest way back over blocks that are not canonical.
const MAX_WALK: u64 = 100_000;

/// How to reach an engine.
#[derive(Clone, Debug)]
pub struct RemoteEngineOptions {
    /// Its authenticated port, http or ws.
    pub endpoint: Url,
    /// Shared with it.
    pub secret: JwtSecret,
    /// Whose chain it runs.
    pub config: ChainConfig,
}

/// See the module. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RemoteEngine {
    rpc: Rpc,
    config: Arc<ChainConfig>,
}

#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ForkchoiceShape {
    head_block_hash: B256,
    safe_block_hash: B256,
    finalized_block_hash: B256,
}

impl From<Forkchoice> for ForkchoiceShape {
    fn from(state: Forkchoice) -> Self {
        Self {
            head_block_hash: state.head,
            safe_block_hash: state.safe,
            finalized_block_hash: state.finalized,
        }
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StatusShape {
    status: String,
    latest_valid_hash: Option<B256>,
    validation_error: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ForkchoiceAnswer {
    payload_status: StatusShape,
    payload_id: Option<PayloadId>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    execution_payload: PayloadShape,
    parent_beacon_block_root: Option<B256>,
}

#[derive(Clone, Debug, Deserialize)]
struct Body {
    transactions: Vec<Bytes>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Proof {
    account_proof: Vec<Bytes>,
    balance: U256,
    code_hash: B256,
    nonce: U64,
    storage_hash: B256,
}

impl From<RpcError> for HandleError {
    fn from(error: RpcError) -> Self {
        match error.answered() {
            Some(answer) => Self::Refused {
                code: answer.code,
                message: match &answer.data {
                    Some(data) => format!("{}: {data}", answer.message),
                    None => answer.message.clone(),
                },
            },
            None => Self::Unreachable(error.to_string()),
        }
    }
}

fn nonsense(why: impl ToString) -> HandleError {
    HandleError::Unreachable(why.to_string())
}

impl RemoteEngine {
    /// Nothing is asked yet.
    pub fn new(options: RemoteEngineOptions) -> Result<Self, RpcSetupError> {
        let mut rpc = RpcOptions::new("engine", vec![options.endpoint]);
        rpc.jwt = Some(options.secret);
        Ok(Self { rpc: Rpc::new(rpc)?, config: Arc::new(options.config) })
    }

    /// The transport, for its status.
    pub const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    fn active(&self, fork: Fork, timestamp: u64) -> bool {
        self.config.forks.active(fork, timestamp)
    }

    pub(crate) async fn forkchoice(
        &self,
        state: Forkchoice,
    ) -> Result<ForkchoiceStatus, HandleError> {
        let params = (ForkchoiceShape::from(state), None::<()>);
        let answer: ForkchoiceAnswer = self.rpc.call("engine_forkchoiceUpdatedV3", params).await?;
        outcome(state.head, answer.payload_status)
    }

    pub(crate) async fn build(
        &self,
        state: Forkchoice,
        attributes: &BuildAttributes,
    ) -> Result<PayloadId, HandleError> {
        let timestamp = attributes.timestamp;
        let method = if self.active(Fork::Ecotone, timestamp) {
            "engine_forkchoiceUpdatedV3"
        } else if self.active(Fork::Canyon, timestamp) {
            "engine_forkchoiceUpdatedV2"
        } else {
            "engine_forkchoiceUpdatedV1"
        };
        let params = (ForkchoiceShape::from(state), AttributesShape::from(attributes));
        let answer: ForkchoiceAnswer = self.rpc.call(method, params).await?;
        match outcome(state.head, answer.payload_status)? {
            ForkchoiceStatus::Syncing => Err(EngineError::UnknownBlock(state.head).into()),
            ForkchoiceStatus::Valid { .. } => {
                answer.payload_id.ok_or_else(|| nonsense("no payload id for valid attributes"))
            }
        }
    }

    pub(crate) async fn payload(
        &self,
        id: PayloadId,
        timestamp: u64,
    ) -> Result<PayloadEnvelope, HandleError> {
        let versions = [
            (Fork::Karst, "engine_getPayloadV5"),
            (Fork::Isthmus, "engine_getPayloadV4"),
            (Fork::Ecotone, "engine_getPayloadV3"),
        ];
        let version = versions.into_iter().find(|(fork, _)| self.active(*fork, timestamp));
        let method = version.map_or("engine_getPayloadV2", |(_, method)| method);
        let Envelope { execution_payload, parent_beacon_block_root } =
            self.rpc.call(method, (id,)).await?;
        let mut payload = execution_payload.into_envelope(parent_beacon_block_root);
        // op-geth leaves the root of an empty message passer out, and refuses a payload without it.
        if self.active(Fork::Isthmus, timestamp) && payload.withdrawals_root.is_none() {
            payload.withdrawals_root = Some(EMPTY_ROOT_HASH);
        }
        Ok(payload)
    }

    pub(crate) async fn insert(
        &self,
        payload: &PayloadEnvelope,
    ) -> Result<InsertStatus, HandleError> {
        let shape = PayloadShape::from(payload);
        let root = payload.parent_beacon_block_root;
        let none: [B256; 0] = [];
        let status: StatusShape = if self.active(Fork::Isthmus, payload.timestamp) {
            self.rpc.call("engine_newPayloadV4", (shape, none, root, none)).await?
        } else if self.active(Fork::Ecotone, payload.timestamp) {
            self.rpc.call("engine_newPayloadV3", (shape, none, root)).await?
        } else {
            self.rpc.call("engine_newPayloadV2", (shape,)).await?
        };
        match status.status.as_str() {
            "VALID" => Ok(InsertStatus::Valid { hash: payload.block_hash }),
            "SYNCING" | "ACCEPTED" => Ok(InsertStatus::Syncing),
            "INVALID" => Ok(InsertStatus::Invalid {
                latest_valid: status.latest_valid_hash.unwrap_or(payload.parent_hash),
                reason: status.validation_error.unwrap_or_default(),
            }),
            other => Err(nonsense(format!("payload status {other}"))),
        }
    }

    pub(crate) async fn block(&self, hash: B256) -> Result<Option<L2BlockBody>, HandleError> {
        match self.header(hash).await? {
            Some(header) => self.with_body(header).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn block_by_number(
        &self,
        number: u64,
    ) -> Result<Option<L2BlockBody>, HandleError> {
        match self.header_at(number.into()).await? {
            Some(header) => self.with_body(header).await.map(Some),
            None => Ok(None),
        }
    }

    pub(crate) async fn block_by_label(
        &self,
        label: Label,
    ) -> Result<Option<L2BlockBody>, HandleError> {
        let at = match label {
            Label::Latest => BlockNumberOrTag::Latest,
            Label::Safe => BlockNumberOrTag::Safe,
            Label::Finalized => BlockNumberOrTag::Finalized,
        };
        match self.header_at(at).await? {
            Some(header) => self.with_body(header).await.map(Some),
            None => Ok(None),
        }
    }

    /// Goes back by parents until the chain is the canonical one, which can be asked by number.
    pub(crate) async fn ancestor(
        &self,
        descendant: B256,
        number: u64,
    ) -> Result<Option<L2BlockBody>, HandleError> {
        let mut hash = descendant;
        for _ in 0..MAX_WALK {
            let Some(header) = self.header(hash).await? else { return Ok(None) };
            if header.number < number {
                return Ok(None);
            }
            if header.number == number {
                return self.with_body(header).await.map(Some);
            }
            if let Some(found) = self.canonical_ancestor(&header, number).await? {
                return self.with_body(found).await.map(Some);
            }
            hash = header.parent_hash;
        }
        Err(nonsense(format!("block {descendant} is too far from block {number}")))
    }

    /// The canonical header at `number`, if `descendant` is canonical before and after it is asked.
    async fn canonical_ancestor(
        &self,
        descendant: &Sealed<Header>,
        number: u64,
    ) -> Result<Option<Sealed<Header>>, HandleError> {
        let at = descendant.number.into();
        let is_canonical =
            |it: Option<Sealed<Header>>| it.is_some_and(|it| it.hash() == descendant.hash());
        if !is_canonical(self.header_at(at).await?) {
            return Ok(None);
        }
        let found = self.header_at(number.into()).await?;
        Ok(if is_canonical(self.header_at(at).await?) { found } else { None })
    }

    pub(crate) async fn output_root(&self, hash: B256) -> Result<Option<OutputRoot>, HandleError> {
        let Some(header) = self.header(hash).await? else { return Ok(None) };
        let message_passer_root = match header.withdrawals_root {
            Some(root) if self.active(Fork::Isthmus, header.timestamp) => root,
            _ => self.proven_storage_root(&header).await?,
        };
        let (state_root, block_hash) = (header.state_root, header.hash());
        Ok(Some(OutputRoot { state_root, message_passer_root, block_hash }))
    }

    /// The message passer's storage root, proven against the header.
    async fn proven_storage_root(&self, header: &Sealed<Header>) -> Result<B256, HandleError> {
        let slots: [B256; 0] = [];
        let at = (MESSAGE_PASSER, slots, header.hash());
        let proof: Proof = self.rpc.call("eth_getProof", at).await?;
        let account = TrieAccount {
            nonce: proof.nonce.to(),
            balance: proof.balance,
            storage_root: proof.storage_hash,
            code_hash: proof.code_hash,
        };
        let key = Nibbles::unpack(keccak256(MESSAGE_PASSER));
        let value = alloy_rlp::encode(account);
        verify_proof(header.state_root, key, Some(value), &proof.account_proof)
            .map_err(|error| nonsense(format!("proof of the message passer: {error}")))?;
        Ok(proof.storage_hash)
    }

    async fn header(&self, hash: B256) -> Result<Option<Sealed<Header>>, HandleError> {
        let found = self.rpc.call("eth_getBlockByHash", (hash, false)).await;
        let Some(header) = known(found)? else { return Ok(None) };
        if header.hash() != hash {
            return Err(nonsense(format!("block {} instead of {hash}", header.hash())));
        }
        Ok(Some(header))
    }

    async fn header_at(&self, at: BlockNumberOrTag) -> Result<Option<Sealed<Header>>, HandleError> {
        known(self.rpc.call("eth_getBlockByNumber", (at, false)).await)
    }

    async fn with_body(&self, header: Sealed<Header>) -> Result<L2BlockBody, HandleError> {
        let asked = ([header.hash()],);
        let mut bodies: Vec<Option<Body>> =
            self.rpc.call("engine_getPayloadBodiesByHashV1", asked).await?;
        let body = bodies.pop().flatten();
        let Body { transactions } =
            body.ok_or_else(|| nonsense(format!("no body of block {}", header.hash())))?;
        if ordered_trie_root_encoded(&transactions) != header.transactions_root {
            return Err(nonsense(format!("body of block {} has another root", header.hash())));
        }
        Ok(L2BlockBody { header, transactions })
    }
}

/// A header whose hash was checked; `None` where the engine does not know the block.
fn known(
    found: Result<Option<Box<RawValue>>, RpcError>,
) -> Result<Option<Sealed<Header>>, HandleError> {
    match found {
        Ok(None) => Ok(None),
        Ok(Some(text)) => header_json(text.get().as_bytes()).map(Some).map_err(nonsense),
        Err(error) if error.is_unknown_block() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn outcome(head: B256, status: StatusShape) -> Result<ForkchoiceStatus, HandleError> {
    match status.status.as_str() {
        "VALID" => Ok(ForkchoiceStatus::Valid { head }),
        "SYNCING" => Ok(ForkchoiceStatus::Syncing),
        other => {
            let why = status.validation_error.unwrap_or_default();
            Err(nonsense(format!("forkchoice status {other}: {why}")))
        }
    }
}
