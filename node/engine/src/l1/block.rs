//! One L1 block, from the first system call to the sealed header.
//!
//! Start with [`execute`].
//!
//! **Invariant:** a transaction that is refused leaves no trace; nothing but rules, parent,
//! attributes, transactions and state is read.

use super::header::draft;
use super::{L1Attributes, L1Fork, L1Rules, requests};
use crate::made::Made;
use crate::pool::Selection;
use crate::transaction::{self, BLOB, SET_CODE, Transaction};
use crate::{Block, StateView, StoredBlob, StoredReceipt};
use alloy_consensus::{Header, Transaction as _, Typed2718};
use alloy_eips::eip4895::Withdrawal;
use alloy_primitives::{
    Address, B256, Bloom, Bytes, KECCAK256_EMPTY, Sealed, U256, keccak256, logs_bloom,
};
use alloy_rlp::Encodable;
use opal_execute::{
    Overlay, Receipt, StateError, ordered_root,
    predeploys::{BEACON_ROOTS, HISTORY_STORAGE},
};
use revm::context::result::{EVMError, ExecutionResult};
use revm::context::{BlockEnv, CfgEnv, Context, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::handler::{MainnetContext, MainnetEvm, SYSTEM_ADDRESS, SystemCallEvm};
use revm::state::{Account, AccountInfo, EvmState};
use revm::{ExecuteEvm, Journal, MainBuilder};
use std::sync::Arc;

/// Longest block from Osaka, bytes (EIP-7934).
const MAX_BLOCK_SIZE: usize = (10 << 20) - (2 << 20);
/// Wei of a unit in which withdrawals are counted.
const GWEI: u64 = 1_000_000_000;

/// What is wrong with a block; the text starts with the field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Invalid {
    #[error("timestamp {timestamp} is not after the parent's {parent}")]
    Timestamp { timestamp: u64, parent: u64 },
    #[error("{field} is missing but needed from {fork:?}")]
    FieldMissing { field: &'static str, fork: L1Fork },
    #[error("{field} is set before {fork:?}")]
    FieldTooEarly { field: &'static str, fork: L1Fork },
    #[error("gas_limit {gas_limit} is too far from the parent's {parent}, or too low")]
    GasLimit { gas_limit: u64, parent: u64 },
    #[error("extra_data has {0} bytes, 32 are allowed")]
    ExtraData(usize),
    #[error("base_fee_per_gas of the parent is missing")]
    NoBaseFee,
    #[error("number of the parent is the last one")]
    LastNumber,
    #[error("transactions[{index}]: {fault}")]
    Transaction { index: usize, fault: String },
    #[error("requests: contract {0} has no code")]
    NoContract(Address),
    #[error("requests: contract {0} fails")]
    ContractFails(Address),
    #[error("requests: deposit log of {0} bytes is not laid out as the contract's")]
    DepositLog(usize),
    #[error("block is {0} bytes long, 8388608 are allowed")]
    Size(usize),
}

/// Why execution gave no block.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Invalid(#[from] Invalid),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("internal fault: {0}")]
    Internal(String),
}

/// Executes a block on the state after `parent`: these transactions, then what fits of the pool's.
pub(crate) fn execute(
    rules: &L1Rules,
    parent: &Sealed<Header>,
    attributes: &L1Attributes,
    transactions: &[Bytes],
    view: &mut StateView,
    selection: Option<Selection>,
) -> Result<Made, Error> {
    let mut work = Work::begin(rules, parent, attributes, view)?;
    for (index, raw) in transactions.iter().enumerate() {
        work.push(raw)?.map_err(|fault| Invalid::Transaction { index, fault })?;
    }
    if let Some(selection) = selection {
        work.fill(selection)?;
    }
    let mut made = work.seal(attributes)?;
    (made.nodes, made.codes) = view.take_made();
    Ok(made)
}

type Database<'a> = Overlay<'a, StateView>;
type Machine<'a> = MainnetEvm<MainnetContext<Database<'a>>>;
type Ran = Result<ExecutionResult, EVMError<StateError>>;

/// A block while it is executed or built.
struct Work<'a> {
    fork: L1Fork,
    deposit_contract: Option<Address>,
    /// Most blob gas of the block.
    max_blob_gas: u64,
    header: Header,
    machine: Machine<'a>,
    transactions: Vec<Bytes>,
    receipts: Vec<StoredReceipt>,
    fees: U256,
    blobs: Vec<Arc<StoredBlob>>,
    /// Bytes of the transactions.
    size: usize,
}

