//! One transaction in the EVM of either chain.
//!
//! Start with [`run`], or [`watch`] to see what happens inside. [`system_call`] is what a block begins with.
//!
//! **Invariant:** a call that no transaction could make pays for nothing but gas: L1 and operator fees are
//! only charged where a real transaction is run again.

use super::database::CallDb;
use super::environment::{Environment, Kind};
use super::fault::CallFault;
use super::precompiles::{Moved, Moves};
use alloy_primitives::{Address, Bytes, U256};
use op_revm::transaction::deposit::DepositTransactionParts;
use op_revm::{L1BlockInfo, OpEvm, OpHaltReason, OpSpecId, OpTransaction};
use opal_execute::{Precompiles, RevmCrypto};
use revm::context::result::ExecutionResult;
use revm::context::{BlockEnv, CfgEnv, Context, Evm, FrameStack, TxEnv};
use revm::handler::instructions::EthInstructions;
use revm::handler::system_call::SystemCallEvm;
use revm::handler::{EthPrecompiles, SYSTEM_ADDRESS};
use revm::interpreter::interpreter::EthInterpreter;
use revm::primitives::hardfork::SpecId;
use revm::state::EvmState;
use revm::{ExecuteEvm, InspectEvm, Inspector, Journal};

/// revm's context for the L1.
pub(crate) type L1Context<'a> =
    Context<BlockEnv, TxEnv, CfgEnv, &'a mut CallDb, Journal<&'a mut CallDb>, ()>;
/// revm's context for an OP Stack chain.
pub(crate) type L2Context<'a> = Context<
    BlockEnv,
    OpTransaction<TxEnv>,
    CfgEnv<OpSpecId>,
    &'a mut CallDb,
    Journal<&'a mut CallDb>,
    L1BlockInfo,
>;
type L1Machine<'a, I> = Evm<
    L1Context<'a>,
    I,
    EthInstructions<EthInterpreter, L1Context<'a>>,
    Moved<'a, EthPrecompiles>,
    revm::handler::EthFrame<EthInterpreter>,
>;
type L2Machine<'a, I> = OpEvm<
    L2Context<'a>,
    I,
    EthInstructions<EthInterpreter, L2Context<'a>>,
    Moved<'a, Precompiles<'a>>,
>;

/// Something that watches a call on either chain.
pub(crate) trait Watcher:
    for<'a> Inspector<L1Context<'a>> + for<'a> Inspector<L2Context<'a>>
{
}

impl<T> Watcher for T where T: for<'a> Inspector<L1Context<'a>> + for<'a> Inspector<L2Context<'a>> {}

/// What is to be run.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallTx {
    pub(crate) base: TxEnv,
    /// Of a deposit.
    pub(crate) deposit: DepositTransactionParts,
    /// A real transaction of an OP Stack chain: its bytes and what it paid for its place on L1.
    pub(crate) paid: Option<(Bytes, U256)>,
}

/// How strictly a transaction is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Checks {
    /// As in a block.
    All,
    /// As calls are: no nonce, no limit, and fees only where the call names some.
    Call,
    /// As calls are, in a block whose base fee stays what it is.
    Loose,
    /// As in a block, but any account may send and none pays for its place on L1.
    Simulated,
}

/// What came of it. Nothing is written to the database yet.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) result: ExecutionResult<OpHaltReason>,
    pub(crate) state: EvmState,
}

/// What a run needs beside the transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) checks: Checks,
    pub(crate) moves: &'a Moves,
}

