//! One simulated block.
//!
//! Start with [`Simulator::run`].
//!
//! **Invariant:** the block's roots are those of what its calls really did; only signatures are missing.

use super::super::eth::{call_tx, next_base_fee};
use super::super::shape::{
    BlockShape, Included, LogShape, Place, Transaction, TransactionShape, Transactions, block,
    da_footprint_scalar, log,
};
use super::super::{Api, RpcError};
use super::plan::Planned;
use crate::call::{
    CallDb, CallFault, CallTx, Checks, Environment, Moves, Outcome, Refusal, Setting, halt_text,
    override_state, run, system_calls, watch,
};
use crate::{Block, Rules};
use alloy_consensus::{EMPTY_OMMER_ROOT_HASH, Header, SignableTransaction, TxEnvelope};
use alloy_eips::eip2718::Encodable2718;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{
    Address, Bloom, Bytes, Log, Sealable, Sealed, Signature, TxKind, U64, U256,
};
use alloy_rpc_types_eth::TransactionRequest;
use opal_execute::predeploys::MESSAGE_PASSER;
use opal_execute::{
    Account, AccountChange, EMPTY_ROOT, FastLz, Receipt, StateRead, da_size, ordered_root,
};
use opal_types::Fork;
use revm::context::result::ExecutionResult;
use revm::database::AccountState;
use revm::{Database, DatabaseCommit};
use revm_inspectors::transfer::{TRANSFER_LOG_EMITTER, TransferInspector};
use serde::Serialize;
use serde_json::{Value, json};

/// A running simulation.
pub(super) struct Simulator<'a> {
    pub(super) api: &'a Api,
    pub(super) base: &'a Block,
    pub(super) db: CallDb,
    /// Gas for all calls together.
    pub(super) gas_left: u64,
    pub(super) trace_transfers: bool,
    pub(super) validation: bool,
    pub(super) full: bool,
}

/// What a call gave.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CallShape {
    return_data: Bytes,
    logs: Vec<LogShape>,
    gas_used: U64,
    max_used_gas: U64,
    status: U64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

/// What a block's calls add up to.
#[derive(Debug, Default)]
struct Sums {
    gas_used: u64,
    blob_gas_used: u64,
    raws: Vec<Bytes>,
    senders: Vec<Address>,
    receipts: Vec<Receipt>,
    done: Vec<(Outcome, Vec<Log>)>,
}

type Simulated = (Sealed<Header>, BlockShape, Vec<CallShape>);