impl<'a> Work<'a> {
    fn begin(
        rules: &L1Rules,
        parent: &Sealed<Header>,
        attributes: &L1Attributes,
        view: &'a mut StateView,
    ) -> Result<Self, Error> {
        let header = draft(rules, parent, attributes)?;
        let params = rules.blob_params(header.timestamp);
        let mut work = Self {
            fork: rules.fork(header.timestamp),
            deposit_contract: rules.deposit_contract,
            max_blob_gas: params.map_or(0, |it| it.max_blob_gas_per_block()),
            machine: machine(rules, &header, Overlay::new(view)),
            header,
            transactions: Vec::new(),
            receipts: Vec::new(),
            fees: U256::ZERO,
            blobs: Vec::new(),
            size: 0,
        };
        if let Some(root) = work.header.parent_beacon_block_root {
            work.tell(BEACON_ROOTS, root)?;
        }
        if work.fork >= L1Fork::Prague {
            work.tell(HISTORY_STORAGE, work.header.parent_hash)?;
        }
        Ok(work)
    }

    fn overlay(&mut self) -> &mut Database<'a> {
        &mut self.machine.ctx.journaled_state.database
    }

    fn has_code(&mut self, contract: Address) -> Result<bool, Error> {
        let account = self.overlay().account(contract)?;
        Ok(account.is_some_and(|account| account.code_hash != KECCAK256_EMPTY))
    }

    /// Calls a system contract with one word. A failing call has no effect; a missing contract is
    /// no fault.
    fn tell(&mut self, contract: Address, word: B256) -> Result<(), Error> {
        if self.has_code(contract)? {
            self.call(contract, Bytes::copy_from_slice(word.as_slice()))?;
        }
        Ok(())
    }

    fn call(&mut self, contract: Address, data: Bytes) -> Result<ExecutionResult, Error> {
        let result = self.machine.system_call_one_with_caller(SYSTEM_ADDRESS, contract, data);
        self.settle(result)?.map_err(Error::Internal)
    }

    /// Commits what the machine did, or forgets it. The inner result is the transaction's own
    /// fault.
    fn settle(&mut self, result: Ran) -> Result<Result<ExecutionResult, String>, Error> {
        let state = self.machine.finalize();
        match result {
            Ok(done) => {
                self.overlay().commit(state)?;
                Ok(Ok(done))
            }
            Err(EVMError::Transaction(fault)) => Ok(Err(fault.to_string())),
            Err(EVMError::Database(error)) => Err(error.into()),
            Err(other) => Err(Error::Internal(other.to_string())),
        }
    }

    /// Executes the next transaction; the inner error is what is wrong with it.
    fn push(&mut self, raw: &Bytes) -> Result<Result<(), String>, Error> {
        let decoded = transaction::decode(raw).map_err(|error| error.to_string());
        let found = decoded.and_then(|tx| {
            let sender = transaction::sender(&tx).ok_or("invalid signature")?;
            Ok((tx, sender))
        });
        match found {
            Ok((tx, sender)) => self.run(raw, &tx, sender),
            Err(fault) => Ok(Err(fault)),
        }
    }

    fn run(
        &mut self,
        raw: &Bytes,
        tx: &Transaction,
        sender: Address,
    ) -> Result<Result<(), String>, Error> {
        if let Err(fault) = self.check(tx) {
            return Ok(Err(fault));
        }
        let result = self.machine.transact_one(transaction::environment(tx, sender));
        let done = match self.settle(result)? {
            Ok(done) => done,
            Err(fault) => return Ok(Err(fault)),
        };
        let gas_used = done.tx_gas_used();
        let blob_gas_used = tx.blob_gas_used().unwrap_or_default();
        self.header.gas_used = self.header.gas_used.saturating_add(gas_used);
        if let Some(used) = &mut self.header.blob_gas_used {
            *used = used.saturating_add(blob_gas_used);
        }
        let base_fee = self.header.base_fee_per_gas.unwrap_or_default();
        let tip = U256::from(transaction::tip(tx, base_fee));
        self.fees = self.fees.saturating_add(tip.saturating_mul(U256::from(gas_used)));
        let success = done.is_success();
        let logs = done.into_logs();
        self.receipts.push(StoredReceipt {
            receipt: Receipt {
                tx_type: tx.ty(),
                success,
                cumulative_gas_used: self.header.gas_used,
                bloom: logs_bloom(&logs),
                logs,
                deposit_nonce: None,
                has_deposit_version: false,
            },
            gas_used,
            sender,
            to: tx.to(),
            contract_address: tx.kind().is_create().then(|| sender.create(tx.nonce())),
            effective_gas_price: transaction::gas_price(tx, base_fee),
            l1_fee: U256::ZERO,
            da_size: 0,
            blob_gas_used,
        });
        self.size = self.size.saturating_add(rlp_size(raw));
        self.transactions.push(raw.clone());
        Ok(Ok(()))
    }

    /// What the EVM does not check.
    fn check(&self, tx: &Transaction) -> Result<(), String> {
        let since = match tx.ty() {
            BLOB => L1Fork::Cancun,
            SET_CODE => L1Fork::Prague,
            _ => L1Fork::Paris,
        };
        if self.fork < since {
            return Err(format!("type {} is not supported before {since:?}", tx.ty()));
        }
        let left = self.header.gas_limit.saturating_sub(self.header.gas_used);
        if tx.gas_limit() > left {
            return Err(format!("gas limit {} exceeds the {left} left", tx.gas_limit()));
        }
        let blob_gas = tx.blob_gas_used().unwrap_or_default();
        let left = self.max_blob_gas.saturating_sub(self.header.blob_gas_used.unwrap_or_default());
        if blob_gas > left {
            return Err(format!("blob gas {blob_gas} exceeds the {left} left in the block"));
        }
        Ok(())
    }

    /// Adds what fits of the pool. What fails is passed over, with what its sender has behind it.
    fn fill(&mut self, mut selection: Selection) -> Result<(), Error> {
        /// No transaction needs less gas.
        const LEAST_GAS: u64 = 21_000;
        /// Room for the header, withdrawals and list headers.
        const SPARE: usize = 64 << 10;
        while let Some(tx) = selection.best() {
            if self.header.gas_limit.saturating_sub(self.header.gas_used) < LEAST_GAS {
                break;
            }
            let size = self.size.saturating_add(rlp_size(&tx.raw)).saturating_add(SPARE);
            let is_too_long = self.fork >= L1Fork::Osaka && size > MAX_BLOCK_SIZE;
            if !is_too_long && self.run(&tx.raw, &tx.transaction, tx.sender)?.is_ok() {
                self.blobs.extend(tx.blobs.iter().cloned());
                selection.take();
            } else {
                selection.skip();
            }
        }
        Ok(())
    }

    /// What the block asks of the consensus layer (EIP-7685).
    fn requests(&mut self) -> Result<Vec<Bytes>, Error> {
        let logs = self.receipts.iter().flat_map(|it| &it.receipt.logs);
        let deposits = match self.deposit_contract {
            Some(contract) => requests::deposits(contract, logs)?,
            None => Vec::new(),
        };
        let mut all: Vec<Bytes> = requests::request(0, &deposits).into_iter().collect();
        for (kind, contract) in requests::CONTRACTS {
            if !self.has_code(contract)? {
                return Err(Invalid::NoContract(contract).into());
            }
            let result = self.call(contract, Bytes::new())?;
            if !result.is_success() {
                return Err(Invalid::ContractFails(contract).into());
            }
            all.extend(requests::request(kind, result.output().map_or(&[], |it| it.as_ref())));
        }
        Ok(all)
    }

    /// Adds to the balances of withdrawals' receivers (EIP-4895).
    fn withdraw(&mut self, withdrawals: &[Withdrawal]) -> Result<(), Error> {
        for withdrawal in withdrawals {
            let before = self.overlay().account(withdrawal.address)?;
            let amount = U256::from(withdrawal.amount).saturating_mul(U256::from(GWEI));
            let info = AccountInfo {
                balance: before.map_or(U256::ZERO, |it| it.balance).saturating_add(amount),
                nonce: before.map_or(0, |it| it.nonce),
                code_hash: before.map_or(KECCAK256_EMPTY, |it| it.code_hash),
                account_id: None,
                code: None,
            };
            let mut account = Account::from(info);
            account.mark_touch();
            self.overlay().commit(EvmState::from_iter([(withdrawal.address, account)]))?;
        }
        Ok(())
    }

    /// Closes the block: requests, withdrawals, roots, header, hash.
    fn seal(mut self, attributes: &L1Attributes) -> Result<Made, Error> {
        let requests = if self.fork >= L1Fork::Prague { self.requests()? } else { Vec::new() };
        let withdrawals = attributes.withdrawals.as_deref().unwrap_or_default();
        self.withdraw(withdrawals)?;
        let changes = self.overlay().changes();
        self.header.state_root = self.overlay().state_root(&changes)?;
        let mut header = self.header;
        header.requests_hash = header.requests_hash.map(|_| requests::hash(&requests));
        header.transactions_root = ordered_root(self.transactions.iter().cloned());
        header.receipts_root = ordered_root(self.receipts.iter().map(|it| it.receipt.encode()));
        let blooms = self.receipts.iter().map(|it| it.receipt.bloom);
        header.logs_bloom = blooms.fold(Bloom::ZERO, |all, bloom| all | bloom);
        let size = block_size(&header, self.size, attributes.withdrawals.as_deref());
        if self.fork >= L1Fork::Osaka && size > MAX_BLOCK_SIZE {
            return Err(Invalid::Size(size).into());
        }
        let block = Block {
            header: crate::block::sealed(header),
            transaction_hashes: self.transactions.iter().map(keccak256).collect(),
            transactions: self.transactions,
            senders: self.receipts.iter().map(|it| it.sender).collect(),
            withdrawals: attributes.withdrawals.clone(),
            message_passer_root: None,
            requests,
        };
        Ok(Made {
            block: Arc::new(block),
            receipts: Arc::new(self.receipts),
            changes,
            nodes: Vec::new(),
            codes: Vec::new(),
            fees: self.fees,
            blobs: self.blobs,
        })
    }
}

