//! `debug_executionWitness`: everything a block needs to be executed elsewhere.
//!
//! **Invariant:** the witness is what was read while the block was executed again, and that gave the block's own
//! hash.

use super::super::shape::{HeaderShape, header};
use super::super::{Api, RpcError, Table};
use crate::{BlockData, Engine};
use alloy_consensus::Header;
use alloy_eips::BlockId;
use alloy_primitives::{B256, Bytes, Sealable};
use alloy_rlp::Decodable;
use jsonrpsee::core::RegisterMethodError;
use opal_execute::{Key, Preimages, RevmCrypto, TrieState};
use serde::Serialize;
use std::collections::BTreeMap;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.run("debug_executionWitness", witness)
}

#[derive(Debug, Serialize)]
struct Witness {
    headers: Vec<HeaderShape>,
    codes: Vec<Bytes>,
    state: Vec<Bytes>,
    /// Only other clients fill it.
    keys: Vec<Bytes>,
}

/// The store, with notes of what was read.
struct Recorder<'a> {
    engine: &'a Engine,
    read: BTreeMap<Key, Bytes>,
}

impl Recorder<'_> {
    fn fetch(&self, key: &Key) -> Option<Bytes> {
        match key {
            Key::Node(hash) => self.engine.node(*hash).ok()?,
            Key::Code(hash) => self.engine.code(*hash).ok()?,
            Key::Header(hash) => {
                let header = self.engine.header(*hash).ok()??;
                Some(alloy_rlp::encode(header.inner()).into())
            }
            Key::Precompile(_) => None,
        }
    }
}

impl Preimages for Recorder<'_> {
    fn preimage(&mut self, key: &Key) -> Option<Bytes> {
        if let Some(bytes) = self.read.get(key) {
            return Some(bytes.clone());
        }
        let bytes = self.fetch(key)?;
        self.read.insert(*key, bytes.clone());
        Some(bytes)
    }
}

fn witness(api: &Api, (at, _mode): (BlockId, Option<String>)) -> Result<Witness, RpcError> {
    let config = api.engine.rules().l2().ok_or_else(|| {
        RpcError::server("debug_executionWitness is offered for OP Stack chains only")
    })?;
    let block = api.block(at)?;
    let parent = api.engine.header(block.header.parent_hash)?;
    let parent = parent.ok_or_else(|| RpcError::server("block found, but parent missing"))?;
    let attributes = crate::l2::attributes(config, &BlockData::from(&*block));
    let recorder = Recorder { engine: &api.engine, read: BTreeMap::new() };
    let mut state = TrieState::new(recorder, &parent);
    let outcome = opal_execute::execute(config, &parent, &attributes, &mut state, &mut RevmCrypto)
        .map_err(RpcError::internal)?;
    if outcome.header.hash() != block.header.hash() {
        return Err(RpcError::internal("the block executes to another one"));
    }
    let mut witness =
        Witness { headers: vec![header(&parent)], codes: vec![], state: vec![], keys: vec![] };
    for (key, bytes) in state.into_preimages().read {
        match key {
            Key::Node(_) => witness.state.push(bytes),
            Key::Code(_) => witness.codes.push(bytes),
            Key::Header(hash) if hash != parent.hash() => {
                witness.headers.push(ancestor(hash, &bytes)?);
            }
            Key::Header(_) | Key::Precompile(_) => {}
        }
    }
    Ok(witness)
}

fn ancestor(hash: B256, bytes: &[u8]) -> Result<HeaderShape, RpcError> {
    let decoded = Header::decode(&mut &*bytes).map_err(RpcError::internal)?;
    Ok(header(&decoded.seal_unchecked(hash)))
}
