//! Keys: in this process, in a keystore file, or with a remote signer.
//!
//! Start with [`Signer`].
//!
//! **Invariant:** a remote signer is believed only so far as its signature fits what was asked to be signed, by the
//! account that was asked.

use crate::{Rpc, RpcError};
use alloy_consensus::{SignableTransaction, Transaction, TxEip1559, TxEip4844, TxEnvelope};
use alloy_eips::Decodable2718;
use alloy_primitives::{Address, B256, Bytes, Signature};
use alloy_signer::SignerSync;
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use serde_json::{Value, json};
use std::path::Path;

/// The public test phrase: its keys are everybody's, so they are for development only.
pub const DEV_PHRASE: &str = "test test test test test test test test test test test junk";

/// Somebody who signs transactions.
#[derive(Clone, Debug)]
pub enum Signer {
    /// A key in this process.
    Local(PrivateKeySigner),
    /// A signer that is asked by `eth_signTransaction`, as web3signer and op-signer are.
    Remote {
        /// How to reach it.
        rpc: Rpc,
        /// Its account.
        address: Address,
    },
}

/// Why nothing was signed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum SignerError {
    /// Not 32 bytes of a key.
    #[error("no private key: {why}")]
    Key {
        /// What is wrong.
        why: String,
    },
    /// The file cannot be read, or the password is another one.
    #[error("keystore {file} cannot be opened: {why}")]
    Keystore {
        /// The file.
        file: String,
        /// What is wrong.
        why: String,
    },
    /// The library failed.
    #[error("signing failed: {why}")]
    Local {
        /// Its words.
        why: String,
    },
    /// The remote signer could not be asked, or refused.
    #[error("remote signer: {0}")]
    Remote(#[from] RpcError),
    /// The remote signer gave something else.
    #[error("remote signer {endpoint} gave {what}")]
    Wrong {
        /// Which signer.
        endpoint: String,
        /// What it gave.
        what: String,
    },
}

/// A transaction to be signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unsigned {
    Plain(TxEip1559),
    Blobs(TxEip4844),
}

impl Unsigned {
    pub(crate) fn hash(&self) -> B256 {
        match self {
            Self::Plain(it) => it.signature_hash(),
            Self::Blobs(it) => it.signature_hash(),
        }
    }

    fn as_transaction(&self) -> &dyn Transaction {
        match self {
            Self::Plain(it) => it,
            Self::Blobs(it) => it,
        }
    }

    /// As `eth_signTransaction` wants it.
    fn json(&self, from: Address) -> Value {
        let it = self.as_transaction();
        let quantity = |number: u128| format!("{number:#x}");
        let mut request = json!({
            "from": from,
            "gas": quantity(it.gas_limit().into()),
            "maxFeePerGas": quantity(it.max_fee_per_gas()),
            "maxPriorityFeePerGas": quantity(it.max_priority_fee_per_gas().unwrap_or_default()),
            "value": it.value(),
            "nonce": quantity(it.nonce().into()),
            "data": it.input(),
            "chainId": quantity(it.chain_id().unwrap_or_default().into()),
            "accessList": [],
        });
        if let (Some(to), Some(fields)) = (it.to(), request.as_object_mut()) {
            fields.insert("to".into(), json!(to));
        }
        if let (Self::Blobs(it), Some(fields)) = (self, request.as_object_mut()) {
            let fee = quantity(it.max_fee_per_blob_gas);
            fields.insert("maxFeePerBlobGas".into(), json!(fee));
            fields.insert("blobVersionedHashes".into(), json!(it.blob_versioned_hashes));
        }
        request
    }
}

impl Signer {
    /// A key, 32 bytes.
    pub fn from_key(key: &B256) -> Result<Self, SignerError> {
        let signer = PrivateKeySigner::from_bytes(key);
        signer.map(Self::Local).map_err(|it| SignerError::Key { why: it.to_string() })
    }

