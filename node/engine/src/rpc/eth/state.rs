//! Accounts, their storage, and proofs of both.
//!
//! **Invariant:** a proof is made of the nodes below the state root of the block that was named.

use super::super::{Api, RpcError, Table};
use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U64, U256, hex};
use jsonrpsee::core::RegisterMethodError;
use opal_execute::{Account, StateRead};
use serde::Serialize;

/// Most slots in one proof.
const MAX_PROOF_SLOTS: usize = 1_024;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_getBalance", balance)?;
    table.read("eth_getTransactionCount", transaction_count)?;
    table.read("eth_getCode", code)?;
    table.read("eth_getStorageAt", storage)?;
    table.read("eth_getProof", proof)
}

fn account(api: &Api, address: Address, at: Option<BlockId>) -> Result<Option<Account>, RpcError> {
    let (mut state, _) = api.state(at)?;
    state.account(address).map_err(RpcError::internal)
}

fn balance(api: &Api, (address, at): (Address, Option<BlockId>)) -> Result<U256, RpcError> {
    Ok(account(api, address, at)?.map_or(U256::ZERO, |it| it.balance))
}

fn transaction_count(
    api: &Api,
    (address, at): (Address, Option<BlockId>),
) -> Result<U64, RpcError> {
    let nonce = account(api, address, at)?.map_or(0, |it| it.nonce);
    let waiting = match at {
        Some(BlockId::Number(BlockNumberOrTag::Pending)) => {
            api.engine.pool().pending_nonce(address)
        }
        _ => None,
    };
    Ok(U64::from(waiting.unwrap_or_default().max(nonce)))
}

fn code(api: &Api, (address, at): (Address, Option<BlockId>)) -> Result<Bytes, RpcError> {
    let (mut state, _) = api.state(at)?;
    match state.account(address).map_err(RpcError::internal)? {
        Some(account) if account.code_hash != KECCAK256_EMPTY => {
            state.code(account.code_hash).map_err(RpcError::internal)
        }
        _ => Ok(Bytes::new()),
    }
}

fn storage(
    api: &Api,
    (address, slot, at): (Address, String, Option<BlockId>),
) -> Result<B256, RpcError> {
    let slot = SlotKey::read(&slot)?;
    let (mut state, _) = api.state(at)?;
    Ok(state.storage(address, slot.value).map_err(RpcError::internal)?.into())
}

/// A slot as clients write it: up to 32 bytes in hexadecimal digits, with or without prefix.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SlotKey {
    pub(crate) value: U256,
    /// All 32 bytes were written.
    is_full: bool,
}

impl SlotKey {
    fn read(text: &str) -> Result<Self, RpcError> {
        let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text);
        if digits.len() > 64 {
            return Err(RpcError::params(format!(
                "storage key too long (want at most 32 bytes): {text:?}"
            )));
        }
        let value = if digits.is_empty() {
            U256::ZERO
        } else {
            U256::from_str_radix(digits, 16)
                .map_err(|_| RpcError::params(format!("invalid hex in storage key: {text:?}")))?
        };
        Ok(Self { value, is_full: digits.len() == 64 })
    }

    /// The form in which it was asked for.
    fn text(&self) -> String {
        if self.is_full {
            hex::encode_prefixed(self.value.to_be_bytes::<32>())
        } else {
            format!("{:#x}", self.value)
        }
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProofShape {
    address: Address,
    account_proof: Vec<Bytes>,
    balance: U256,
    code_hash: B256,
    nonce: U64,
    storage_hash: B256,
    storage_proof: Vec<StorageProofShape>,
}

#[derive(Clone, Debug, Serialize)]
struct StorageProofShape {
    key: String,
    value: U256,
    proof: Vec<Bytes>,
}

fn proof(
    api: &Api,
    (address, slots, at): (Address, Vec<String>, Option<BlockId>),
) -> Result<ProofShape, RpcError> {
    if slots.len() > MAX_PROOF_SLOTS {
        let asked = slots.len();
        return Err(RpcError::params(format!(
            "too many slots: {asked}, at most {MAX_PROOF_SLOTS}"
        )));
    }
    let slots: Vec<_> = slots.iter().map(|text| SlotKey::read(text)).collect::<Result<_, _>>()?;
    let (mut state, _) = api.state(at)?;
    let keys: Vec<U256> = slots.iter().map(|slot| slot.value).collect();
    let found = state.proof(address, &keys).map_err(RpcError::internal)?;
    let account = found.account;
    let storage_proof = slots
        .iter()
        .zip(found.slots)
        .map(|(key, slot)| StorageProofShape {
            key: key.text(),
            value: slot.value,
            proof: slot.nodes,
        })
        .collect();
    Ok(ProofShape {
        address,
        account_proof: found.nodes,
        balance: account.map_or(U256::ZERO, |it| it.balance),
        // geth answers zeros where there is no account.
        code_hash: account.map_or(B256::ZERO, |it| it.code_hash),
        nonce: U64::from(account.map_or(0, |it| it.nonce)),
        storage_hash: if account.is_some() { found.storage_root } else { B256::ZERO },
        storage_proof,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_in_all_lengths_and_go_as_they_came() {
        let check = |text: &str, value: u64, answer: &str| {
            let key = SlotKey::read(text).unwrap();
            assert_eq!((key.value, key.text().as_str()), (U256::from(value), answer));
        };
        check("0x", 0, "0x0");
        check("0x0", 0, "0x0");
        check("1f", 31, "0x1f");
        check("0x001f", 31, "0x1f");
        let full = format!("0x{:064x}", 5);
        check(&full, 5, &full);
        for wrong in ["0xzz", &format!("0x{:065x}", 1)] {
            SlotKey::read(wrong).unwrap_err();
        }
    }
}