impl Simulator<'_> {
    pub(super) fn run(
        &mut self,
        parent: &Sealed<Header>,
        planned: Planned,
    ) -> Result<Simulated, RpcError> {
        let rules = self.api.engine.rules();
        let mut header = self.draft(parent, &planned)?;
        let mut environment = Environment::of(rules, &header);
        if let Some(price) = planned.block.blob_base_fee
            && let Some(blob) = environment.block.blob_excess_gas_and_price.as_mut()
        {
            blob.blob_gasprice = price.saturating_to();
        }
        let moves = override_state(&environment, &mut self.db, planned.state)?;
        system_calls(rules, &environment, &header, &mut self.db)
            .map_err(|fault| fault.into_error(0))?;
        let mut sums = Sums::default();
        for call in planned.calls {
            self.call(&environment, &moves, call, &mut sums)?;
        }
        header.gas_used = sums.gas_used;
        if header.blob_gas_used.is_some() {
            let footprint = self.footprint(header.timestamp, &sums.raws);
            header.blob_gas_used = Some(footprint.unwrap_or(sums.blob_gas_used));
        }
        header.transactions_root = ordered_root(sums.raws.iter().cloned());
        header.receipts_root = ordered_root(sums.receipts.iter().map(Receipt::encode));
        header.logs_bloom = sums.receipts.iter().fold(Bloom::ZERO, |all, it| all | it.bloom);
        self.roots(&mut header)?;
        let header = header.seal_slow();
        self.db.db.hashes.insert(header.number, header.hash());
        self.shapes(header, sums)
    }

    /// The header as far as it is known before the calls run.
    fn draft(&self, parent: &Sealed<Header>, planned: &Planned) -> Result<Header, RpcError> {
        let rules = self.api.engine.rules();
        let timestamp = planned.timestamp;
        let [shanghai, cancun, prague] = match rules {
            Rules::L1(rules) => [rules.shanghai, rules.cancun, rules.prague]
                .map(|time| time.is_some_and(|time| time <= timestamp)),
            Rules::L2(config) => [Fork::Canyon, Fork::Ecotone, Fork::Isthmus]
                .map(|fork| config.forks.active(fork, timestamp)),
        };
        let wanted = &planned.block;
        let base_fee = match wanted.base_fee {
            Some(fee) => u64::try_from(fee)
                .map_err(|_| RpcError::params(format!("baseFeePerGas {fee} is too large")))?,
            None if self.validation => {
                // Of an OP Stack chain it goes by the extra data, which simulated blocks lack.
                let extra_data = self.base.header.extra_data.clone();
                next_base_fee(rules, &Header { extra_data, ..parent.inner().clone() })
            }
            // Else a call without a price could not be made.
            None => 0,
        };
        let excess =
            rules.l1().and_then(|rules| rules.blob_params(timestamp)).map_or(0, |params| {
                params.next_block_excess_blob_gas_osaka(
                    parent.excess_blob_gas.unwrap_or_default(),
                    parent.blob_gas_used.unwrap_or_default(),
                    parent.base_fee_per_gas.unwrap_or_default(),
                )
            });
        Ok(Header {
            parent_hash: parent.hash(),
            ommers_hash: EMPTY_OMMER_ROOT_HASH,
            beneficiary: wanted.coinbase.unwrap_or(parent.beneficiary),
            number: planned.number,
            gas_limit: wanted.gas_limit.unwrap_or(parent.gas_limit),
            timestamp,
            mix_hash: wanted.random.unwrap_or_default(),
            base_fee_per_gas: Some(base_fee),
            withdrawals_root: shanghai.then_some(EMPTY_ROOT),
            blob_gas_used: cancun.then_some(0),
            excess_blob_gas: cancun.then_some(excess),
            parent_beacon_block_root: cancun.then(|| wanted.beacon_root.unwrap_or_default()),
            requests_hash: prague.then_some(EMPTY_REQUESTS_HASH),
            ..Header::default()
        })
    }

    /// The data-availability footprint (E6), priced as in the block below all simulated ones.
    fn footprint(&self, timestamp: u64, raws: &[Bytes]) -> Option<u64> {
        let config = self.api.engine.rules().l2()?;
        config.forks.active(Fork::Jovian, timestamp).then_some(())?;
        let scalar = da_footprint_scalar(self.base).unwrap_or_default();
        let mut fastlz = FastLz::default();
        let sizes = raws.iter().map(|raw| da_size(fastlz.size(raw)));
        Some(sizes.map(|size| size.saturating_mul(scalar)).fold(0, u64::saturating_add))
    }

    fn call(
        &mut self,
        environment: &Environment,
        moves: &Moves,
        mut request: TransactionRequest,
        sums: &mut Sums,
    ) -> Result<(), RpcError> {
        const BLOCK_GAS_LIMIT_REACHED: i32 = -38015;
        let from = request.from.unwrap_or_default();
        if request.nonce.is_none() {
            let account = self.db.basic(from).map_err(RpcError::internal)?;
            request.nonce = Some(account.map_or(0, |it| it.nonce));
        }
        let remaining = environment.block.gas_limit.saturating_sub(sums.gas_used);
        let required = request.gas.unwrap_or(remaining);
        if required > remaining {
            let text =
                format!("block gas limit reached: remaining: {remaining}, required: {required}");
            return Err(RpcError::new(BLOCK_GAS_LIMIT_REACHED, text));
        }
        request.gas = Some(required.min(self.gas_left));
        let tx = call_tx(environment, request.clone(), u64::MAX)?;
        let (raw, tx_type) = unsigned(request, environment.chain_id)?;
        let outcome = self.transact(environment, moves, &tx)?;
        self.gas_left = self.gas_left.saturating_sub(outcome.result.tx_gas_used());
        self.db.commit(outcome.state.clone());
        sums.gas_used += outcome.result.tx_gas_used();
        sums.blob_gas_used += tx.base.blob_hashes.len() as u64 * (1 << 17);
        let all = outcome.result.logs().to_vec();
        let real: Vec<Log> =
            all.iter().filter(|it| it.address != TRANSFER_LOG_EMITTER).cloned().collect();
        sums.receipts.push(Receipt {
            tx_type,
            success: outcome.result.is_success(),
            cumulative_gas_used: sums.gas_used,
            bloom: real.iter().collect(),
            logs: if outcome.result.is_success() { real } else { Vec::new() },
            deposit_nonce: None,
            has_deposit_version: false,
        });
        sums.raws.push(raw);
        sums.senders.push(from);
        sums.done.push((outcome, all));
        Ok(())
    }

    fn transact(
        &mut self,
        environment: &Environment,
        moves: &Moves,
        tx: &CallTx,
    ) -> Result<Outcome, RpcError> {
        let checks = if self.validation { Checks::Simulated } else { Checks::Loose };
        let setting = Setting { environment, checks, moves };
        let ran = if self.trace_transfers {
            let mut transfers = TransferInspector::new(false).with_logs(true);
            watch(setting, &mut self.db, tx, &mut transfers)
        } else {
            run(setting, &mut self.db, tx)
        };
        ran.map_err(|fault| refused(fault, tx.base.gas_limit))
    }

    /// The roots of the state after the calls, over the state of the block below all simulated ones.
    fn roots(&self, header: &mut Header) -> Result<(), RpcError> {
        let mut view = self.api.engine.state_at(self.base.header.hash())?;
        let mut changes = Vec::new();
        for (address, entry) in &self.db.cache.accounts {
            let before = view.account(*address).map_err(RpcError::internal)?;
            let is_gone = entry.account_state == AccountState::NotExisting || entry.info.is_empty();
            let account = (!is_gone).then_some(Account {
                nonce: entry.info.nonce,
                balance: entry.info.balance,
                code_hash: entry.info.code_hash,
            });
            let storage_cleared = entry.account_state == AccountState::StorageCleared || is_gone;
            let mut slots = Vec::new();
            for (slot, value) in &entry.storage {
                let old = if storage_cleared || before.is_none() {
                    U256::ZERO
                } else {
                    view.storage(*address, *slot).map_err(RpcError::internal)?
                };
                if *value != old {
                    slots.push((*slot, *value));
                }
            }
            if account == before && slots.is_empty() && !entry.account_state.is_storage_cleared() {
                continue;
            }
            slots.sort_unstable_by_key(|(slot, _)| *slot);
            changes.push(AccountChange {
                address: *address,
                account,
                // Only its hash is part of the state.
                code: None,
                storage_cleared: storage_cleared && before.is_some(),
                slots,
            });
        }
        changes.sort_unstable_by_key(|change| change.address);
        header.state_root = view.state_root(&changes).map_err(RpcError::internal)?;
        if let Some(config) = self.api.engine.rules().l2()
            && config.forks.active(Fork::Isthmus, header.timestamp)
        {
            let root = view.storage_root(MESSAGE_PASSER).map_err(RpcError::internal)?;
            header.withdrawals_root = Some(root);
        }
        Ok(())
    }

    fn shapes(&self, header: Sealed<Header>, sums: Sums) -> Result<Simulated, RpcError> {
        let made = Block {
            header: header.clone(),
            transaction_hashes: sums.raws.iter().map(alloy_primitives::keccak256).collect(),
            transactions: sums.raws,
            senders: sums.senders,
            withdrawals: header.withdrawals_root.map(|_| Vec::new()),
            message_passer_root: None,
            requests: Vec::new(),
        };
        let transactions = if self.full {
            let shapes = made.transactions.iter().zip(&made.senders).enumerate();
            let shapes = shapes.map(|(index, (raw, sender))| {
                let tx = Transaction::decode(raw).map_err(RpcError::internal)?;
                let place = Included::new(&made, &[], index);
                Ok(TransactionShape::new(raw, &tx, *sender, Some(&place)))
            });
            Transactions::Full(shapes.collect::<Result<_, RpcError>>()?)
        } else {
            Transactions::hashes(&made)
        };
        let mut log_index = 0;
        let mut calls = Vec::with_capacity(sums.done.len());
        for (index, (outcome, logs)) in sums.done.iter().enumerate() {
            let place = Place {
                block_hash: header.hash(),
                block_number: header.number,
                timestamp: header.timestamp,
                transaction_hash: made.transaction_hashes.get(index).copied().unwrap_or_default(),
                transaction_index: index as u64,
                log_index,
            };
            log_index += logs.len() as u64;
            calls.push(call_shape(outcome, logs, place));
        }
        Ok((header, block(&made, transactions), calls))
    }
}

