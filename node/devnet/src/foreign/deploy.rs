//! Contracts on an L1 that is already there.
//!
//! Start with [`deploy`]. Whoever has ether there pays: the first of the users' accounts, or an account that the node
//! signs for, as development nodes have.
//!
//! **Invariant:** the owner's transactions are sent in the order of their nonces, and all must succeed: addresses
//! depend on it.

use crate::{
    accounts::{Account, Role, accounts, role},
    genesis::{ChainParameters, DeploymentTransaction, GenesisError, deployment_transactions},
};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, TxKind, U64, U256};
use alloy_signer::SignerSync;
use opal_client::{Rpc, RpcError, RpcSetupError};
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;

/// What the owner and each batcher are given, wei: 100 ether.
const FUNDS: u64 = 100;
const ETHER: u64 = 1_000_000_000_000_000_000;
/// Gas of a creation and of a call; the largest contract is near the limit of code size.
const CREATION_GAS: u64 = 7_000_000;
const CALL_GAS: u64 = 2_000_000;
const TRANSFER_GAS: u64 = 21_000;
/// Largest fee per gas, over the base fee as it is.
const FEE_MARGIN: u128 = 20_000_000_000;
const TIP: u128 = 1_000_000_000;
/// Looks for a receipt, and the pause between them: five minutes.
const MAX_LOOKS: u32 = 1_500;
const PAUSE: Duration = Duration::from_millis(200);

