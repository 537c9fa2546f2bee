//! `eth_call` and `eth_createAccessList`.
//!
//! Start with [`Prepared`]: a block's environment and state with a request's overrides.
//!
//! **Invariant:** each call has its own copy of the state; nothing of it lasts.

use super::super::{Api, RpcError, Table};
use super::request::call_tx;
use crate::call::{
    CallDb, CallTx, Checks, Environment, Moves, Outcome, Setting, ViewDb, halt_text,
    override_block, override_state, run, watch,
};
use alloy_eips::BlockId;
use alloy_eips::eip2930::AccessList;
use alloy_primitives::{Bytes, U64};
use alloy_rpc_types_eth::state::StateOverride;
use alloy_rpc_types_eth::{BlockOverrides, TransactionRequest};
use jsonrpsee::core::RegisterMethodError;
use revm::Database;
use revm::context::result::ExecutionResult;
use revm_inspectors::access_list::AccessListInspector;
use serde::Serialize;

/// Rounds of making an access list before it is taken as it is.
const MAX_ROUNDS: usize = 8;

pub(super) fn list(table: &mut Table) -> Result<(), RegisterMethodError> {
    table.run("eth_call", call)?;
    table.run("eth_createAccessList", access_list)
}

/// What a call runs in.
pub(crate) struct Prepared {
    pub(crate) environment: Environment,
    pub(crate) db: CallDb,
    pub(crate) moves: Moves,
}

impl Prepared {
    /// After a block, with overrides.
    pub(crate) fn new(
        api: &Api,
        at: Option<BlockId>,
        state: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, RpcError> {
        let (view, found) = api.state(at)?;
        let environment = Environment::of(api.engine.rules(), &found.header);
        Self::with(api, environment, ViewDb::open(view), state, block)
    }

    /// In a state that is there already.
    pub(crate) fn with(
        api: &Api,
        mut environment: Environment,
        mut db: CallDb,
        state: Option<StateOverride>,
        block: Option<BlockOverrides>,
    ) -> Result<Self, RpcError> {
        if let Some(block) = block {
            override_block(api.engine.rules(), &mut environment, &mut db, block)?;
        }
        let moves = override_state(&environment, &mut db, state.unwrap_or_default())?;
        Ok(Self { environment, db, moves })
    }

    /// Without the checks that calls are spared.
    pub(crate) fn run(&mut self, tx: &CallTx) -> Result<Outcome, RpcError> {
        let setting =
            Setting { environment: &self.environment, checks: Checks::Call, moves: &self.moves };
        run(setting, &mut self.db, tx).map_err(|fault| fault.into_error(tx.base.gas_limit))
    }
}

type CallParams =
    (TransactionRequest, Option<BlockId>, Option<StateOverride>, Option<BlockOverrides>);

fn call(api: &Api, (request, at, state, block): CallParams) -> Result<Bytes, RpcError> {
    let mut prepared = Prepared::new(api, at, state, block)?;
    let tx = call_tx(&prepared.environment, request, api.limits.call_gas)?;
    match prepared.run(&tx)?.result {
        ExecutionResult::Success { output, .. } => Ok(output.into_data()),
        ExecutionResult::Revert { output, .. } => Err(RpcError::reverted(&output)),
        ExecutionResult::Halt { reason, .. } => Err(RpcError::server(halt_text(&reason))),
    }
}

#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AccessListShape {
    access_list: AccessList,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    gas_used: U64,
}

/// Runs the request with the list that the run before gave, until nothing is added.
fn access_list(
    api: &Api,
    (mut request, at, state): (TransactionRequest, Option<BlockId>, Option<StateOverride>),
) -> Result<AccessListShape, RpcError> {
    let mut prepared = Prepared::new(api, at, state, None)?;
    if request.nonce.is_none() {
        let from = request.from.unwrap_or_default();
        let account = prepared.db.basic(from).map_err(RpcError::internal)?;
        request.nonce = Some(account.map_or(0, |it| it.nonce));
    }
    let mut list = request.access_list.clone().unwrap_or_default();
    for round in 1.. {
        request.access_list = Some(list.clone());
        let tx = call_tx(&prepared.environment, request.clone(), api.limits.call_gas)?;
        let mut inspector = AccessListInspector::new(list.clone());
        let setting = Setting {
            environment: &prepared.environment,
            checks: Checks::Call,
            moves: &prepared.moves,
        };
        let outcome = watch(setting, &mut prepared.db, &tx, &mut inspector)
            .map_err(|fault| fault.into_error(tx.base.gas_limit))?;
        let found = sorted(inspector.into_access_list());
        if found == list || round == MAX_ROUNDS {
            return Ok(AccessListShape {
                access_list: found,
                error: failure(&outcome),
                gas_used: U64::from(outcome.result.tx_gas_used()),
            });
        }
        list = found;
    }
    unreachable!("the loop ends in its last round")
}

fn sorted(mut list: AccessList) -> AccessList {
    list.0.sort_by_key(|item| item.address);
    for item in &mut list.0 {
        item.storage_keys.sort_unstable();
    }
    list
}

/// Why a transaction failed, if it did.
pub(crate) fn failure(outcome: &Outcome) -> Option<String> {
    match &outcome.result {
        ExecutionResult::Success { .. } => None,
        ExecutionResult::Revert { .. } => Some("execution reverted".to_owned()),
        ExecutionResult::Halt { reason, .. } => Some(halt_text(reason)),
    }
}
