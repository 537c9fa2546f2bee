//! Addresses that the protocol itself reads, pays or calls.
//!
//! **Invariant:** constants only.

use alloy_primitives::{Address, address};

/// Fees paid to the sequencer, and the fee recipient of derived blocks.
pub const SEQUENCER_FEE_VAULT: Address = address!("4200000000000000000000000000000000000011");
/// Holds what the L1 attributes deposit tells of L1 (E3).
pub const L1_BLOCK: Address = address!("4200000000000000000000000000000000000015");
/// Its storage root is the withdrawals root from Isthmus (E7).
pub const MESSAGE_PASSER: Address = address!("4200000000000000000000000000000000000016");
/// Base fees (E12).
pub const BASE_FEE_VAULT: Address = address!("4200000000000000000000000000000000000019");
/// L1 fees (E12).
pub const L1_FEE_VAULT: Address = address!("420000000000000000000000000000000000001a");
/// Operator fees (E12).
pub const OPERATOR_FEE_VAULT: Address = address!("420000000000000000000000000000000000001b");
/// EIP-4788.
pub const BEACON_ROOTS: Address = address!("000F3df6D732807Ef1319fB7B8bB8522d0Beac02");
/// EIP-2935.
pub const HISTORY_STORAGE: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
/// Set at Canyon (E14).
pub const CREATE2_DEPLOYER: Address = address!("13b0D85CcB8bf860b6b79AF3029fCA081AE9beF2");