fn call_shape(outcome: &Outcome, logs: &[Log], mut place: Place) -> CallShape {
    const VM_ERROR: i32 = -32015;
    let gas = outcome.result.gas();
    let mut shapes = Vec::with_capacity(logs.len());
    for entry in logs {
        shapes.push(log(entry, &place, false));
        place.log_index += 1;
    }
    let mut output = Bytes::new();
    let error = match &outcome.result {
        ExecutionResult::Success { output: returned, .. } => {
            output = returned.data().clone();
            None
        }
        ExecutionResult::Revert { output, .. } => {
            let error = RpcError::reverted(output);
            Some(json!({ "message": error.message, "code": error.code, "data": error.data }))
        }
        ExecutionResult::Halt { reason, .. } => {
            Some(json!({ "message": halt_text(reason), "code": VM_ERROR }))
        }
    };
    CallShape {
        return_data: output,
        logs: if error.is_none() { shapes } else { Vec::new() },
        gas_used: U64::from(outcome.result.tx_gas_used()),
        max_used_gas: U64::from(gas.total_gas_spent().max(gas.floor_gas())),
        status: U64::from(u8::from(error.is_none())),
        error,
    }
}

/// The codes of `eth_simulateV1` for transactions that no block could hold.
fn refused(fault: CallFault, gas: u64) -> RpcError {
    let code = match &fault {
        CallFault::State(error) => return RpcError::internal(error),
        CallFault::IntrinsicGas(_) => -38013,
        CallFault::Refused(kind, _) => code(*kind),
    };
    RpcError { code, ..fault.into_error(gas) }
}

