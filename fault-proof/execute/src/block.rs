//! One block, from the first system call to the sealed header.
//!
//! Start with [`execute`], which is [`Block::begin`], [`Block::push`] for each transaction and
//! [`Block::seal`]. A block is built the same way: a transaction that `push` refuses leaves no trace.
//!
//! **Invariant:** the header is a function of config, parent, transactions and state; nothing else is read.

use crate::crypto::Crypto;
use crate::fees::{FastLz, L1Fees, OPERATOR, OperatorFee, da_size};
use crate::overlay::Overlay;
use crate::precompiles::Precompiles;
use crate::predeploys::{
    BEACON_ROOTS, CREATE2_DEPLOYER, HISTORY_STORAGE, L1_BLOCK, MESSAGE_PASSER,
};
use crate::receipt::{Blooms, Receipt};
use crate::transaction::{self, DEPOSIT, Failure};
use crate::trie::ordered_root;
use crate::{
    AccountChange, Error, Invalid, Rules, StateError, StateRead, TransactionFault, header,
};
use alloc::string::ToString;
use alloc::vec::Vec;
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bloom, Bytes, KECCAK256_EMPTY, Sealed, TxKind, U256};
use op_revm::{L1BlockInfo, OpEvm, OpHaltReason, OpSpecId, OpTransaction, OpTransactionError};
use opal_types::{Attributes, ChainConfig, Fork};
use revm::context::result::{EVMError, ExecutionResult};
use revm::context::{BlockEnv, CfgEnv, Context, Evm, FrameStack, TxEnv};
use revm::context_interface::block::BlobExcessGasAndPrice;
use revm::handler::SYSTEM_ADDRESS;
use revm::handler::instructions::EthInstructions;
use revm::handler::system_call::SystemCallEvm;
use revm::interpreter::interpreter::EthInterpreter;
use revm::state::Bytecode;
use revm::{ExecuteEvm, Journal};

/// Code that Canyon puts at the create2 deployer (E14).
pub static CREATE2_DEPLOYER_CODE: &[u8] = include_bytes!("create2_deployer.bin");

type Ctx<'a, S> = Context<
    BlockEnv,
    OpTransaction<TxEnv>,
    CfgEnv<OpSpecId>,
    Overlay<'a, S>,
    Journal<Overlay<'a, S>>,
    L1BlockInfo,
>;
type Machine<'a, S> =
    OpEvm<Ctx<'a, S>, (), EthInstructions<EthInterpreter, Ctx<'a, S>>, Precompiles<'a>>;

/// A block that was executed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The header with its hash.
    pub header: Sealed<Header>,
    /// One per transaction.
    pub receipts: Vec<Receipt>,
    /// One per transaction: what the receipts do not tell.
    pub transactions: Vec<Executed>,
    /// What the block did to the state.
    pub changes: Vec<AccountChange>,
}

/// A transaction that was executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Executed {
    /// Who sent it.
    pub sender: Address,
    /// Gas used by it alone.
    pub gas_used: u64,
    /// What it paid for its place on L1 (E2); zero for deposits.
    pub l1_fee: U256,
    /// Bytes it counts for in the data-availability footprint (E6); zero for deposits and before Jovian.
    pub da_size: u64,
}

/// Executes `attributes` on `parent`, whose state `state` reads.
pub fn execute<S: StateRead>(
    config: &ChainConfig,
    parent: &Sealed<Header>,
    attributes: &Attributes,
    state: &mut S,
    crypto: &mut dyn Crypto,
) -> Result<Outcome, Error> {
    let mut block = Block::begin(config, parent, attributes, state, crypto)?;
    for raw in &attributes.transactions {
        block.push(raw)?;
    }
    block.seal()
}

/// Like [`execute`], but from Holocene invalid attributes give the block with their deposits alone, together
/// with what was wrong (D14).
pub fn execute_or_deposits_only<S: StateRead>(
    config: &ChainConfig,
    parent: &Sealed<Header>,
    attributes: &Attributes,
    state: &mut S,
    crypto: &mut dyn Crypto,
) -> Result<(Outcome, Option<Invalid>), Error> {
    match execute(config, parent, attributes, state, crypto) {
        Err(Error::Invalid(invalid))
            if config.forks.active(Fork::Holocene, attributes.timestamp) =>
        {
            let is_deposit = |raw: &&Bytes| raw.first() == Some(&DEPOSIT);
            let transactions = attributes.transactions.iter().filter(is_deposit).cloned().collect();
            let deposits = Attributes { transactions, ..attributes.clone() };
            Ok((execute(config, parent, &deposits, state, crypto)?, Some(invalid)))
        }
        other => Ok((other?, None)),
    }
}