/// Why the contracts are not there.
#[derive(Debug, thiserror::Error)]
pub enum DeployError {
    /// The L1.
    #[error("the L1 does not take the contracts: {0}")]
    Rpc(#[from] RpcError),
    /// Its address.
    #[error(transparent)]
    Setup(#[from] RpcSetupError),
    /// What to deploy.
    #[error(transparent)]
    Genesis(#[from] GenesisError),
    /// Nobody has ether.
    #[error("nobody has ether on L1 {chain_id}: send {wanted} ether to {payer} there")]
    NoEther {
        /// Its chain id.
        chain_id: u64,
        /// Who would pay.
        payer: Address,
        /// How much.
        wanted: u64,
    },
    /// A contract refuses.
    #[error("deploying {name} failed on L1: transaction {hash}")]
    Failed {
        /// Which contract.
        name: &'static str,
        /// The transaction.
        hash: B256,
    },
    /// No block took the transaction.
    #[error("L1 did not include transaction {hash} ({name}) in time: does it make blocks?")]
    Late {
        /// Which contract.
        name: &'static str,
        /// The transaction.
        hash: B256,
    },
    /// The library.
    #[error("signing: {0}")]
    Sign(#[from] alloy_signer::Error),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    status: U64,
    block_number: U64,
}

/// What a transaction does.
struct Outgoing {
    to: TxKind,
    value: U256,
    input: Bytes,
    gas_limit: u64,
}

/// Who owns what is deployed.
pub(super) fn address() -> Address {
    role(Role::Owner).address
}

/// Sends for the owner.
pub(super) struct Deployer {
    rpc: Rpc,
    chain_id: u64,
}

/// Deploys. Answers with the owner's nonce before it, and the height after it.
pub(super) async fn deploy(
    deployer: &Deployer,
    parameters: &[ChainParameters],
) -> Result<(u64, u64), DeployError> {
    let batchers = parameters.iter().map(|it| it.batcher);
    let funded: Vec<Address> = std::iter::once(address()).chain(batchers).collect();
    deployer.fund(&funded).await?;
    let owner = role(Role::Owner);
    let first_nonce = deployer.nonce(owner.address).await?;
    let planned = deployment_transactions(parameters, owner.address, first_nonce)?;
    let mut sent = Vec::new();
    for (transaction, nonce) in planned.transactions.into_iter().zip(first_nonce..) {
        let DeploymentTransaction { name, to, input } = transaction;
        let gas_limit = if to.is_some() { CALL_GAS } else { CREATION_GAS };
        let to = to.map_or(TxKind::Create, TxKind::Call);
        let outgoing = Outgoing { to, value: U256::ZERO, input, gas_limit };
        let hash = deployer.send(&owner, nonce, outgoing).await?;
        sent.push((name, hash));
    }
    let mut height = 0;
    for (name, hash) in sent {
        height = height.max(deployer.included(name, hash).await?);
    }
    tracing::info!(contracts = height, "contracts are on L1");
    Ok((first_nonce, height))
}

impl Deployer {
    pub(super) fn new(rpc: Rpc, chain_id: u64) -> Self {
        Self { rpc, chain_id }
    }

    async fn balance(&self, address: Address) -> Result<U256, RpcError> {
        self.rpc.call("eth_getBalance", (address, "latest")).await
    }

    async fn nonce(&self, address: Address) -> Result<u64, RpcError> {
        let nonce: U64 = self.rpc.call("eth_getTransactionCount", (address, "pending")).await?;
        Ok(nonce.to())
    }

    /// Gives ether to those who lack it.
    async fn fund(&self, addresses: &[Address]) -> Result<(), DeployError> {
        let amount = U256::from(FUNDS) * U256::from(ETHER);
        let mut poor = Vec::new();
        for address in addresses {
            if self.balance(*address).await? < amount / U256::from(2) {
                poor.push(*address);
            }
        }
        if poor.is_empty() {
            return Ok(());
        }
        let users = accounts();
        let payer = users.first().copied().expect("there are ten users");
        let needed = amount * U256::from(poor.len() + 1);
        let hashes = if self.balance(payer.address).await? > needed {
            self.pay(&payer, &poor, amount).await?
        } else {
            self.pay_unlocked(payer.address, &poor, amount).await?
        };
        for hash in hashes {
            self.included("funds", hash).await?;
        }
        Ok(())
    }

    async fn pay(
        &self,
        payer: &Account,
        addresses: &[Address],
        amount: U256,
    ) -> Result<Vec<B256>, DeployError> {
        let first = self.nonce(payer.address).await?;
        let mut hashes = Vec::new();
        for (address, nonce) in addresses.iter().zip(first..) {
            let to = TxKind::Call(*address);
            let (input, gas_limit) = (Bytes::new(), TRANSFER_GAS);
            let outgoing = Outgoing { to, value: amount, input, gas_limit };
            hashes.push(self.send(payer, nonce, outgoing).await?);
        }
        Ok(hashes)
    }

    /// `geth --dev` has one rich account, whose key it keeps.
    async fn pay_unlocked(
        &self,
        user: Address,
        addresses: &[Address],
        amount: U256,
    ) -> Result<Vec<B256>, DeployError> {
        let unlocked: Option<Vec<Address>> = self.rpc.call_if_offered("eth_accounts", ()).await?;
        let chain_id = self.chain_id;
        let wanted = FUNDS * u64::try_from(addresses.len() + 1).unwrap_or(u64::MAX);
        let payer = unlocked.and_then(|it| it.first().copied());
        let payer = payer.ok_or(DeployError::NoEther { chain_id, payer: user, wanted })?;
        let mut hashes = Vec::new();
        for address in addresses {
            let transaction = json!([{"from": payer, "to": address, "value": amount}]);
            hashes.push(self.rpc.call("eth_sendTransaction", transaction).await?);
        }
        Ok(hashes)
    }

    async fn send(
        &self,
        from: &Account,
        nonce: u64,
        outgoing: Outgoing,
    ) -> Result<B256, DeployError> {
        let Outgoing { to, value, input, gas_limit } = outgoing;
        let gas_price: U256 = self.rpc.call("eth_gasPrice", ()).await?;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: gas_price.saturating_to::<u128>().saturating_add(FEE_MARGIN),
            max_priority_fee_per_gas: TIP,
            to,
            value,
            access_list: Default::default(),
            input,
        };
        let signature = from.signer().sign_hash_sync(&transaction.signature_hash())?;
        let signed = TxEnvelope::Eip1559(transaction.into_signed(signature));
        let raw = Bytes::from(signed.encoded_2718());
        Ok(self.rpc.call("eth_sendRawTransaction", [raw]).await?)
    }

    /// The height at which a transaction was included.
    async fn included(&self, name: &'static str, hash: B256) -> Result<u64, DeployError> {
        for _ in 0..MAX_LOOKS {
            let receipt: Option<Receipt> =
                self.rpc.call("eth_getTransactionReceipt", [hash]).await?;
            match receipt {
                Some(receipt) if receipt.status.is_zero() => {
                    return Err(DeployError::Failed { name, hash });
                }
                Some(receipt) => return Ok(receipt.block_number.to()),
                None => tokio::time::sleep(PAUSE).await,
            }
        }
        Err(DeployError::Late { name, hash })
    }
}
