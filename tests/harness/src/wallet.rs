//! An account that signs its own transactions, for tests and benchmarks that need many of them.
//!
//! Start with [`Wallet::send`]; [`Wallet::sign`] needs no endpoint.
//!
//! **Invariant:** nonces and fees come from the caller or from the endpoint, never from memory.

use crate::rpc::{CallError, Rpc, quantity};
use alloy_consensus::{SignableTransaction as _, TxEip1559, TxEnvelope};
use alloy_eips::Encodable2718 as _;
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, hex, keccak256};
use k256::ecdsa::SigningKey;
use serde_json::{Value, json};

/// The accounts of the public test mnemonic, in order: what every devnet has.
pub const DEV_KEYS: [&str; 10] = [
    "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "0x5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "0x7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "0x47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "0x8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "0x92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "0x4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "0xdbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "0x2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
];

/// Enough for every call of a test.
const GAS_LIMIT: u64 = 1_000_000;

/// An account with its key.
#[derive(Clone, Debug)]
pub struct Wallet {
    key: SigningKey,
    /// Its address.
    pub address: Address,
}

/// One transaction of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The chain.
    pub chain_id: u64,
    /// The account's next number.
    pub nonce: u64,
    /// Whom it calls; nobody = a contract is created.
    pub to: Option<Address>,
    /// In wei.
    pub value: U256,
    /// What it says.
    pub input: Bytes,
    /// How much it may use.
    pub gas_limit: u64,
    /// The most it pays for each.
    pub max_fee_per_gas: u128,
}

impl Wallet {
    /// The account of a key in hex.
    #[track_caller]
    pub fn new(key: &str) -> Self {
        let bytes = hex::decode(key).expect("a key is written in hex");
        let key = SigningKey::from_slice(&bytes).expect("a key has 32 bytes");
        let address = Address::from_private_key(&key);
        Self { key, address }
    }

    /// The `index`-th account of every devnet.
    #[track_caller]
    pub fn dev(index: usize) -> Self {
        Self::new(DEV_KEYS[index])
    }

    /// The encoded transaction.
    pub fn sign(&self, call: &Call) -> Bytes {
        let transaction = TxEip1559 {
            chain_id: call.chain_id,
            nonce: call.nonce,
            gas_limit: call.gas_limit,
            max_fee_per_gas: call.max_fee_per_gas,
            max_priority_fee_per_gas: call.max_fee_per_gas.min(1_000_000),
            to: call.to.map_or(TxKind::Create, TxKind::Call),
            value: call.value,
            input: call.input.clone(),
            access_list: Default::default(),
        };
        let hash = transaction.signature_hash();
        let (signature, parity) =
            self.key.sign_prehash_recoverable(hash.as_slice()).expect("a hash can be signed");
        let signed = transaction.into_signed(Signature::from((signature, parity)));
        TxEnvelope::from(signed).encoded_2718().into()
    }

    /// Sends a call with the nonce and fees that the endpoint tells; gives its hash.
    pub fn send(
        &self,
        rpc: &Rpc,
        to: Option<Address>,
        value: u128,
        input: Bytes,
    ) -> Result<B256, CallError> {
        let number = |method: &str, params: Value| {
            let result = rpc.call(method, params)?;
            quantity(&result).ok_or_else(|| CallError::Transport(format!("{method} gave {result}")))
        };
        let call = Call {
            chain_id: number("eth_chainId", json!([]))?,
            nonce: number("eth_getTransactionCount", json!([self.address, "pending"]))?,
            to,
            value: U256::from(value),
            input,
            gas_limit: GAS_LIMIT,
            max_fee_per_gas: u128::from(number("eth_gasPrice", json!([]))?) * 2 + 1_000_000,
        };
        let raw = self.sign(&call);
        rpc.call("eth_sendRawTransaction", json!([raw]))?;
        Ok(keccak256(raw))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_eips::Decodable2718 as _;

    #[test]
    fn a_signed_call_recovers_to_its_account() {
        let wallet = Wallet::dev(0);
        assert_eq!(wallet.address.to_string(), "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266");
        let call = Call {
            chain_id: 901,
            nonce: 3,
            to: Some(Address::repeat_byte(7)),
            value: U256::from(5),
            input: Bytes::new(),
            gas_limit: 21_000,
            max_fee_per_gas: 9,
        };
        let raw = wallet.sign(&call);
        let read = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
        let TxEnvelope::Eip1559(signed) = read else { panic!("{read:?}") };
        let hash = signed.signature_hash();
        let signer = signed.signature().recover_address_from_prehash(&hash).unwrap();
        assert_eq!(signer, wallet.address);
    }
}
