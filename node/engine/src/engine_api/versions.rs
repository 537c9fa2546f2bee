//! Which version of a method may be called for which fork, and with which fields.
//!
//! Start with [`Era`]. OP Stack forks stand for Ethereum's: Canyon for Shanghai, Ecotone for Cancun, Isthmus
//! for Prague, Karst for Osaka.
//!
//! **Invariant:** the order of the checks, their codes and their words are op-geth's.

use super::payload::{AttributesShape, PayloadShape};
use crate::Rules;
use crate::rpc::RpcError;
use alloy_primitives::{B256, Bytes};
use opal_types::Fork;
use serde_json::json;

/// What Ethereum calls the rules of a timestamp, as far as the Engine API looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Era {
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
}

impl Era {
    /// The era of a block with this timestamp.
    pub(crate) fn at(rules: &Rules, timestamp: u64) -> Self {
        let active: [bool; 4] = match rules {
            Rules::L1(rules) => [rules.shanghai, rules.cancun, rules.prague, rules.osaka]
                .map(|time| time.is_some_and(|time| timestamp >= time)),
            Rules::L2(config) => [Fork::Canyon, Fork::Ecotone, Fork::Isthmus, Fork::Karst]
                .map(|fork| config.forks.active(fork, timestamp)),
        };
        match active {
            [_, _, _, true] => Self::Osaka,
            [_, _, true, _] => Self::Prague,
            [_, true, _, _] => Self::Cancun,
            [true, ..] => Self::Shanghai,
            _ => Self::Paris,
        }
    }
}

/// Unknown payload.
pub(crate) const UNKNOWN_PAYLOAD: (i32, &str) = (-38001, "Unknown payload");
/// Safe or finalized do not fit the head.
pub(crate) const INVALID_FORKCHOICE: (i32, &str) = (-38002, "Invalid forkchoice state");
/// No block can have the attributes.
pub(crate) const INVALID_ATTRIBUTES: (i32, &str) = (-38003, "Invalid payload attributes");
/// Too much at once.
pub(crate) const TOO_LARGE: (i32, &str) = (-38004, "Too large request");
/// Another version of the method is for this fork.
pub(crate) const UNSUPPORTED_FORK: (i32, &str) = (-38005, "Unsupported fork");
/// A parameter that is no good.
pub(crate) const INVALID_PARAMS: (i32, &str) = (-32602, "Invalid parameters");

/// An error of the Engine API: the fixed text, and beside it what is wrong.
pub(crate) fn fault(kind: (i32, &str), why: impl Into<String>) -> RpcError {
    let data = Some(json!({ "err": why.into() }));
    RpcError { data, ..RpcError::new(kind.0, kind.1) }
}

/// The fixed text alone.
pub(crate) fn bare(kind: (i32, &str)) -> RpcError {
    RpcError::new(kind.0, kind.1)
}

/// Checks one condition after the other and refuses at the first that holds.
fn refuse(checks: &[(bool, (i32, &str), &str)]) -> Result<(), RpcError> {
    match checks.iter().find(|(holds, ..)| *holds) {
        Some((_, kind, why)) => Err(fault(*kind, *why)),
        None => Ok(()),
    }
}

/// Checks attributes against the version they came with.
pub(crate) fn attributes(
    version: u8,
    rules: &Rules,
    attributes: &AttributesShape,
) -> Result<(), RpcError> {
    let era = Era::at(rules, attributes.timestamp.to());
    let (withdrawals, root) =
        (attributes.withdrawals.is_some(), attributes.parent_beacon_block_root.is_some());
    match version {
        1 => refuse(&[
            (
                withdrawals || root,
                INVALID_PARAMS,
                "withdrawals and beacon root not supported in V1",
            ),
            (era > Era::Shanghai, INVALID_PARAMS, "fcuV1 called post-shanghai"),
        ])?,
        2 => refuse(&[
            (root, INVALID_ATTRIBUTES, "unexpected beacon root"),
            (era == Era::Paris && withdrawals, INVALID_ATTRIBUTES, "withdrawals before shanghai"),
            (era == Era::Shanghai && !withdrawals, INVALID_ATTRIBUTES, "missing withdrawals"),
            (
                era > Era::Shanghai,
                UNSUPPORTED_FORK,
                "fcuV2 must only be called with paris or shanghai payloads",
            ),
        ])?,
        _ => refuse(&[
            (!withdrawals, INVALID_ATTRIBUTES, "missing withdrawals"),
            (!root, INVALID_ATTRIBUTES, "missing beacon root"),
            (
                era < Era::Cancun,
                UNSUPPORTED_FORK,
                "fcuV3 must only be called for cancun/prague/osaka payloads",
            ),
        ])?,
    }
    match rules.l2() {
        Some(config) => {
            let active = |fork| config.forks.active(fork, attributes.timestamp.to());
            let listed = attributes.withdrawals.as_ref().is_some_and(|it| !it.is_empty());
            let priced = attributes.eip1559_params.as_ref().is_some_and(|it| !it.is_empty());
            refuse(&[
                (
                    attributes.gas_limit.is_none(),
                    INVALID_ATTRIBUTES,
                    "gasLimit parameter is required",
                ),
                (
                    active(Fork::Canyon) && listed,
                    INVALID_ATTRIBUTES,
                    "non-empty withdrawals post-Canyon",
                ),
                (
                    !active(Fork::Holocene) && priced,
                    INVALID_ATTRIBUTES,
                    "non-empty eip155Params pre-Holocene",
                ),
            ])
        }
        None => Ok(()),
    }
}

