//! Transactions of users, different for each seed.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    Encodable2718,
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, keccak256};

/// The chain that all transactions are for.
pub(crate) const CHAIN_ID: u64 = 901;

/// Numbers that follow from a seed.
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    /// The next number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let hash = keccak256(self.0.to_be_bytes());
        u64::from_be_bytes(hash.0[..8].try_into().unwrap()) % end
    }

    /// True once in `of` times.
    pub(crate) fn once_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    /// Bytes that do not compress.
    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let salt = self.below(u64::MAX);
        let words = (0..length.div_ceil(32) as u64)
            .flat_map(|index| keccak256([salt.to_be_bytes(), index.to_be_bytes()].concat()).0);
        words.take(length).collect()
    }
}

/// A transaction of any kind; one that sets code only where that is known.
pub(crate) fn transaction(dice: &mut Dice, sets_code: bool, data: usize) -> Bytes {
    let chain_id = CHAIN_ID;
    let input = Bytes::from(if dice.once_in(3) { vec![0; data] } else { dice.bytes(data) });
    let address = Address::from_slice(&dice.bytes(20));
    let to = if dice.once_in(4) { TxKind::Create } else { TxKind::Call(address) };
    let nonce = dice.below(300);
    let gas_limit = 21_000 + dice.below(1 << 24);
    let value = U256::from(dice.below(u64::MAX));
    let storage_keys = vec![B256::repeat_byte(7)];
    let access_list = AccessList(vec![AccessListItem { address, storage_keys }]);
    let raw = match dice.below(if sets_code { 5 } else { 4 }) {
        0 => sign(dice, TxLegacy { nonce, gas_limit, to, value, input, ..Default::default() }),
        1 => {
            let chain_id = Some(chain_id);
            sign(dice, TxLegacy { chain_id, nonce, gas_price: 9, gas_limit, to, value, input })
        }
        2 => {
            let gas_price = 77;
            let fields =
                TxEip2930 { chain_id, nonce, gas_price, gas_limit, to, value, access_list, input };
            sign(dice, fields)
        }
        3 => {
            let fees = (1_000_000_007, 2);
            let fields = TxEip1559 {
                chain_id,
                nonce,
                gas_limit,
                max_fee_per_gas: fees.0,
                max_priority_fee_per_gas: fees.1,
                to,
                value,
                access_list,
                input,
            };
            sign(dice, fields)
        }
        _ => {
            let authorization = Authorization { chain_id: U256::from(chain_id), address, nonce };
            let signed =
                SignedAuthorization::new_unchecked(authorization, 1, U256::from(5), U256::from(6));
            let fields = TxEip7702 {
                chain_id,
                nonce,
                gas_limit,
                to: address,
                value,
                input,
                authorization_list: vec![signed],
                ..Default::default()
            };
            sign(dice, fields)
        }
    };
    Bytes::from(raw)
}

fn sign<T>(dice: &mut Dice, fields: T) -> Vec<u8>
where
    T: SignableTransaction<Signature>,
    alloy_consensus::Signed<T>: Encodable2718,
{
    let [r, s] = [0; 2].map(|_: u8| U256::from_be_slice(&dice.bytes(32)));
    fields.into_signed(Signature::new(r, s, dice.once_in(2))).encoded_2718()
}
