//! Block headers from an RPC server's JSON: encoded again, so that the hash can be checked (U32: no `debug_*` needed).
//!
//! Start with [`RpcBlock::checked`].
//!
//! **Invariant:** a header leaves here with the hash of its encoding. A fork that appends fields we do not know shows
//! as a wrong hash; the raw header, where a server gives it, is then the way.

use crate::Fault;
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{Address, B64, B256, Bloom, Bytes, U64, U256, keccak256};
use alloy_rlp::{Encodable, Header as RlpHeader};
use opal_execute::ordered_root;
use opal_types::L1Flavour;
use serde::Deserialize;
use serde_json::value::RawValue;

/// A block as `eth_getBlockBy*` gives it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcBlock {
    pub(crate) hash: Option<B256>,
    pub(crate) parent_hash: B256,
    sha3_uncles: B256,
    miner: Address,
    state_root: B256,
    pub(crate) transactions_root: B256,
    receipts_root: B256,
    logs_bloom: Bloom,
    #[serde(default)]
    difficulty: U256,
    pub(crate) number: U64,
    gas_limit: U64,
    gas_used: U64,
    timestamp: U64,
    extra_data: Bytes,
    #[serde(default)]
    mix_hash: B256,
    #[serde(default)]
    nonce: B64,
    base_fee_per_gas: Option<U256>,
    withdrawals_root: Option<B256>,
    blob_gas_used: Option<U64>,
    excess_blob_gas: Option<U64>,
    parent_beacon_block_root: Option<B256>,
    requests_hash: Option<B256>,
    block_access_list_hash: Option<B256>,
    slot_number: Option<U64>,
    // Avalanche's C-Chain.
    #[serde(default)]
    ext_data_hash: B256,
    ext_data_gas_used: Option<U256>,
    block_gas_cost: Option<U256>,
    timestamp_milliseconds: Option<U64>,
    min_delay_excess: Option<U64>,
    /// Objects or hashes, as asked for.
    #[serde(default)]
    pub(crate) transactions: Vec<Box<RawValue>>,
    withdrawals: Option<Vec<Withdrawal>>,
}

/// The fields of a list, encoded one behind the other.
#[derive(Default)]
struct Fields(Vec<u8>);

impl Fields {
    fn add(&mut self, field: &impl Encodable) {
        field.encode(&mut self.0);
    }

    /// Adds a field that forks appended. False = it is absent, and so are those behind it.
    fn add_optional(&mut self, field: Option<&impl Encodable>) -> bool {
        if let Some(field) = field {
            self.add(field);
        }
        field.is_some()
    }

    fn into_list(self) -> Vec<u8> {
        let header = RlpHeader { list: true, payload_length: self.0.len() };
        let mut list = Vec::with_capacity(self.0.len() + 4);
        header.encode(&mut list);
        list.extend_from_slice(&self.0);
        list
    }
}

impl RpcBlock {
    /// The encoding with its hash.
    pub(crate) fn encode(&self, flavour: L1Flavour) -> (B256, Vec<u8>) {
        let mut fields = Fields::default();
        self.common(&mut fields);
        match flavour {
            L1Flavour::Ethereum => self.ethereum(&mut fields),
            L1Flavour::CChain => self.c_chain(&mut fields),
        };
        let list = fields.into_list();
        (keccak256(&list), list)
    }

    /// The encoding, if its hash is the one that the server names.
    pub(crate) fn checked(&self, flavour: L1Flavour) -> Result<(B256, Vec<u8>), Fault> {
        let (found, list) = self.encode(flavour);
        match self.hash {
            Some(wanted) if wanted != found => Err(Fault::BlockHash { wanted, found }),
            _ => Ok((found, list)),
        }
    }

    /// Withdrawals are no part of any answer, but a server that gets them wrong is wrong. On L2 the list is empty and the
    /// header's field means something else.
    pub(crate) fn check_withdrawals(&self) -> Result<(), Fault> {
        let list = self.withdrawals.as_deref().unwrap_or_default();
        let Some(wanted) = self.withdrawals_root.filter(|_| !list.is_empty()) else {
            return Ok(());
        };
        let found = ordered_root(list.iter().map(|it| alloy_rlp::encode(it).into()));
        let wrong = Fault::Root { list: "withdrawals", wanted, found };
        if found == wanted { Ok(()) } else { Err(wrong) }
    }

    fn common(&self, fields: &mut Fields) {
        fields.add(&self.parent_hash);
        fields.add(&self.sha3_uncles);
        fields.add(&self.miner);
        fields.add(&self.state_root);
        fields.add(&self.transactions_root);
        fields.add(&self.receipts_root);
        fields.add(&self.logs_bloom);
        fields.add(&self.difficulty);
        fields.add(&self.number);
        fields.add(&self.gas_limit);
        fields.add(&self.gas_used);
        fields.add(&self.timestamp);
        fields.add(&self.extra_data);
        fields.add(&self.mix_hash);
        fields.add(&self.nonce);
    }

    /// London, Shanghai, Cancun, Prague; Amsterdam's fields as its drafts name them.
    fn ethereum(&self, fields: &mut Fields) -> bool {
        fields.add_optional(self.base_fee_per_gas.as_ref())
            && fields.add_optional(self.withdrawals_root.as_ref())
            && fields.add_optional(self.blob_gas_used.as_ref())
            && fields.add_optional(self.excess_blob_gas.as_ref())
            && fields.add_optional(self.parent_beacon_block_root.as_ref())
            && fields.add_optional(self.requests_hash.as_ref())
            && fields.add_optional(self.block_access_list_hash.as_ref())
            && fields.add_optional(self.slot_number.as_ref())
    }

    fn c_chain(&self, fields: &mut Fields) -> bool {
        fields.add(&self.ext_data_hash);
        fields.add_optional(self.base_fee_per_gas.as_ref())
            && fields.add_optional(self.ext_data_gas_used.as_ref())
            && fields.add_optional(self.block_gas_cost.as_ref())
            && fields.add_optional(self.blob_gas_used.as_ref())
            && fields.add_optional(self.excess_blob_gas.as_ref())
            && fields.add_optional(self.parent_beacon_block_root.as_ref())
            && fields.add_optional(self.timestamp_milliseconds.as_ref())
            && fields.add_optional(self.min_delay_excess.as_ref())
    }
}
