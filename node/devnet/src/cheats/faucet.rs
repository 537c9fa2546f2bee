//! Ether for who asks: a transfer on L1, a deposit on L2.
//!
//! **Invariant:** every payment is an ordinary transaction of the faucet's account on L1; one is made at a time.

use crate::{
    accounts::Account,
    clock::ClockMode,
    genesis::BLOCK_TIME,
    l1::L1,
    time::{Time, TimeError},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use opal_abi::l1::OptimismPortal;
use opal_engine::{Engine, EngineError, PoolError};
use opal_execute::{StateError, StateRead};
use std::time::Duration;
use tokio::sync::Mutex;

/// Gas of a transfer, and of a deposit with the gas that it burns on L1.
const TRANSFER_GAS: u64 = 21_000;
const DEPOSIT_GAS: u64 = 500_000;
/// Gas that a deposit has on L2.
const DEPOSITED_GAS: u64 = 100_000;
/// What the faucet pays at most, wei per gas.
const MAX_FEE: u128 = 1_000_000_000_000;
const TIP: u128 = 1_000_000_000;
/// Looks at the result before giving up, and the pause between them under a real clock.
const MAX_LOOKS: u32 = 300;
const PAUSE: Duration = Duration::from_millis(100);

/// Somebody with much ether on L1.
#[derive(Debug)]
pub(crate) struct Faucet {
    l1: L1,
    time: Time,
    signer: PrivateKeySigner,
    /// Held while a payment is on its way: it is what makes the nonces follow one another.
    turn: Mutex<()>,
}

/// Why there was no ether.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaucetError {
    #[error(
        "{address} has {balance} wei, more than {wanted}: a balance is raised by a deposit and cannot be lowered"
    )]
    Lower { address: Address, balance: U256, wanted: U256 },
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error("the L1 pool refused the faucet: {0}")]
    Pool(#[from] PoolError),
    #[error("signing: {0}")]
    Sign(#[from] alloy_signer::Error),
    #[error(transparent)]
    Time(#[from] TimeError),
    #[error("{what} did not arrive in time; it may still")]
    Late { what: &'static str },
}

impl Faucet {
    pub(crate) fn new(account: &Account, l1: L1, time: Time) -> Self {
        let signer = account.signer();
        Self { l1, time, signer, turn: Mutex::new(()) }
    }

    /// Raises a balance on L1.
    pub(crate) async fn give_on_l1(
        &self,
        address: Address,
        wanted: U256,
    ) -> Result<(), FaucetError> {
        let _turn = self.turn.lock().await;
        let missing = missing(self.l1.engine(), address, wanted)?;
        if missing.is_zero() {
            return Ok(());
        }
        let hash = self.send(address, missing, Bytes::new(), TRANSFER_GAS)?;
        self.wait_for_l1(hash).await
    }

    /// Raises a balance on an L2 by a deposit.
    pub(crate) async fn give_on_l2(
        &self,
        l2: &Engine,
        portal: Address,
        address: Address,
        wanted: U256,
    ) -> Result<(), FaucetError> {
        let _turn = self.turn.lock().await;
        let missing = missing(l2, address, wanted)?;
        if missing.is_zero() {
            return Ok(());
        }
        let call = OptimismPortal::depositTransactionCall {
            _to: address,
            _value: missing,
            _gasLimit: DEPOSITED_GAS,
            _isCreation: false,
            _data: Bytes::new(),
        };
        let hash = self.send(portal, missing, call.abi_encode().into(), DEPOSIT_GAS)?;
        self.wait_for_l1(hash).await?;
        let arrived = || Ok(balance(l2, address)? >= wanted);
        self.wait_until("the deposit", arrived).await
    }

    async fn wait_for_l1(&self, hash: B256) -> Result<(), FaucetError> {
        let included = || Ok(self.l1.engine().transaction(hash)?.is_some());
        self.wait_until("the transaction on L1", included).await
    }

    async fn wait_until(
        &self,
        what: &'static str,
        arrived: impl Fn() -> Result<bool, FaucetError>,
    ) -> Result<(), FaucetError> {
        for _ in 0..MAX_LOOKS {
            if arrived()? {
                return Ok(());
            }
            match self.time.clock.mode() {
                ClockMode::Virtual => self.time.advance(BLOCK_TIME).await?,
                ClockMode::Real => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(FaucetError::Late { what })
    }

    fn nonce(&self) -> Result<u64, FaucetError> {
        let engine = self.l1.engine();
        let pending = engine.pool().pending_nonce(self.signer.address());
        pending.map_or_else(|| nonce_of(engine, self.signer.address()), Ok)
    }

    fn send(
        &self,
        to: Address,
        value: U256,
        input: Bytes,
        gas_limit: u64,
    ) -> Result<B256, FaucetError> {
        let pool = self.l1.engine().pool();
        let transaction = TxEip1559 {
            chain_id: self.l1.engine().chain_id(),
            nonce: self.nonce()?,
            gas_limit,
            max_fee_per_gas: MAX_FEE,
            max_priority_fee_per_gas: TIP,
            to: TxKind::Call(to),
            value,
            access_list: Default::default(),
            input,
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        let signed = TxEnvelope::Eip1559(transaction.into_signed(signature));
        Ok(pool.add(&signed.encoded_2718().into())?)
    }
}

fn nonce_of(engine: &Engine, address: Address) -> Result<u64, FaucetError> {
    let head = engine.heads().head.header.hash();
    let account = engine.state_at(head)?.account(address)?;
    Ok(account.map_or(0, |it| it.nonce))
}

fn balance(engine: &Engine, address: Address) -> Result<U256, FaucetError> {
    let head = engine.heads().head.header.hash();
    let account = engine.state_at(head)?.account(address)?;
    Ok(account.map_or(U256::ZERO, |it| it.balance))
}

fn missing(engine: &Engine, address: Address, wanted: U256) -> Result<U256, FaucetError> {
    let balance = balance(engine, address)?;
    wanted.checked_sub(balance).ok_or(FaucetError::Lower { address, balance, wanted })
}