const fn code(kind: Refusal) -> i32 {
    match kind {
        Refusal::NonceTooLow => -38010,
        Refusal::NonceTooHigh => -38011,
        Refusal::Funds => -38014,
        Refusal::SenderHasCode => -38024,
        Refusal::InitCode => -38025,
        Refusal::FeeCap => -32602,
        Refusal::GasLimit | Refusal::Other => -32603,
    }
}

/// The transaction without its signature, for its hash and its place in the block.
fn unsigned(mut request: TransactionRequest, chain_id: u64) -> Result<(Bytes, u8), RpcError> {
    request.chain_id = Some(chain_id);
    request.value = Some(request.value.unwrap_or_default());
    request.to = Some(request.to.unwrap_or(TxKind::Create));
    if request.gas_price.is_none() {
        request.max_fee_per_gas = Some(request.max_fee_per_gas.unwrap_or_default());
        request.max_priority_fee_per_gas =
            Some(request.max_priority_fee_per_gas.unwrap_or_default());
    }
    if request.blob_versioned_hashes.is_some() {
        request.max_fee_per_blob_gas = Some(request.max_fee_per_blob_gas.unwrap_or_default());
    }
    request.transaction_type = None;
    let tx = request
        .build_typed_tx()
        .map_err(|_| RpcError::params("the request does not describe a transaction"))?;
    let signature = Signature::new(U256::ZERO, U256::ZERO, false);
    let tx: TxEnvelope = tx.into_signed(signature).into();
    Ok((tx.encoded_2718().into(), tx.tx_type() as u8))
}