/// A block while it is executed or built.
pub struct Block<'a, S: StateRead> {
    rules: Rules,
    header: Header,
    machine: Machine<'a, S>,
    transactions: Vec<Bytes>,
    executed: Vec<Executed>,
    receipts: Vec<Receipt>,
    blooms: Blooms,
    fastlz: FastLz,
    /// Read before the first transaction that pays.
    l1_fees: Option<L1Fees>,
}

impl<S: StateRead> core::fmt::Debug for Block<'_, S> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Block").field("header", &self.header).finish_non_exhaustive()
    }
}

impl<'a, S: StateRead> Block<'a, S> {
    /// Opens the block: checks the attributes but for their transactions, makes the system calls (E8).
    pub fn begin(
        config: &ChainConfig,
        parent: &Sealed<Header>,
        attributes: &Attributes,
        state: &'a mut S,
        crypto: &'a mut dyn Crypto,
    ) -> Result<Self, Error> {
        let rules = Rules::new(config, attributes.timestamp);
        header::check(parent, attributes, &rules)?;
        let ancestor = (parent.inner(), parent.hash());
        let header = header::draft(config, ancestor, attributes, &rules).map_err(Error::Parent)?;
        let mut overlay = Overlay::new(state);
        // The Go node compares for equality, so a time between two blocks never fires.
        if config.forks.canyon == Some(attributes.timestamp) {
            let code = Bytecode::new_legacy(Bytes::from_static(CREATE2_DEPLOYER_CODE));
            overlay.set_code(CREATE2_DEPLOYER, code)?;
        }
        let mut block = Self {
            rules,
            machine: machine(&header, &rules, overlay, crypto),
            header,
            transactions: Vec::with_capacity(attributes.transactions.len()),
            executed: Vec::with_capacity(attributes.transactions.len()),
            receipts: Vec::with_capacity(attributes.transactions.len()),
            blooms: Blooms::default(),
            fastlz: FastLz::default(),
            l1_fees: None,
        };
        if let Some(root) = block.header.parent_beacon_block_root {
            block.system_call(BEACON_ROOTS, root)?;
        }
        if rules.has(Fork::Isthmus) {
            block.system_call(HISTORY_STORAGE, block.header.parent_hash)?;
        }
        Ok(block)
    }

    /// Calls a system contract with one word. A failing call has no effect; a missing contract is no fault.
    fn system_call(&mut self, contract: Address, word: B256) -> Result<(), Error> {
        let account = self.overlay().account(contract)?;
        if account.is_none_or(|account| account.code_hash == KECCAK256_EMPTY) {
            return Ok(());
        }
        let data = Bytes::copy_from_slice(word.as_slice());
        let result = self.machine.system_call_one_with_caller(SYSTEM_ADDRESS, contract, data);
        self.settle(result)??;
        Ok(())
    }

