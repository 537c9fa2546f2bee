//! op-geth behind its pipe (`tests/peers/geth`): the same chain, block by block.
//!
//! **Invariant:** an answer that is no JSON of the expected shape fails the test.

use alloy_primitives::{B256, Bytes, U64, hex};
use opal_harness::peer::Peer;
use opal_types::Attributes;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    io::{BufRead, Write},
    path::Path,
};

/// What op-geth says about a block.
#[derive(Debug, Deserialize)]
pub(crate) struct Described {
    pub(crate) hash: B256,
    pub(crate) output_root: B256,
    /// RLP.
    pub(crate) header: Bytes,
    /// Encoded with their type byte; before Canyon with a nonce that the receipts root leaves out.
    pub(crate) receipts: Vec<Bytes>,
}

/// One chain in op-geth.
#[derive(Debug)]
pub(crate) struct Geth(Peer);

impl Geth {
    /// Starts the program.
    pub(crate) fn start(program: &Path) -> Self {
        Self(Peer::start(program, &[]))
    }

    /// Starts a chain with this first block; the one before is forgotten. A process learns its trusted setup for KZG
    /// but once, so it is kept for many chains.
    pub(crate) fn genesis(&mut self, genesis: &Value) -> Described {
        self.ask(&json!({ "genesis": genesis })).unwrap_or_else(|error| panic!("op-geth: {error}"))
    }

    /// Re-executes a finished block and makes it the head.
    pub(crate) fn import(&mut self, block: &[u8]) -> Result<Described, String> {
        self.ask(&json!({ "block": hex::encode_prefixed(block) }))
    }

    /// Builds a block of its own on the head and imports it.
    pub(crate) fn build(&mut self, attributes: &Attributes) -> Result<Described, String> {
        let eip1559 = attributes.eip1559.map(|it| hex::encode_prefixed(it.to_bytes()));
        self.ask(&json!({ "attributes": {
            "timestamp": U64::from(attributes.timestamp),
            "prevRandao": attributes.prev_randao,
            "suggestedFeeRecipient": attributes.fee_recipient,
            "withdrawals": attributes.withdrawals.as_ref().map(|_| json!([])),
            "parentBeaconBlockRoot": attributes.parent_beacon_block_root,
            "transactions": attributes.transactions,
            "noTxPool": true,
            "gasLimit": U64::from(attributes.gas_limit),
            "eip1559Params": eip1559,
            "minBaseFee": attributes.min_base_fee,
        }}))
    }

    /// The accounts of the head's state.
    pub(crate) fn dump(&mut self) -> Value {
        self.ask(&json!({ "dump": true })).unwrap_or_else(|error| panic!("op-geth: {error}"))
    }

    fn ask<T: for<'a> Deserialize<'a>>(&mut self, question: &Value) -> Result<T, String> {
        let input = self.0.input();
        serde_json::to_writer(&mut *input, question).unwrap();
        input.write_all(b"\n").unwrap();
        input.flush().unwrap();
        let mut line = String::new();
        self.0.output().read_line(&mut line).unwrap();
        let answer: Value = serde_json::from_str(&line).unwrap_or_else(|it| panic!("{it}: {line}"));
        match answer.get("error").and_then(Value::as_str) {
            Some(error) => Err(error.to_owned()),
            None => Ok(serde_json::from_value(answer).unwrap()),
        }
    }
}
