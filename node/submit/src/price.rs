//! Call data or blobs: which costs less.
//!
//! Start with [`Fees::cheaper`].
//!
//! **Invariant:** the comparison is that of the Go batcher: full transactions of bytes that are not
//! zero.

use crate::{Carrier, ChannelOptions, DataAvailability, rules::Rules};
use alloy_primitives::U256;
use opal_types::MAX_BLOB_DATA;

/// Gas of any transaction.
const TRANSACTION_GAS: u64 = 21_000;
/// Gas of a byte of call data that is not zero (EIP-2028).
const BYTE_GAS: u64 = 16;
/// The same where a transaction is hardly anything but call data (EIP-7623).
const FLOOR_BYTE_GAS: u64 = 40;
/// Blob gas of a blob.
const BLOB_GAS: u64 = 1 << 17;

/// What L1 asks for now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fees {
    /// Base fee of the next block, wei.
    pub base_fee: u128,
    /// What includers want on top, wei.
    pub tip: u128,
    /// Blob base fee of the next block, wei; `None` on an L1 without blobs.
    pub blob_base_fee: Option<u128>,
    /// Call data has a floor price (Prague).
    pub has_calldata_floor: bool,
}

impl Fees {
    /// Where a channel that is opened now should lie.
    pub(crate) fn carrier(&self, options: &ChannelOptions, rules: Rules) -> Carrier {
        let Some(blob_base_fee) = self.blob_base_fee.filter(|_| rules.allows_blobs) else {
            return Carrier::Calldata;
        };
        match options.data_availability {
            DataAvailability::Calldata => Carrier::Calldata,
            DataAvailability::Blobs => Carrier::Blobs,
            DataAvailability::Auto => self.cheaper(options, blob_base_fee),
        }
    }

    /// The carrier with the lower price of a byte.
    fn cheaper(&self, options: &ChannelOptions, blob_base_fee: u128) -> Carrier {
        let gas_price = U256::from(self.base_fee).saturating_add(U256::from(self.tip));
        let cost = |gas: u64, price: U256| price.saturating_mul(U256::from(gas));
        let byte_gas = if self.has_calldata_floor { FLOOR_BYTE_GAS } else { BYTE_GAS };
        let calldata_bytes = options.max_l1_tx_size as u64;
        let calldata_gas = TRANSACTION_GAS.saturating_add(calldata_bytes.saturating_mul(byte_gas));
        let calldata_cost = cost(calldata_gas, gas_price);
        let blobs = options.target_num_frames as u64;
        let blob_bytes = blobs.saturating_mul(MAX_BLOB_DATA as u64);
        let blob_cost = cost(TRANSACTION_GAS, gas_price)
            .saturating_add(cost(blobs.saturating_mul(BLOB_GAS), U256::from(blob_base_fee)));
        let blobs_cost_more = cost(calldata_bytes, blob_cost) > cost(blob_bytes, calldata_cost);
        if blobs_cost_more { Carrier::Calldata } else { Carrier::Blobs }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GWEI: u128 = 1_000_000_000;
    const RULES: Rules = Rules {
        max_rlp_bytes: 1,
        allows_brotli: true,
        allows_span: true,
        allows_blobs: true,
        is_strict: true,
        channel_timeout: 50,
    };

    #[track_caller]
    fn check(fees: Fees, rules: Rules, wanted: Carrier) {
        let options = ChannelOptions::usual();
        assert_eq!(options.data_availability, DataAvailability::Auto);
        assert_eq!(fees.carrier(&options, rules), wanted);
    }

    fn fees(blob_base_fee: u128, has_calldata_floor: bool) -> Fees {
        let blob_base_fee = Some(blob_base_fee * GWEI);
        Fees { base_fee: 9 * GWEI, tip: GWEI, blob_base_fee, has_calldata_floor }
    }

    #[test]
    fn the_cheaper_byte_decides() {
        check(fees(1, false), RULES, Carrier::Blobs);
        check(fees(159, false), RULES, Carrier::Blobs);
        check(fees(161, false), RULES, Carrier::Calldata);
    }

    #[test]
    fn the_floor_price_of_call_data_counts_where_there_is_one() {
        check(fees(161, true), RULES, Carrier::Blobs);
        check(fees(397, true), RULES, Carrier::Blobs);
        check(fees(401, true), RULES, Carrier::Calldata);
    }

    #[test]
    fn nothing_goes_into_blobs_that_nobody_reads() {
        let before_ecotone = Rules { allows_blobs: false, ..RULES };
        check(fees(1, true), before_ecotone, Carrier::Calldata);
        check(Fees { blob_base_fee: None, ..fees(1, true) }, RULES, Carrier::Calldata);
    }

    #[test]
    fn absurd_prices_do_not_overflow() {
        let absurd = Fees {
            base_fee: u128::MAX,
            tip: u128::MAX,
            blob_base_fee: Some(u128::MAX),
            has_calldata_floor: true,
        };
        check(absurd, RULES, Carrier::Blobs);
    }
}