    fn overlay(&mut self) -> &mut Overlay<'a, S> {
        &mut self.machine.0.ctx.journaled_state.database
    }

    /// Commits what the machine did, or forgets it. The inner result is the transaction's own fault.
    fn settle(&mut self, result: Ran) -> Result<Result<Done, TransactionFault>, Error> {
        let state = self.machine.finalize();
        match result {
            Ok(done) => {
                self.overlay().commit(state)?;
                Ok(Ok(done))
            }
            Err(EVMError::Transaction(fault)) => Ok(Err(TransactionFault::Rule(fault.to_string()))),
            Err(EVMError::Database(error)) => Err(error.into()),
            Err(other) => Err(match self.machine.0.precompiles.failure.take() {
                Some(failure) => failure.into(),
                None => Error::Internal(other.to_string()),
            }),
        }
    }

    /// Executes the next transaction.
    pub fn push(&mut self, raw: &Bytes) -> Result<(), Error> {
        let index = self.transactions.len();
        self.run(raw)?.map_err(|fault| Invalid::Transaction { index, fault }.into())
    }

    fn run(&mut self, raw: &Bytes) -> Result<Result<(), TransactionFault>, Error> {
        let crypto = &mut *self.machine.0.precompiles.crypto;
        let mut tx = match transaction::decode(raw, &self.rules, crypto) {
            Ok(tx) => tx,
            Err(Failure::Fault(fault)) => return Ok(Err(fault)),
            Err(Failure::State(error)) => return Err(error.into()),
        };
        let limit = tx.base.gas_limit;
        let left = self.header.gas_limit.saturating_sub(self.header.gas_used);
        let is_free = tx.deposit.is_system_transaction && !self.rules.has(Fork::Regolith);
        if limit > left && !is_free {
            return Ok(Err(TransactionFault::BlockGas { limit, left }));
        }
        let (tx_type, sender) = (tx.base.tx_type, tx.base.caller);
        if tx_type == DEPOSIT {
            self.adjust(&mut tx)?;
        }
        let mut deposit_nonce = None;
        let mut executed = Executed { sender, gas_used: 0, l1_fee: U256::ZERO, da_size: 0 };
        if tx_type != DEPOSIT {
            self.price(raw, &mut executed)?;
        } else if self.rules.has(Fork::Regolith) {
            let account = self.overlay().account(sender)?;
            deposit_nonce = Some(account.map_or(0, |account| account.nonce));
        }
        let result = self.machine.transact_one(tx);
        let done = match self.settle(result)? {
            Ok(done) => done,
            Err(fault) => return Ok(Err(fault)),
        };
        executed.gas_used = done.tx_gas_used();
        self.header.gas_used = self.header.gas_used.saturating_add(executed.gas_used);
        let success = done.is_success();
        let logs = done.into_logs();
        self.receipts.push(Receipt {
            tx_type,
            success,
            cumulative_gas_used: self.header.gas_used,
            bloom: self.blooms.of(&logs),
            logs,
            deposit_nonce,
            has_deposit_version: tx_type == DEPOSIT && self.rules.has(Fork::Canyon),
        });
        self.executed.push(executed);
        self.transactions.push(raw.clone());
        Ok(Ok(()))
    }

    /// Before Regolith a deposit that creates with more value than there is must still count its nonce (E1).
    /// op-revm 20 forgets that one case, but not where the same deposit is a call: both do nothing else.
    fn adjust(&mut self, tx: &mut OpTransaction<TxEnv>) -> Result<(), StateError> {
        if self.rules.has(Fork::Regolith) || tx.base.kind != TxKind::Create {
            return Ok(());
        }
        let balance = self.overlay().account(tx.base.caller)?.map_or(U256::ZERO, |it| it.balance);
        let minted = U256::from(tx.deposit.mint.unwrap_or_default());
        if balance.saturating_add(minted) < tx.base.value {
            tx.base.kind = TxKind::Call(Address::ZERO);
        }
        Ok(())
    }

    /// Settles what a transaction pays beyond gas, and tells the machine (E2, E4).
    fn price(&mut self, raw: &Bytes, executed: &mut Executed) -> Result<(), StateError> {
        let rules = self.rules;
        let fees = match self.l1_fees {
            Some(fees) => fees,
            None => {
                let overlay = self.overlay();
                let fees = L1Fees::read(&rules, |slot| overlay.slot(L1_BLOCK, slot))?;
                let operator = if rules.has(Fork::Isthmus) {
                    OperatorFee::from_slot(overlay.slot(L1_BLOCK, OPERATOR)?)
                } else {
                    OperatorFee::default()
                };
                let chain = &mut self.machine.0.ctx.chain;
                chain.operator_fee_scalar = Some(U256::from(operator.scalar));
                chain.operator_fee_constant = Some(U256::from(operator.constant));
                self.l1_fees = Some(fees);
                fees
            }
        };
        let fastlz = if rules.has(Fork::Fjord) { self.fastlz.size(raw) } else { 0 };
        if rules.has(Fork::Jovian) {
            executed.da_size = da_size(fastlz);
        }
        executed.l1_fee = fees.fee(raw, fastlz);
        self.machine.0.ctx.chain.tx_l1_cost = Some(executed.l1_fee);
        Ok(())
    }

    /// What the transactions so far came to.
    pub fn executed(&self) -> &[Executed] {
        &self.executed
    }

    /// Closes the block: roots, header, hash.
    pub fn seal(mut self) -> Result<Outcome, Error> {
        if self.rules.has(Fork::Jovian) {
            self.header.blob_gas_used = Some(self.da_footprint()?);
        }
        let changes = self.overlay().changes();
        self.header.state_root = self.overlay().state_root(&changes)?;
        if self.rules.has(Fork::Isthmus) {
            self.header.withdrawals_root = Some(self.overlay().storage_root(MESSAGE_PASSER)?);
        }
        self.header.transactions_root = ordered_root(core::mem::take(&mut self.transactions));
        self.header.receipts_root = ordered_root(self.receipts.iter().map(Receipt::encode));
        let mut bloom = Bloom::ZERO;
        for receipt in &self.receipts {
            bloom |= receipt.bloom;
        }
        self.header.logs_bloom = bloom;
        Ok(Outcome {
            header: Sealed::new(self.header),
            receipts: self.receipts,
            transactions: self.executed,
            changes,
        })
    }

    /// The block's data-availability footprint (E6), priced by the L1 attributes deposit as the Go node
    /// does. In Jovian's first block that deposit still has the old form and nothing but deposits may follow.
    fn da_footprint(&self) -> Result<u64, Invalid> {
        let first = self.transactions.first().ok_or(Invalid::NoL1Attributes)?;
        let scalar = transaction::da_footprint_scalar(first).ok_or(Invalid::NoL1Attributes)?;
        let Some(scalar) = scalar else {
            let ends_with_deposit =
                self.transactions.last().is_some_and(|raw| raw.first() == Some(&DEPOSIT));
            return if ends_with_deposit { Ok(0) } else { Err(Invalid::NoL1Attributes) };
        };
        let sizes = self.executed.iter().map(|it| it.da_size).fold(0, u64::saturating_add);
        let footprint = sizes.saturating_mul(scalar.into());
        let gas_limit = self.header.gas_limit;
        if footprint > gas_limit {
            return Err(Invalid::DaFootprint { footprint, gas_limit });
        }
        Ok(footprint)
    }
}

