//! Number and time of simulated blocks.
//!
//! **Invariant:** both only grow; gaps between numbers are filled with empty blocks.

use super::super::RpcError;
use super::limit;
use alloy_consensus::Header;
use alloy_primitives::U256;
use alloy_rpc_types_eth::BlockOverrides;
use alloy_rpc_types_eth::TransactionRequest;
use alloy_rpc_types_eth::simulate::SimBlock;
use alloy_rpc_types_eth::state::StateOverride;

/// How far blocks may lie above the first one's parent.
pub(super) const MAX_BLOCKS: u64 = 256;
/// Seconds between blocks that name no time.
const STEP_S: u64 = 12;
const BLOCK_NUMBER_INVALID: i32 = -38020;
const BLOCK_TIMESTAMP_INVALID: i32 = -38021;

/// A block to simulate.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) number: u64,
    pub(super) timestamp: u64,
    pub(super) block: BlockOverrides,
    pub(super) state: StateOverride,
    pub(super) calls: Vec<TransactionRequest>,
}

/// Settles the blocks after `base`.
pub(super) fn plan(
    base: &Header,
    blocks: Vec<SimBlock<TransactionRequest>>,
) -> Result<Vec<Planned>, RpcError> {
    let (mut number, mut timestamp) = (base.number, base.timestamp);
    let mut planned = Vec::with_capacity(blocks.len());
    for SimBlock { block_overrides, state_overrides, calls } in blocks {
        let block = block_overrides.unwrap_or_default();
        let next = checked_number(block.number, number, base.number)?;
        while number + 1 < next {
            number += 1;
            timestamp += STEP_S;
            planned.push(Planned {
                number,
                timestamp,
                block: BlockOverrides::default(),
                state: StateOverride::default(),
                calls: Vec::new(),
            });
        }
        number = next;
        timestamp = match block.time {
            None => timestamp.saturating_add(STEP_S),
            Some(time) if time > timestamp => time,
            Some(time) => {
                let text = format!("block timestamps must be in order: {time} <= {timestamp}");
                return Err(RpcError::new(BLOCK_TIMESTAMP_INVALID, text));
            }
        };
        let state = state_overrides.unwrap_or_default();
        planned.push(Planned { number, timestamp, block, state, calls });
    }
    Ok(planned)
}

fn checked_number(wanted: Option<U256>, before: u64, base: u64) -> Result<u64, RpcError> {
    let Some(wanted) = wanted else { return within(before + 1, base) };
    if wanted <= U256::from(before) {
        let text = format!("block numbers must be in order: {wanted} <= {before}");
        return Err(RpcError::new(BLOCK_NUMBER_INVALID, text));
    }
    within(wanted.saturating_to(), base)
}

fn within(number: u64, base: u64) -> Result<u64, RpcError> {
    if number - base > MAX_BLOCKS { Err(limit("too many blocks")) } else { Ok(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(overrides: &[(Option<u64>, Option<u64>)], expected: Result<&[(u64, u64)], &str>) {
        let base = Header { number: 10, timestamp: 100, ..Header::default() };
        let block = |(number, time): &(Option<u64>, Option<u64>)| SimBlock {
            block_overrides: Some(BlockOverrides {
                number: number.map(U256::from),
                time: *time,
                ..BlockOverrides::default()
            }),
            state_overrides: None,
            calls: Vec::new(),
        };
        let planned = plan(&base, overrides.iter().map(block).collect());
        let found = planned
            .map(|blocks| blocks.iter().map(|it| (it.number, it.timestamp)).collect::<Vec<_>>());
        assert_eq!(found.as_deref().map_err(|error| error.message.as_str()), expected);
    }

    #[test]
    fn numbers_and_times_are_filled_in() {
        check(&[(None, None), (None, None)], Ok(&[(11, 112), (12, 124)]));
        check(&[(Some(13), None)], Ok(&[(11, 112), (12, 124), (13, 136)]));
        check(&[(None, Some(101)), (None, None)], Ok(&[(11, 101), (12, 113)]));
    }

    #[test]
    fn numbers_and_times_must_grow() {
        check(&[(Some(10), None)], Err("block numbers must be in order: 10 <= 10"));
        check(&[(None, Some(100))], Err("block timestamps must be in order: 100 <= 100"));
        check(&[(Some(267), None)], Err("too many blocks"));
    }
}