/// What came beside a payload, as far as versions differ.
pub(crate) struct Sent<'a> {
    pub(crate) hashes: Option<&'a [B256]>,
    pub(crate) beacon_root: Option<B256>,
    pub(crate) requests: Option<&'a [Bytes]>,
}

/// Checks a payload against the version it came with.
pub(crate) fn payload(
    version: u8,
    rules: &Rules,
    payload: &PayloadShape,
    sent: &Sent<'_>,
) -> Result<(), RpcError> {
    let era = Era::at(rules, payload.timestamp.to());
    let withdrawals = payload.withdrawals.is_some();
    let (excess, used) = (payload.excess_blob_gas.is_some(), payload.blob_gas_used.is_some());
    let kind = INVALID_PARAMS;
    match version {
        1 => refuse(&[(withdrawals, kind, "withdrawals not supported in V1")]),
        2 => refuse(&[
            (era >= Era::Cancun, kind, "can't use newPayloadV2 post-cancun"),
            (era == Era::Shanghai && !withdrawals, kind, "nil withdrawals post-shanghai"),
            (era == Era::Paris && withdrawals, kind, "non-nil withdrawals pre-shanghai"),
            (excess, kind, "non-nil excessBlobGas pre-cancun"),
            (used, kind, "non-nil blobGasUsed pre-cancun"),
        ]),
        _ => {
            refuse(&[
                (!withdrawals, kind, "nil withdrawals post-shanghai"),
                (!excess, kind, "nil excessBlobGas post-cancun"),
                (!used, kind, "nil blobGasUsed post-cancun"),
                (sent.hashes.is_none(), kind, "nil versionedHashes post-cancun"),
                (sent.beacon_root.is_none(), kind, "nil beaconRoot post-cancun"),
            ])?;
            later_payload(version, era, sent)
        }
    }
}

fn later_payload(version: u8, era: Era, sent: &Sent<'_>) -> Result<(), RpcError> {
    let unsupported = UNSUPPORTED_FORK;
    match version {
        3 => refuse(&[(
            era != Era::Cancun,
            unsupported,
            "newPayloadV3 must only be called for cancun payloads",
        )]),
        4 => refuse(&[
            (sent.requests.is_none(), INVALID_PARAMS, "nil executionRequests post-prague"),
            (
                era < Era::Prague,
                unsupported,
                "newPayloadV4 must only be called for prague/osaka payloads",
            ),
        ]),
        _ => Err(fault(unsupported, "newPayloadV5 must only be called for amsterdam payloads")),
    }
}

/// The checks of op-geth on a payload that belong to no version. A failing one makes the payload invalid.
pub(crate) fn op_payload(rules: &Rules, payload: &PayloadShape) -> Result<(), &'static str> {
    let Some(config) = rules.l2() else { return Ok(()) };
    let active = |fork| config.forks.active(fork, payload.timestamp.to());
    if active(Fork::Canyon) && payload.withdrawals.as_ref().is_some_and(|it| !it.is_empty()) {
        return Err("non-empty withdrawals post-Canyon");
    }
    match (active(Fork::Isthmus), payload.withdrawals_root.is_some()) {
        (true, false) => Err("nil withdrawalsRoot post-Isthmus"),
        (false, true) => Err("non-nil withdrawalsRoot pre-Isthmus"),
        _ => Ok(()),
    }
}

/// Whether a payload of this timestamp may be fetched with this version.
pub(crate) fn fetch(version: u8, rules: &Rules, timestamp: u64) -> Result<(), RpcError> {
    let era = Era::at(rules, timestamp);
    let fits = match version {
        1 => era == Era::Paris,
        2 => era <= Era::Shanghai,
        3 => era == Era::Cancun,
        4 => era == Era::Prague,
        _ => era == Era::Osaka,
    };
    if fits { Ok(()) } else { Err(bare(UNSUPPORTED_FORK)) }
}

/// Requests stand in order of their type, none of them empty.
pub(crate) fn requests(list: &[Bytes]) -> Result<(), RpcError> {
    let mut before = None;
    for request in list {
        let kind = match request.as_ref() {
            [] | [_] => return Err(fault(INVALID_PARAMS, format!("empty request: {request}"))),
            [kind, ..] => *kind,
        };
        if before.is_some_and(|before| kind <= before) {
            return Err(fault(INVALID_PARAMS, format!("invalid request order: {request}")));
        }
        before = Some(kind);
    }
    Ok(())
}
