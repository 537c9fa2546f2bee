//! Signed transactions of every type, with their nonces, fees and mistakes.
//!
//! Start with [`Signers::random`].
//!
//! **Invariant:** a mistake is made on purpose and rarely, so most transactions fit.

use super::{
    chain::{CHAIN_ID, Chain, KEYS},
    generate::Candidate,
    keys::Key,
    payload::{Payload, payload},
    program::contract,
    rng::Rng,
};
use alloy_consensus::{Transaction, TxEip1559, TxEip2930, TxEip7702, TxEnvelope, TxLegacy};
use alloy_eips::eip2718::Decodable2718;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_eips::eip7702::{Authorization, SignedAuthorization};
use alloy_primitives::{Address, B256, Bytes, U256};
use op_alloy_consensus::TxDeposit;
use opal_execute::next_base_fee;
use opal_types::Fork;
use std::collections::BTreeMap;

/// The senders of a chain while a block is made.
pub(crate) struct Signers<'a> {
    chain: &'a Chain,
    fork: Fork,
    base_fee: u64,
    keys: Vec<Key>,
    /// Nonces after what was accepted so far.
    nonces: BTreeMap<Address, u64>,
}

/// What all types have.
struct Common {
    nonce: u64,
    gas_limit: u64,
    fee: u128,
    tip: u128,
    access_list: AccessList,
    chain_id: u64,
}

/// The sender that has nothing at first.
pub(crate) fn poor() -> Key {
    Key::new(KEYS)
}

impl<'a> Signers<'a> {
    pub(crate) fn new(chain: &'a Chain, timestamp: u64) -> Self {
        Self {
            chain,
            fork: chain.config.forks.at(timestamp),
            base_fee: next_base_fee(&chain.config, &chain.head, timestamp).unwrap(),
            keys: (0..KEYS).map(Key::new).chain([poor()]).collect(),
            nonces: BTreeMap::new(),
        }
    }

    /// One of the senders' addresses.
    pub(crate) fn any(&self, rng: &mut Rng) -> Address {
        self.key(rng).address
    }

    fn key(&self, rng: &mut Rng) -> &Key {
        &self.keys[rng.below(self.keys.len() as u64) as usize]
    }

    fn nonce(&self, address: Address) -> u64 {
        let account = self.chain.state.accounts.get(&address);
        let before = account.map_or(0, |(account, _)| account.nonce);
        self.nonces.get(&address).copied().unwrap_or(before)
    }

    fn advance(&mut self, address: Address) {
        let next = self.nonce(address) + 1;
        self.nonces.insert(address, next);
    }

    /// Notes what an accepted transaction did to nonces.
    pub(crate) fn accepted(&mut self, raw: &Bytes) {
        if raw[0] == 0x7e {
            let tx = TxDeposit::decode_2718(&mut raw.as_ref()).unwrap();
            return self.advance(tx.from);
        }
        let tx = TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
        let hash = tx.signature_hash();
        self.advance(tx.signature().recover_address_from_prehash(&hash).unwrap());
        for authorization in tx.authorization_list().unwrap_or_default() {
            let chain_id = authorization.chain_id;
            let Ok(authority) = authorization.recover_authority() else { continue };
            let fits = chain_id.is_zero() || chain_id == U256::from(CHAIN_ID);
            if fits && authorization.nonce == self.nonce(authority) {
                self.advance(authority);
            }
        }
    }

    /// A transaction of any type that the fork has, sometimes one that it has not.
    pub(crate) fn random(&self, rng: &mut Rng) -> Candidate {
        let key = self.key(rng);
        let mut what = payload(rng, self.fork);
        let common = self.common(rng, key.address, &mut what);
        let newest = if self.fork >= Fork::Isthmus || rng.one_in(20) { 4 } else { 3 };
        let kind = what.kind;
        let (name, raw) = match rng.below(newest) {
            0 => ("legacy", self.legacy(rng, key, what, common)),
            1 => ("access list", key.sign(access_list(what, common))),
            2 => ("dynamic fee", key.sign(dynamic_fee(what, common))),
            _ => {
                let to = what.to.to().copied().unwrap_or_else(|| contract(rng));
                let authorization_list = self.authorizations(rng, key, common.nonce);
                let tx = dynamic_fee(what, common);
                (
                    "set code",
                    key.sign(TxEip7702 {
                        chain_id: tx.chain_id,
                        nonce: tx.nonce,
                        gas_limit: tx.gas_limit + 60_000,
                        max_fee_per_gas: tx.max_fee_per_gas,
                        max_priority_fee_per_gas: tx.max_priority_fee_per_gas,
                        to,
                        value: tx.value,
                        access_list: tx.access_list,
                        authorization_list,
                        input: tx.input,
                    }),
                )
            }
        };
        Candidate { kind: name, what: kind, raw }
    }