type Done = ExecutionResult<OpHaltReason>;
type Ran = Result<Done, EVMError<StateError, OpTransactionError>>;

impl From<TransactionFault> for Error {
    /// A system call has no transaction of its own to be at fault.
    fn from(fault: TransactionFault) -> Self {
        Self::Internal(fault.to_string())
    }
}

/// The EVM for one block.
fn machine<'a, S: StateRead>(
    header: &Header,
    rules: &Rules,
    overlay: Overlay<'a, S>,
    crypto: &'a mut dyn Crypto,
) -> Machine<'a, S> {
    let spec = rules.spec();
    let block = BlockEnv {
        number: U256::from(header.number),
        beneficiary: header.beneficiary,
        timestamp: U256::from(header.timestamp),
        gas_limit: header.gas_limit,
        basefee: header.base_fee_per_gas.unwrap_or_default(),
        difficulty: U256::ZERO,
        prevrandao: Some(header.mix_hash),
        // E11: no blobs, and BLOBBASEFEE answers 1.
        blob_excess_gas_and_price: rules
            .has(Fork::Ecotone)
            .then_some(BlobExcessGasAndPrice { excess_blob_gas: 0, blob_gasprice: 1 }),
        slot_num: 0,
    };
    let cfg = CfgEnv::new()
        .with_spec_and_mainnet_gas_params(spec)
        .with_chain_id(rules.chain_id)
        .enable_tx_chain_id_check();
    let chain = L1BlockInfo { l2_block: Some(block.number), ..Default::default() };
    let ctx = Context::<BlockEnv, TxEnv, CfgEnv<OpSpecId>, _, Journal<_>, ()>::new(overlay, spec)
        .with_block(block)
        .with_tx(OpTransaction::default())
        .with_cfg(cfg)
        .with_chain(chain);
    OpEvm(Evm {
        ctx,
        inspector: (),
        instruction: EthInstructions::new_mainnet_with_spec(spec.into()),
        precompiles: Precompiles::new(rules, crypto),
        frame_stack: FrameStack::new_prealloc(8),
    })
}
