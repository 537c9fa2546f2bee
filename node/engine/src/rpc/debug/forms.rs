//! Traces in geth's JSON, where the tracers' own differs: hexadecimal digits without prefix in steps, empty
//! things left out, code hashes beside codes.
//!
//! **Invariant:** nothing is added that the trace does not hold.

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_rpc_types_trace::geth::{
    AccountState, DefaultFrame, DiffMode, GethTrace, PreStateFrame, PreStateMode, StructLog,
};
use serde::Serialize;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A trace as it is sent.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum TraceShape {
    Steps(StepsShape),
    Accounts(BTreeMap<Address, AccountShape>),
    Change { post: BTreeMap<Address, AccountShape>, pre: BTreeMap<Address, AccountShape> },
    Other(GethTrace),
}

/// One step after the other.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StepsShape {
    failed: bool,
    gas: u64,
    return_value: Bytes,
    struct_logs: Vec<StepShape>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct StepShape {
    pc: u64,
    op: Cow<'static, str>,
    gas: u64,
    gas_cost: u64,
    depth: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stack: Option<Vec<U256>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    return_data: Option<Bytes>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    memory: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage: Option<BTreeMap<String, String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<u64>,
}

/// An account before or after a transaction.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AccountShape {
    #[serde(skip_serializing_if = "Option::is_none")]
    balance: Option<U256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Bytes>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code_hash: Option<B256>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<u64>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    storage: BTreeMap<B256, B256>,
}

impl From<GethTrace> for TraceShape {
    fn from(trace: GethTrace) -> Self {
        match trace {
            GethTrace::Default(frame) => Self::Steps(frame.into()),
            GethTrace::PreStateTracer(PreStateFrame::Default(PreStateMode(accounts))) => {
                Self::Accounts(existing(accounts))
            }
            GethTrace::PreStateTracer(PreStateFrame::Diff(DiffMode { post, pre })) => {
                Self::Change { post: shapes(post), pre: existing(pre) }
            }
            other => Self::Other(other),
        }
    }
}

impl From<DefaultFrame> for StepsShape {
    fn from(frame: DefaultFrame) -> Self {
        let DefaultFrame { failed, gas, return_value, struct_logs, .. } = frame;
        let mut struct_logs: Vec<_> = struct_logs.into_iter().map(StepShape::from).collect();
        // A slot that was read and is zero is in no record, but its value is on the stack of the next step.
        let tops: Vec<Option<U256>> = struct_logs
            .iter()
            .map(|step| step.stack.as_ref().and_then(|stack| stack.last().copied()))
            .collect();
        for (index, step) in struct_logs.iter_mut().enumerate() {
            let next = tops.get(index + 1).copied().flatten();
            if let ("SLOAD", Some(storage), Some(Some(slot)), Some(value)) =
                (step.op.as_ref(), &mut step.storage, tops.get(index), next)
            {
                storage.entry(digits(*slot)).or_insert_with(|| digits(value));
            }
        }
        Self { failed, gas, return_value, struct_logs }
    }
}

impl From<StructLog> for StepShape {
    fn from(step: StructLog) -> Self {
        let pairs = |slots: BTreeMap<B256, B256>| {
            slots.into_iter().map(|(slot, value)| (hex::encode(slot), hex::encode(value))).collect()
        };
        let strip = |word: String| word.strip_prefix("0x").map(str::to_owned).unwrap_or(word);
        Self {
            pc: step.pc,
            op: step.op,
            gas: step.gas,
            gas_cost: step.gas_cost,
            depth: step.depth,
            error: step.error.as_deref().and_then(error_text),
            stack: step.stack,
            return_data: step.return_data.filter(|data| !data.is_empty()),
            memory: step.memory.unwrap_or_default().into_iter().map(strip).collect(),
            storage: step.storage.map(pairs),
            refund: step.refund_counter.filter(|refund| *refund > 0),
        }
    }
}

fn digits(word: U256) -> String {
    hex::encode(word.to_be_bytes::<32>())
}

/// geth names errors that keep a step from being taken; others show in what follows.
fn error_text(error: &str) -> Option<&'static str> {
    [
        ("OutOfGas", "out of gas"),
        ("StackUnderflow", "stack underflow"),
        ("StackOverflow", "stack limit reached"),
    ]
    .into_iter()
    .find(|(name, _)| error.contains(name))
    .map(|(_, text)| text)
}

fn shapes(accounts: BTreeMap<Address, AccountState>) -> BTreeMap<Address, AccountShape> {
    accounts.into_iter().map(|(address, account)| (address, account.into())).collect()
}

/// Without accounts that there are none of.
fn existing(accounts: BTreeMap<Address, AccountState>) -> BTreeMap<Address, AccountShape> {
    let is_there = |account: &AccountState| {
        account.balance.is_some_and(|it| !it.is_zero())
            || account.nonce.is_some_and(|it| it > 0)
            || account.code.is_some()
            || account.storage.values().any(|it| !it.is_zero())
    };
    shapes(accounts.into_iter().filter(|(_, account)| is_there(account)).collect())
}

impl From<AccountState> for AccountShape {
    fn from(account: AccountState) -> Self {
        Self {
            balance: account.balance,
            code_hash: account.code.as_ref().map(keccak256),
            code: account.code,
            nonce: account.nonce,
            storage: account.storage,
        }
    }
}