/// Bytes of a transaction in a block's list: a legacy one is a list itself, the others are strings.
fn rlp_size(raw: &Bytes) -> usize {
    if raw.first().is_some_and(|byte| *byte >= 0xc0) { raw.len() } else { raw.length() }
}

/// Bytes of a whole block.
fn block_size(header: &Header, transactions: usize, withdrawals: Option<&[Withdrawal]>) -> usize {
    let list =
        |payload_length| alloy_rlp::Header { list: true, payload_length }.length_with_payload();
    let withdrawals = withdrawals.map_or(0, |all| list(all.iter().map(Encodable::length).sum()));
    list(header.length() + list(transactions) + list(0) + withdrawals)
}

/// The EVM for one block.
fn machine<'a>(rules: &L1Rules, header: &Header, overlay: Database<'a>) -> Machine<'a> {
    let spec = rules.fork(header.timestamp).spec();
    Context::<BlockEnv, TxEnv, CfgEnv, Database<'a>, Journal<Database<'a>>, ()>::new(overlay, spec)
        .with_block(block_environment(rules, header))
        .with_cfg(configuration(rules, header.timestamp))
        .build_mainnet()
}

/// What the EVM is told of a block.
pub(crate) fn block_environment(rules: &L1Rules, header: &Header) -> BlockEnv {
    let params = rules.blob_params(header.timestamp);
    BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        blob_excess_gas_and_price: params.map(|params| {
            let excess_blob_gas = header.excess_blob_gas.unwrap_or_default();
            let blob_gasprice = params.calc_blob_fee(excess_blob_gas);
            BlobExcessGasAndPrice { excess_blob_gas, blob_gasprice }
        }),
        slot_num: 0,
    }
}

/// The EVM's rules at a time.
pub(crate) fn configuration(rules: &L1Rules, timestamp: u64) -> CfgEnv {
    let mut cfg = CfgEnv::new()
        .with_spec_and_mainnet_gas_params(rules.fork(timestamp).spec())
        .with_chain_id(rules.chain_id)
        .enable_tx_chain_id_check();
    if let Some(params) = rules.blob_params(timestamp) {
        cfg.set_max_blobs_per_tx(params.max_blobs_per_tx);
    }
    cfg
}