    fn common(&self, rng: &mut Rng, sender: Address, what: &mut Payload) -> Common {
        let base_fee = u128::from(self.base_fee);
        let tip = rng.pick(&[0, 1, 1000, base_fee]);
        let mut common = Common {
            nonce: self.nonce(sender),
            gas_limit: what.gas_limit,
            fee: rng.pick(&[base_fee, base_fee + tip, base_fee * 2 + tip]).max(tip),
            tip,
            access_list: accesses(rng),
            chain_id: CHAIN_ID,
        };
        match rng.below(40) {
            0 => common.nonce += 1,
            1 => common.nonce = common.nonce.wrapping_sub(1),
            2 => common.fee = base_fee.saturating_sub(1),
            3 => common.tip = common.fee + 1,
            4 => common.gas_limit = rng.below(21_000),
            5 => common.chain_id = 902,
            6 => common.fee = u128::MAX >> 2,
            7 => what.value = u64::MAX,
            8..=11 => common.gas_limit = rng.between(21_000, 80_000),
            12 => common.gas_limit = self.chain.head.gas_limit * 2,
            _ => {}
        }
        common
    }

    fn legacy(&self, rng: &mut Rng, key: &Key, what: Payload, common: Common) -> Bytes {
        key.sign(TxLegacy {
            chain_id: (!rng.one_in(4)).then_some(common.chain_id),
            nonce: common.nonce,
            gas_price: common.fee,
            gas_limit: common.gas_limit,
            to: what.to,
            value: U256::from(what.value),
            input: what.input,
        })
    }

    fn authorizations(&self, rng: &mut Rng, sender: &Key, nonce: u64) -> Vec<SignedAuthorization> {
        let mut list = Vec::new();
        for _ in 0..rng.between(u64::from(!rng.clone().one_in(20)), 3) {
            let authority = self.key(rng);
            let mut expected = self.nonce(authority.address);
            if authority.address == sender.address {
                expected = nonce.wrapping_add(1);
            }
            let none = Address::ZERO;
            let code = contract(rng);
            let precompile = Address::with_last_byte(rng.between(1, 9) as u8);
            let authorization = Authorization {
                chain_id: U256::from(rng.pick(&[0, CHAIN_ID, CHAIN_ID, 902])),
                address: rng.pick(&[code, code, none, precompile, authority.address]),
                nonce: if rng.one_in(6) { expected.wrapping_add(1) } else { expected },
            };
            let signed = authority.authorize(authorization.clone());
            let (r, s) = (signed.r(), signed.s());
            list.push(match rng.below(12) {
                0 => SignedAuthorization::new_unchecked(authorization, 0, U256::ZERO, s),
                1 => SignedAuthorization::new_unchecked(authorization, 7, r, s),
                2 => SignedAuthorization::new_unchecked(authorization, 1, r, U256::MAX - s),
                _ => signed,
            });
        }
        list
    }
}

fn accesses(rng: &mut Rng) -> AccessList {
    let items = (0..rng.below(3)).map(|_| AccessListItem {
        address: contract(rng),
        storage_keys: (0..rng.below(4)).map(|_| B256::from(U256::from(rng.below(9)))).collect(),
    });
    AccessList(items.collect())
}

fn access_list(what: Payload, common: Common) -> TxEip2930 {
    TxEip2930 {
        chain_id: common.chain_id,
        nonce: common.nonce,
        gas_price: common.fee,
        gas_limit: common.gas_limit,
        to: what.to,
        value: U256::from(what.value),
        access_list: common.access_list,
        input: what.input,
    }
}

fn dynamic_fee(what: Payload, common: Common) -> TxEip1559 {
    TxEip1559 {
        chain_id: common.chain_id,
        nonce: common.nonce,
        gas_limit: common.gas_limit,
        max_fee_per_gas: common.fee,
        max_priority_fee_per_gas: common.tip,
        to: what.to,
        value: U256::from(what.value),
        access_list: common.access_list,
        input: what.input,
    }
}