    /// A key as hexadecimal digits.
    pub fn from_hex(digits: &str) -> Result<Self, SignerError> {
        let key: B256 = digits
            .trim()
            .parse()
            .map_err(|_| SignerError::Key { why: "not 64 hexadecimal digits".to_owned() })?;
        Self::from_key(&key)
    }

    /// The key of a phrase at `m/44'/60'/0'/0/index`.
    pub fn from_phrase(phrase: &str, index: u32) -> Result<Self, SignerError> {
        let builder = MnemonicBuilder::<English>::default().phrase(phrase).index(index);
        let signer = builder.and_then(|it| it.build());
        signer.map(Self::Local).map_err(|it| SignerError::Key { why: it.to_string() })
    }

    /// One of the accounts that every development chain funds.
    pub fn dev(index: u32) -> Self {
        Self::from_phrase(DEV_PHRASE, index).expect("the phrase is valid, and so are its children")
    }

    /// The key in an encrypted file (Web3 Secret Storage). Takes a second or so: it is meant to be slow.
    pub fn from_keystore(file: &Path, password: &str) -> Result<Self, SignerError> {
        let signer = PrivateKeySigner::decrypt_keystore(file, password);
        signer.map(Self::Local).map_err(|it| SignerError::Keystore {
            file: file.display().to_string(),
            why: it.to_string(),
        })
    }

    /// A remote signer's account.
    pub const fn remote(rpc: Rpc, address: Address) -> Self {
        Self::Remote { rpc, address }
    }

    /// Whose transactions it signs.
    pub const fn address(&self) -> Address {
        match self {
            Self::Local(signer) => signer.address(),
            Self::Remote { address, .. } => *address,
        }
    }

    /// Signs a transaction.
    pub(crate) async fn sign(&self, transaction: &Unsigned) -> Result<Signature, SignerError> {
        match self {
            Self::Local(signer) => signer
                .sign_hash_sync(&transaction.hash())
                .map_err(|it| SignerError::Local { why: it.to_string() }),
            Self::Remote { rpc, address } => ask(rpc, *address, transaction).await,
        }
    }
}

/// Asks a remote signer. Geth-like ones answer with an object, others with the bytes.
async fn ask(rpc: &Rpc, address: Address, wanted: &Unsigned) -> Result<Signature, SignerError> {
    let answer: Value = rpc.call("eth_signTransaction", [wanted.json(address)]).await?;
    let wrong = |what: &str| SignerError::Wrong { endpoint: rpc.endpoint(), what: what.to_owned() };
    let raw = answer.get("raw").unwrap_or(&answer);
    let raw: Bytes =
        serde_json::from_value(raw.clone()).map_err(|_| wrong("no raw transaction"))?;
    let signed = TxEnvelope::decode_2718(&mut raw.as_ref());
    let signed = signed.map_err(|_| wrong("bytes that are no transaction"))?;
    let (found, signature) = match signed {
        TxEnvelope::Eip1559(it) => (Unsigned::Plain(it.tx().clone()), *it.signature()),
        TxEnvelope::Eip4844(it) => (Unsigned::Blobs(it.tx().tx().clone()), *it.signature()),
        _ => return Err(wrong("a transaction of another type")),
    };
    if found != *wanted {
        return Err(wrong("another transaction than it was to sign"));
    }
    match signature.recover_address_from_prehash(&wanted.hash()) {
        Ok(signer) if signer == address => Ok(signature),
        Ok(signer) => Err(wrong(&format!("a signature by {signer}, not by {address}"))),
        Err(_) => Err(wrong("a signature by nobody")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn dev_accounts_are_the_ones_everybody_knows() {
        let first = address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let last = address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720");
        assert_eq!((Signer::dev(0).address(), Signer::dev(9).address()), (first, last));
        let key = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        assert_eq!(Signer::from_hex(key).unwrap().address(), first);
        assert!(!format!("{:?}", Signer::from_hex(key).unwrap()).contains("ac0974"));
        assert!(Signer::from_hex("0x12").is_err());
        assert!(Signer::from_key(&B256::ZERO).is_err());
    }
}
