//! Real transactions, run again.
//!
//! Start with [`Replay`]: it begins with a block's parent state and goes through the block.
//!
//! **Invariant:** what a transaction paid for its place on L1 is what its receipt says.

use super::database::{CallDb, ViewDb};
use super::environment::Environment;
use super::evm::{CallTx, Checks, Outcome, Setting, Watcher, run, system_call, watch};
use super::fault::CallFault;
use super::precompiles::Moves;
use crate::l1::L1Fork;
use crate::rpc::RpcError;
use crate::rpc::shape::Transaction;
use crate::transaction::{self, DEPOSIT};
use crate::{Block, Engine, Rules, StoredReceipt};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use op_revm::transaction::deposit::DepositTransactionParts;
use opal_execute::predeploys::{BEACON_ROOTS, CREATE2_DEPLOYER, HISTORY_STORAGE};
use opal_types::Fork;
use revm::DatabaseCommit;
use revm::context::TxEnv;
use revm::state::Bytecode;
use std::sync::Arc;

/// A block that is run again, transaction by transaction.
pub(crate) struct Replay {
    pub(crate) environment: Environment,
    pub(crate) db: CallDb,
    pub(crate) block: Arc<Block>,
    receipts: Arc<Vec<StoredReceipt>>,
    moves: Moves,
}

impl Replay {
    /// The state in which the block's first transaction ran.
    pub(crate) fn begin(engine: &Engine, block: Arc<Block>) -> Result<Self, RpcError> {
        let header = &block.header;
        if header.number == engine.first_block().number {
            return Err(RpcError::server("genesis is not traceable"));
        }
        let view = engine.state_at(header.parent_hash)?;
        let mut replay = Self {
            environment: Environment::of(engine.rules(), header),
            db: ViewDb::open(view),
            receipts: engine.receipts(header.hash())?.unwrap_or_default(),
            block: Arc::clone(&block),
            moves: Moves::none(),
        };
        system_calls(engine.rules(), &replay.environment, &block.header, &mut replay.db)
            .map_err(|fault| fault.into_error(0))?;
        Ok(replay)
    }

    /// The transaction at this position, ready to run.
    pub(crate) fn transaction(&self, index: usize) -> Result<CallTx, RpcError> {
        let absent = || RpcError::internal("the store lacks a part of a block");
        let raw = self.block.transactions.get(index).ok_or_else(absent)?;
        let sender = *self.block.senders.get(index).ok_or_else(absent)?;
        let tx = Transaction::decode(raw).map_err(RpcError::internal)?;
        let l1_fee = self.receipts.get(index).map_or(U256::ZERO, |receipt| receipt.l1_fee);
        let mut call = call_of(&tx, sender);
        call.paid = Some((raw.clone(), l1_fee));
        Ok(call)
    }

    /// Runs the transactions before this position.
    pub(crate) fn skip_to(&mut self, index: usize) -> Result<(), RpcError> {
        for before in 0..index {
            let tx = self.transaction(before)?;
            let outcome = run(setting(&self.environment, &self.moves), &mut self.db, &tx)
                .map_err(|fault| fault.into_error(tx.base.gas_limit))?;
            self.db.commit(outcome.state);
        }
        Ok(())
    }

    /// Runs one transaction with a watcher. The caller commits what it did.
    pub(crate) fn watch<I: Watcher>(
        &mut self,
        tx: &CallTx,
        watcher: &mut I,
    ) -> Result<Outcome, RpcError> {
        watch(setting(&self.environment, &self.moves), &mut self.db, tx, watcher)
            .map_err(|fault| fault.into_error(tx.base.gas_limit))
    }
}

const fn setting<'a>(environment: &'a Environment, moves: &'a Moves) -> Setting<'a> {
    Setting { environment, checks: Checks::All, moves }
}

/// A decoded transaction as the EVM takes it. What it pays beside gas is left to the caller.
pub(crate) fn call_of(tx: &Transaction, sender: Address) -> CallTx {
    match tx {
        Transaction::Deposit(tx) => CallTx {
            base: TxEnv {
                tx_type: DEPOSIT,
                caller: sender,
                gas_limit: tx.gas_limit,
                kind: tx.to,
                value: tx.value,
                data: tx.input.clone(),
                ..TxEnv::default()
            },
            deposit: DepositTransactionParts {
                source_hash: tx.source_hash,
                mint: (tx.mint != 0).then_some(tx.mint),
                is_system_transaction: tx.is_system_transaction,
            },
            paid: None,
        },
        Transaction::Signed(tx) => {
            CallTx { base: transaction::environment(tx, sender), ..CallTx::default() }
        }
    }
}

/// What the protocol does before a block's first transaction.
pub(crate) fn system_calls(
    rules: &Rules,
    environment: &Environment,
    header: &Header,
    db: &mut CallDb,
) -> Result<(), CallFault> {
    if let Rules::L2(config) = rules
        && config.forks.time(Fork::Canyon) == Some(header.timestamp)
    {
        deploy_create2(db)?;
    }
    if let Some(root) = header.parent_beacon_block_root {
        call_contract(environment, db, BEACON_ROOTS, root)?;
    }
    let has_history = match rules {
        Rules::L1(rules) => rules.fork(header.timestamp) >= L1Fork::Prague,
        Rules::L2(config) => config.forks.active(Fork::Isthmus, header.timestamp),
    };
    if has_history {
        call_contract(environment, db, HISTORY_STORAGE, header.parent_hash)?;
    }
    Ok(())
}

/// E14.
fn deploy_create2(db: &mut CallDb) -> Result<(), CallFault> {
    let mut info = db.load_account(CREATE2_DEPLOYER)?.info.clone();
    let code = Bytecode::new_legacy(Bytes::from_static(opal_execute::CREATE2_DEPLOYER_CODE));
    info.code_hash = code.hash_slow();
    info.code = Some(code);
    db.insert_account_info(CREATE2_DEPLOYER, info);
    Ok(())
}

/// Calls a system contract with one word; a missing contract is no fault.
fn call_contract(
    environment: &Environment,
    db: &mut CallDb,
    contract: Address,
    word: B256,
) -> Result<(), CallFault> {
    if db.load_account(contract)?.info.is_empty_code_hash() {
        return Ok(());
    }
    let data = Bytes::copy_from_slice(word.as_slice());
    let state = system_call(environment, db, contract, data)?;
    db.commit(state);
    Ok(())
}