/// Runs a transaction.
pub(crate) fn run(
    setting: Setting<'_>,
    db: &mut CallDb,
    tx: &CallTx,
) -> Result<Outcome, CallFault> {
    let environment = priced(setting, tx);
    match setting.environment.kind {
        Kind::L1 { .. } => {
            let mut machine = l1(&environment, setting, (db, tx.base.gas_price), ());
            let result = machine.transact_one(tx.base.clone());
            let state = machine.finalize();
            let result = result.map_err(|fault| CallFault::l1(fault, tx, &environment))?;
            Ok(Outcome { result: result.map_haltreason(OpHaltReason::Base), state })
        }
        Kind::L2(rules) => {
            let chain = fees(db, &environment, rules.spec(), tx)?;
            let mut crypto = RevmCrypto;
            let mut machine =
                l2(&environment, setting, (db, chain, tx.base.gas_price), &mut crypto, ());
            let result = machine.transact_one(op_transaction(tx));
            let state = machine.finalize();
            let result = result.map_err(|fault| CallFault::l2(fault, tx, &environment))?;
            Ok(Outcome { result, state })
        }
    }
}

/// Runs a transaction while `watcher` looks on.
pub(crate) fn watch<I: Watcher>(
    setting: Setting<'_>,
    db: &mut CallDb,
    tx: &CallTx,
    watcher: &mut I,
) -> Result<Outcome, CallFault> {
    let environment = priced(setting, tx);
    match setting.environment.kind {
        Kind::L1 { .. } => {
            let mut machine = l1(&environment, setting, (db, tx.base.gas_price), watcher);
            let result = machine.inspect_one_tx(tx.base.clone());
            let state = machine.finalize();
            let result = result.map_err(|fault| CallFault::l1(fault, tx, &environment))?;
            Ok(Outcome { result: result.map_haltreason(OpHaltReason::Base), state })
        }
        Kind::L2(rules) => {
            let chain = fees(db, &environment, rules.spec(), tx)?;
            let mut crypto = RevmCrypto;
            let mut machine =
                l2(&environment, setting, (db, chain, tx.base.gas_price), &mut crypto, watcher);
            let result = machine.inspect_one_tx(op_transaction(tx));
            let state = machine.finalize();
            let result = result.map_err(|fault| CallFault::l2(fault, tx, &environment))?;
            Ok(Outcome { result, state })
        }
    }
}

/// Calls a contract as the protocol does when a block begins.
pub(crate) fn system_call(
    environment: &Environment,
    db: &mut CallDb,
    contract: Address,
    data: Bytes,
) -> Result<EvmState, CallFault> {
    let moves = Moves::none();
    let setting = Setting { environment, checks: Checks::All, moves: &moves };
    let tx = CallTx::default();
    match environment.kind {
        Kind::L1 { .. } => {
            let mut machine = l1(environment, setting, (db, 0), ());
            let result = machine.system_call_one_with_caller(SYSTEM_ADDRESS, contract, data);
            let state = machine.finalize();
            result.map_err(|fault| CallFault::l1(fault, &tx, environment))?;
            Ok(state)
        }
        Kind::L2(_) => {
            let chain = L1BlockInfo { l2_block: Some(environment.block.number), ..free() };
            let mut crypto = RevmCrypto;
            let mut machine = l2(environment, setting, (db, chain, 0), &mut crypto, ());
            let result = machine.system_call_one_with_caller(SYSTEM_ADDRESS, contract, data);
            let state = machine.finalize();
            result.map_err(|fault| CallFault::l2(fault, &tx, environment))?;
            Ok(state)
        }
    }
}

/// The block as the call sees it: one that pays nothing sees a base fee of zero, as in geth.
fn priced(setting: Setting<'_>, tx: &CallTx) -> Environment {
    let mut environment = setting.environment.clone();
    if setting.checks == Checks::Call {
        if tx.base.gas_price == 0 {
            environment.block.basefee = 0;
        }
        if let Some(blob) = environment.block.blob_excess_gas_and_price.as_mut()
            && !tx.base.blob_hashes.is_empty()
            && tx.base.max_fee_per_blob_gas == 0
        {
            blob.blob_gasprice = 0;
        }
    }
    environment
}

