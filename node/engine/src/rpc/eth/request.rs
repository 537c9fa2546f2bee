//! Transaction requests as calls: what is left out is filled in as geth does.
//!
//! **Invariant:** a call never gets more gas than the server allows.

use super::super::RpcError;
use crate::call::{CallTx, Environment};
use crate::transaction::authority;
use alloy_eips::eip7702::{RecoveredAuthority, RecoveredAuthorization, SignedAuthorization};
use alloy_primitives::{Bytes, TxKind};
use alloy_rpc_types_eth::TransactionRequest;
use revm::context::TxEnv;
use revm::context_interface::either::Either;

/// The transaction that a request describes, with at most `most_gas`.
pub(crate) fn call_tx(
    environment: &Environment,
    request: TransactionRequest,
    most_gas: u64,
) -> Result<CallTx, RpcError> {
    checked_chain_id(&request, environment.chain_id)?;
    let has_fees = request.max_fee_per_gas.is_some() || request.max_priority_fee_per_gas.is_some();
    if request.gas_price.is_some() && has_fees {
        return Err(RpcError::server(
            "both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified",
        ));
    }
    let tx_type = if request.authorization_list.is_some() {
        4
    } else if request.blob_versioned_hashes.is_some() {
        3
    } else if has_fees {
        2
    } else {
        u8::from(request.access_list.is_some())
    };
    let fee_cap = request.gas_price.or(request.max_fee_per_gas).unwrap_or_default();
    let tip = request.gas_price.or(request.max_priority_fee_per_gas).unwrap_or_default();
    let base = TxEnv {
        tx_type,
        caller: request.from.unwrap_or_default(),
        gas_limit: request.gas.unwrap_or(most_gas).min(most_gas),
        gas_price: fee_cap,
        kind: request.to.unwrap_or(TxKind::Create),
        value: request.value.unwrap_or_default(),
        data: input(&request),
        nonce: request.nonce.unwrap_or_default(),
        chain_id: Some(environment.chain_id),
        access_list: request.access_list.unwrap_or_default(),
        gas_priority_fee: (tx_type >= 2).then_some(tip),
        blob_hashes: request.blob_versioned_hashes.unwrap_or_default(),
        max_fee_per_blob_gas: request.max_fee_per_blob_gas.unwrap_or_default(),
        authorization_list: request
            .authorization_list
            .unwrap_or_default()
            .into_iter()
            .map(recovered)
            .collect(),
    };
    Ok(CallTx { base, ..CallTx::default() })
}

/// Refuses another chain's requests.
pub(crate) fn checked_chain_id(request: &TransactionRequest, own: u64) -> Result<(), RpcError> {
    match request.chain_id {
        Some(have) if have != own => Err(RpcError::server(format!(
            "chainId does not match node's (have={have}, want={own})"
        ))),
        _ => Ok(()),
    }
}

/// Call data, under its newer name or its older one.
pub(crate) fn input(request: &TransactionRequest) -> Bytes {
    request.input.input().cloned().unwrap_or_default()
}

fn recovered(signed: SignedAuthorization) -> Either<SignedAuthorization, RecoveredAuthorization> {
    let found = authority(&signed).map_or(RecoveredAuthority::Invalid, RecoveredAuthority::Valid);
    Either::Right(RecoveredAuthorization::new_unchecked(signed.inner().clone(), found))
}
