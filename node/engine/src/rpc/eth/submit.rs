//! Sending transactions, and signing for unlocked accounts.
//!
//! **Invariant:** a raw transaction goes into the pool as it came. Only accounts that were unlocked are signed
//! for.

use super::super::{Api, RpcError, Table};
use super::call::Prepared;
use super::estimate::estimated;
use super::fees::tip;
use super::request::{checked_chain_id, input};
use crate::call::{Environment, Moves, ViewDb};
use alloy_consensus::{SignableTransaction, TxEnvelope, TypedTransaction};
use alloy_eips::eip2718::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, eip191_hash_message};
use alloy_rpc_types_eth::TransactionRequest;
use jsonrpsee::core::RegisterMethodError;
use opal_execute::StateRead;
use serde_json::{Value, json};
use std::sync::PoisonError;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.read("eth_sendRawTransaction", |api, (raw,): (Bytes,)| submit(api, &raw))?;
    table.run("eth_sendTransaction", send)?;
    table.run("eth_signTransaction", sign_transaction)?;
    table.run("eth_fillTransaction", fill_only)?;
    table.quick("eth_sign", |api, (address, message): (Address, Bytes)| {
        sign_message(api, address, &message)
    })?;
    table.quick("personal_sign", |api, (message, address): (Bytes, Address)| {
        sign_message(api, address, &message)
    })
}

/// Puts a raw transaction into the pool.
pub(crate) fn submit(api: &Api, raw: &Bytes) -> Result<B256, RpcError> {
    api.engine.pool().add(raw).map_err(|error| RpcError::server(error.to_string()))
}

/// Signs a hash for an unlocked account.
fn sign(api: &Api, address: Address, hash: B256) -> Result<Signature, RpcError> {
    let signed = api.unlocked.sign.as_ref().and_then(|sign| sign(address, hash));
    signed.ok_or_else(|| RpcError::server("unknown account"))
}

fn sign_message(api: &Api, address: Address, message: &Bytes) -> Result<Bytes, RpcError> {
    Ok(sign(api, address, eip191_hash_message(message))?.as_bytes().into())
}

fn send(api: &Api, (request,): (TransactionRequest,)) -> Result<B256, RpcError> {
    let from = request.from.unwrap_or_default();
    if !api.unlocked.addresses.contains(&from) {
        return Err(RpcError::server("unknown account"));
    }
    // Two requests at once must not get the same nonce.
    let _turn = api.sending.lock().unwrap_or_else(PoisonError::into_inner);
    let tx = filled(api, request)?;
    submit(api, &encoded(api, from, tx)?)
}

fn sign_transaction(api: &Api, (request,): (TransactionRequest,)) -> Result<Value, RpcError> {
    let from = request.from.unwrap_or_default();
    let raw = encoded(api, from, filled(api, request)?)?;
    Ok(json!({ "raw": raw }))
}

/// Without a sender there is no nonce and no balance to fill in from. viem asks so for deposits, and estimates by
/// itself when it hears that this is not supported.
fn fill_only(api: &Api, (request,): (TransactionRequest,)) -> Result<Value, RpcError> {
    if request.from.is_none() {
        return Err(RpcError::unsupported("eth_fillTransaction without `from`"));
    }
    let tx = filled(api, request)?;
    let mut raw = Vec::new();
    tx.encode_for_signing(&mut raw);
    Ok(json!({ "raw": Bytes::from(raw), "tx": tx }))
}

fn encoded(api: &Api, from: Address, tx: TypedTransaction) -> Result<Bytes, RpcError> {
    let signature = sign(api, from, tx.signature_hash())?;
    let tx: TxEnvelope = tx.into_signed(signature).into();
    Ok(tx.encoded_2718().into())
}

/// Fills in what the request left out.
fn filled(api: &Api, mut request: TransactionRequest) -> Result<TypedTransaction, RpcError> {
    checked_chain_id(&request, api.engine.chain_id())?;
    request.chain_id = Some(api.engine.chain_id());
    let data = input(&request);
    if request.to.is_none_or(|to| to.is_create()) {
        if data.is_empty() {
            return Err(RpcError::server("contract creation without any data provided"));
        }
        request.to = Some(TxKind::Create);
    }
    request.input = data.into();
    request.value = Some(request.value.unwrap_or_default());
    fill_fees(api, &mut request)?;
    let head = api.engine.heads().head;
    let mut view = api.engine.state_at(head.header.hash())?;
    let from = request.from.unwrap_or_default();
    if request.nonce.is_none() {
        let account = view.account(from).map_err(RpcError::internal)?;
        let nonce = account.map_or(0, |it| it.nonce);
        let waiting = api.engine.pool().pending_nonce(from).unwrap_or_default();
        request.nonce = Some(nonce.max(waiting));
    }
    if request.gas.is_none() {
        let prepared = Prepared {
            environment: Environment::of(api.engine.rules(), &head.header),
            db: ViewDb::open(view),
            moves: Moves::none(),
        };
        request.gas = Some(estimated(prepared, request.clone(), api.limits.call_gas)?);
    }
    request.transaction_type = None;
    request
        .build_typed_tx()
        .map_err(|_| RpcError::params("the request does not describe a transaction"))
}

/// Twice the base fee leaves room for it to rise.
fn fill_fees(api: &Api, request: &mut TransactionRequest) -> Result<(), RpcError> {
    let has_fees = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    match request.gas_price {
        Some(_) if has_fees => {
            return Err(RpcError::server(
                "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
            ));
        }
        Some(0) => return Err(RpcError::server("gasPrice must be non-zero after london fork")),
        Some(_) => return Ok(()),
        None => {}
    }
    let base_fee = api.engine.heads().head.header.base_fee_per_gas.unwrap_or_default();
    let tip = match request.max_priority_fee_per_gas {
        Some(tip) => tip,
        None => tip(api)?,
    };
    let max =
        request.max_fee_per_gas.unwrap_or_else(|| tip.saturating_add(u128::from(base_fee) * 2));
    if max < tip {
        return Err(RpcError::server(format!(
            "maxFeePerGas ({max:#x}) < maxPriorityFeePerGas ({tip:#x})"
        )));
    }
    request.max_priority_fee_per_gas = Some(tip);
    request.max_fee_per_gas = Some(max);
    Ok(())
}