fn config<S: Copy + Into<SpecId>>(setting: Setting<'_>, spec: S, gas_price: u128) -> CfgEnv<S> {
    let mut config = CfgEnv::new()
        .with_spec_and_mainnet_gas_params(spec)
        .with_chain_id(setting.environment.chain_id)
        .enable_tx_chain_id_check();
    if setting.checks != Checks::All {
        config.disable_eip3607 = true;
        config.disable_block_gas_limit = true;
        config.tx_gas_limit_cap = Some(u64::MAX);
        config.tx_chain_id_check = false;
    }
    if matches!(setting.checks, Checks::Call | Checks::Loose) {
        config.disable_nonce_check = true;
    }
    config.disable_base_fee = setting.checks == Checks::Loose && gas_price == 0;
    config
}

fn l1<'a, I>(
    environment: &Environment,
    setting: Setting<'a>,
    (db, gas_price): (&'a mut CallDb, u128),
    inspector: I,
) -> L1Machine<'a, I> {
    let (spec, most_blobs) = match environment.kind {
        Kind::L1 { spec, most_blobs } => (spec, most_blobs),
        Kind::L2(_) => (SpecId::default(), None),
    };
    let mut config = config(setting, spec, gas_price);
    config.max_blobs_per_tx = most_blobs;
    let ctx = Context::<BlockEnv, TxEnv, CfgEnv, _, Journal<_>, ()>::new(db, spec)
        .with_block(environment.block.clone())
        .with_cfg(config);
    let inner = EthPrecompiles::new(spec);
    Evm {
        ctx,
        inspector,
        instruction: EthInstructions::new_mainnet_with_spec(spec),
        precompiles: Moved { inner, moves: setting.moves },
        frame_stack: FrameStack::new_prealloc(8),
    }
}

fn l2<'a, I>(
    environment: &Environment,
    setting: Setting<'a>,
    (db, chain, gas_price): (&'a mut CallDb, L1BlockInfo, u128),
    crypto: &'a mut RevmCrypto,
    inspector: I,
) -> L2Machine<'a, I> {
    let rules = match environment.kind {
        Kind::L2(rules) => rules,
        Kind::L1 { .. } => {
            let chain_id = environment.chain_id;
            opal_execute::Rules { fork: opal_types::Fork::Bedrock, chain_id }
        }
    };
    let spec = rules.spec();
    let ctx = Context::<BlockEnv, TxEnv, CfgEnv<OpSpecId>, _, Journal<_>, ()>::new(db, spec)
        .with_block(environment.block.clone())
        .with_tx(OpTransaction::default())
        .with_cfg(config(setting, spec, gas_price))
        .with_chain(chain);
    OpEvm(Evm {
        ctx,
        inspector,
        instruction: EthInstructions::new_mainnet_with_spec(spec.into()),
        precompiles: Moved { inner: Precompiles::new(&rules, crypto), moves: setting.moves },
        frame_stack: FrameStack::new_prealloc(8),
    })
}

/// Fee parameters under which nothing but gas is paid.
fn free() -> L1BlockInfo {
    L1BlockInfo {
        operator_fee_scalar: Some(U256::ZERO),
        operator_fee_constant: Some(U256::ZERO),
        tx_l1_cost: Some(U256::ZERO),
        ..L1BlockInfo::default()
    }
}

/// The fee parameters for a transaction.
fn fees(
    db: &mut CallDb,
    environment: &Environment,
    spec: OpSpecId,
    tx: &CallTx,
) -> Result<L1BlockInfo, CallFault> {
    let number = environment.block.number;
    Ok(match &tx.paid {
        None => L1BlockInfo { l2_block: Some(number), ..free() },
        Some((_, l1_fee)) => {
            L1BlockInfo { tx_l1_cost: Some(*l1_fee), ..L1BlockInfo::try_fetch(db, number, spec)? }
        }
    })
}

fn op_transaction(tx: &CallTx) -> OpTransaction<TxEnv> {
    OpTransaction {
        base: tx.base.clone(),
        // Without bytes nothing is charged for them.
        enveloped_tx: Some(tx.paid.as_ref().map(|(raw, _)| raw.clone()).unwrap_or_default()),
        deposit: tx.deposit.clone(),
    }
}
