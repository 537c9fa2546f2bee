//! Network upgrades: the transactions that a fork's activation block carries behind its deposits
//! (D19, D20, D21), and the gas it has for them.
//!
//! Start with [`upgrade_transactions`]. The transactions lie compressed in `data`, one stream per
//! fork; `data/README.txt` says where they come from.
//!
//! **Invariant:** a stream is unpacked when asked for and never into more than [`MAX_UNPACKED`].

use crate::{DEPOSITOR, DepositSource, Fork, L1_BLOCK};
use alloc::vec::Vec;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, Bytes, U256, address, bytes};
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use op_alloy_consensus::TxDeposit;

/// The contract that pays out ether which comes from another chain.
const ETH_LIQUIDITY: Address = address!("4200000000000000000000000000000000000025");
/// Largest unpacked stream; the largest so far has 175,000 bytes.
const MAX_UNPACKED: usize = 1 << 20;

/// Why the transactions of a fork cannot be had. The data is part of the program, so this is a
/// damaged build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UpgradeError {
    /// The stream is damaged.
    #[error("upgrade transactions of {fork} cannot be unpacked", fork = .fork.name())]
    Inflate {
        /// The fork.
        fork: Fork,
    },
    /// Its content is no list of transactions.
    #[error("upgrade transactions of {fork} are no list: {reason}", fork = .fork.name())]
    Rlp {
        /// The fork.
        fork: Fork,
        /// What the decoder says.
        reason: alloy_rlp::Error,
    },
}

/// The stream of a fork: a deflated RLP list of EIP-2718 transactions.
const fn stream(fork: Fork) -> Option<&'static [u8]> {
    Some(match fork {
        Fork::Ecotone => include_bytes!("../data/ecotone.deflate"),
        Fork::Fjord => include_bytes!("../data/fjord.deflate"),
        Fork::Isthmus => include_bytes!("../data/isthmus.deflate"),
        Fork::Jovian => include_bytes!("../data/jovian.deflate"),
        Fork::Karst => include_bytes!("../data/karst.deflate"),
        Fork::Lagoon => include_bytes!("../data/lagoon.deflate"),
        _ => return None,
    })
}

/// The transactions of the activation block of this fork; none for most forks. Lagoon's are those
/// of a chain alone, see [`wrap_for_set`].
pub fn upgrade_transactions(fork: Fork) -> Result<Vec<Bytes>, UpgradeError> {
    let Some(stream) = stream(fork) else { return Ok(Vec::new()) };
    let list = decompress_to_vec_with_limit(stream, MAX_UNPACKED)
        .map_err(|_| UpgradeError::Inflate { fork })?;
    alloy_rlp::decode_exact(list).map_err(|reason| UpgradeError::Rlp { fork, reason })
}

/// Lagoon's transactions of a chain in a dependency set of several: one more in front and one more
/// behind (D21).
pub fn wrap_for_set(transactions: Vec<Bytes>) -> Vec<Bytes> {
    let wrapper = |intent, to: Address, amount: u128, gas_limit, input| {
        let deposit = TxDeposit {
            source_hash: DepositSource::Upgrade { intent }.hash(),
            from: DEPOSITOR,
            to: to.into(),
            mint: amount,
            value: U256::from(amount),
            gas_limit,
            is_system_transaction: false,
            input,
        };
        Bytes::from(deposit.encoded_2718())
    };
    // `setFeature("INTEROP")`, `fund()`.
    let set_feature =
        bytes!("46a4d780494e5445524f5000000000000000000000000000000000000000000000000000");
    let before = wrapper("Interop pre: setFeature(INTEROP)", L1_BLOCK, 0, 100_000, set_feature);
    let after = wrapper(
        "Interop post: ETHLiquidity Funding",
        ETH_LIQUIDITY,
        u128::MAX,
        50_000,
        bytes!("b60d4288"),
    );
    [before].into_iter().chain(transactions).chain([after]).collect()
}

/// Gas that the activation block of this fork has on top of its limit (D20): what its transactions
/// may use. Lagoon's has room for the two of a set in any case (D21).
pub const fn upgrade_gas(fork: Fork) -> u64 {
    match fork {
        Fork::Karst => 55_370_657,
        Fork::Lagoon => 60_653_172,
        _ => 0,
    }
}
