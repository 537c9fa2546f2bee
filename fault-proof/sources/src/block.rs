//! Blocks, checked against their hashes.
//!
//! Start with [`read_block`].
//!
//! **Invariant:** a [`Block`] has the hash it says, and its transactions are those its header commits to.

use crate::{
    Fault, Label,
    error::Trouble,
    header::RpcBlock,
    transaction::{Rebuilt, rebuild},
};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Decodable, Header as RlpHeader};
use opal_client::{Call, Rpc};
use opal_execute::ordered_root;
use opal_types::L1Flavour;

/// Which block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    Number(u64),
    Hash(B256),
    Label(Label),
}

impl Which {
    /// The call that reads it, with its transactions or only their hashes.
    pub(crate) fn call(self, with_transactions: bool) -> Call {
        match self {
            Self::Number(number) => {
                Call::new("eth_getBlockByNumber", (quantity(number), with_transactions))
            }
            Self::Hash(hash) => Call::new("eth_getBlockByHash", (hash, with_transactions)),
            Self::Label(label) => {
                Call::new("eth_getBlockByNumber", (label.as_str(), with_transactions))
            }
        }
    }

    fn check(self, block: &Head) -> Result<(), Fault> {
        match self {
            Self::Number(wanted) if wanted != block.number => {
                Err(Fault::Number { wanted, found: block.number })
            }
            Self::Hash(wanted) if wanted != block.hash => {
                Err(Fault::BlockHash { wanted, found: block.hash })
            }
            _ => Ok(()),
        }
    }
}

/// A number as JSON-RPC writes it.
pub(crate) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// A checked header.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) hash: B256,
    pub(crate) number: u64,
    /// Its encoding.
    pub(crate) rlp: Bytes,
}

/// A checked block.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) head: Head,
    /// EIP-2718 encoded.
    pub(crate) transactions: Vec<Bytes>,
}

/// Asks one server for a header.
pub(crate) async fn read_head(
    view: &Rpc,
    which: Which,
    flavour: L1Flavour,
) -> Result<Option<Head>, Trouble> {
    let Some(json) = ask(view, which.call(false)).await? else { return Ok(None) };
    let head = checked_head(view, &json, flavour).await?;
    which.check(&head)?;
    Ok(Some(head))
}

/// Asks one server for a block.
pub(crate) async fn read_block(
    view: &Rpc,
    which: Which,
    flavour: L1Flavour,
) -> Result<Option<Block>, Trouble> {
    let Some(json) = ask(view, which.call(true)).await? else { return Ok(None) };
    complete(view, which, json, flavour).await.map(Some)
}

/// A server's JSON for the block. Some give an error where others give null.
async fn ask(view: &Rpc, call: Call) -> Result<Option<RpcBlock>, Trouble> {
    match view.batch(vec![call]).await.pop() {
        Some(Ok(json)) => Ok(json),
        Some(Err(error)) if error.is_unknown_block() => Ok(None),
        Some(Err(error)) => Err(error.into()),
        None => Ok(None),
    }
}

/// Checks a server's block, and asks it for the raw bytes of what its JSON does not tell.
pub(crate) async fn complete(
    view: &Rpc,
    which: Which,
    json: RpcBlock,
    flavour: L1Flavour,
) -> Result<Block, Trouble> {
    let head = checked_head(view, &json, flavour).await?;
    which.check(&head)?;
    json.check_withdrawals()?;
    let rebuilt = json.transactions.iter().map(|it| rebuild(it)).collect::<Result<Vec<_>, _>>();
    let malformed =
        |why: serde_json::Error| Fault::Malformed { what: "transaction", why: why.to_string() };
    let rebuilt = rebuilt.map_err(malformed)?;
    let transactions = raw_transactions(view, &head, rebuilt).await?;
    if let Err(fault) = check_root("transactions", &transactions, json.transactions_root) {
        let pooled = pooled_transactions(view, &transactions).await?.ok_or(fault)?;
        check_root("transactions", &pooled, json.transactions_root)?;
    }
    Ok(Block { head, transactions })
}

/// First byte of a transaction with blobs.
const BLOB_TYPE: u8 = 3;

/// The transactions with their blobs as pools pass them on: the headers of anvil 1.7 commit to these. `None` if there
/// are none with blobs, or the server gives something else for one.
async fn pooled_transactions(
    view: &Rpc,
    transactions: &[Bytes],
) -> Result<Option<Vec<Bytes>>, Trouble> {
    let has_blobs = |raw: &Bytes| raw.first() == Some(&BLOB_TYPE);
    if !transactions.iter().any(has_blobs) {
        return Ok(None);
    }
    let mut pooled = Vec::with_capacity(transactions.len());
    for raw in transactions {
        if !has_blobs(raw) {
            pooled.push(raw.clone());
            continue;
        }
        let hash = keccak256(raw);
        let found: Option<Bytes> = view.call("eth_getRawTransactionByHash", [hash]).await?;
        let Some(found) = found.filter(|it| wraps(it, raw)) else { return Ok(None) };
        pooled.push(found);
    }
    Ok(Some(pooled))
}

/// Whether a pool's form is that of this transaction: a list that begins with the transaction's own.
fn wraps(pooled: &[u8], raw: &[u8]) -> bool {
    let parts = |bytes: &[u8]| bytes.split_first().map(|(kind, rest)| (*kind, rest.to_vec()));
    let (Some((kind, outer)), Some((own_kind, inner))) = (parts(pooled), parts(raw)) else {
        return false;
    };
    let content = RlpHeader::decode_bytes(&mut outer.as_slice(), true).map(<[u8]>::to_vec);
    kind == own_kind && content.is_ok_and(|it| it.starts_with(&inner))
}

/// Compares a list with what its header commits to.
pub(crate) fn check_root(list: &'static str, items: &[Bytes], wanted: B256) -> Result<(), Fault> {
    let found = ordered_root(items.iter().cloned());
    if found == wanted { Ok(()) } else { Err(Fault::Root { list, wanted, found }) }
}

/// The header out of the JSON, or raw where the JSON has fields that are not known here.
async fn checked_head(view: &Rpc, json: &RpcBlock, flavour: L1Flavour) -> Result<Head, Trouble> {
    let head = |hash, rlp: Vec<u8>| Head { hash, number: json.number.to(), rlp: rlp.into() };
    let (hash, fault) = match (json.checked(flavour), json.hash) {
        (Ok((hash, rlp)), _) => return Ok(head(hash, rlp)),
        (Err(fault), Some(hash)) => (hash, fault),
        (Err(fault), None) => return Err(fault.into()),
    };
    let raw = view.call_if_offered::<Option<Bytes>>("debug_getRawHeader", [hash]).await;
    match raw {
        Ok(Some(Some(raw))) if keccak256(&raw) == hash && same_roots(json, &raw) => {
            Ok(head(hash, raw.into()))
        }
        _ => Err(fault.into()),
    }
}

/// Whether the fields that are used out of the JSON are the raw header's.
fn same_roots(json: &RpcBlock, raw: &[u8]) -> bool {
    let read = || -> alloy_rlp::Result<(B256, B256, u64)> {
        let mut fields = RlpHeader::decode_bytes(&mut &*raw, true)?;
        let parent = B256::decode(&mut fields)?;
        for _ in 0..3 {
            RlpHeader::decode_bytes(&mut fields, false)?;
        }
        let root = B256::decode(&mut fields)?;
        for _ in 0..3 {
            RlpHeader::decode_bytes(&mut fields, false)?;
        }
        Ok((parent, root, u64::decode(&mut fields)?))
    };
    read() == Ok((json.parent_hash, json.transactions_root, json.number.to()))
}

/// Fills the places of transactions of unknown types.
async fn raw_transactions(
    view: &Rpc,
    head: &Head,
    rebuilt: Vec<Rebuilt>,
) -> Result<Vec<Bytes>, Trouble> {
    let unknown = |it: &Rebuilt| match it {
        Rebuilt::Unknown(hash) => Some(*hash),
        Rebuilt::Raw(_) => None,
    };
    let hashes: Vec<_> = rebuilt.iter().filter_map(unknown).collect();
    if hashes.is_empty() {
        let raw = |it| match it {
            Rebuilt::Raw(raw) => Some(raw),
            Rebuilt::Unknown(_) => None,
        };
        return Ok(rebuilt.into_iter().filter_map(raw).collect());
    }
    let block = view.call_if_offered::<Option<Bytes>>("debug_getRawBlock", [head.hash]).await;
    if let Ok(Some(Some(block))) = block
        && let Some(transactions) = block_transactions(&block)
    {
        return Ok(transactions);
    }
    let call = |hash: &B256| Call::new("eth_getRawTransactionByHash", [*hash]);
    let mut fetched =
        view.batch::<Option<Bytes>>(hashes.iter().map(call).collect()).await.into_iter();
    let mut transactions = Vec::with_capacity(rebuilt.len());
    for item in rebuilt {
        transactions.push(match item {
            Rebuilt::Raw(raw) => raw,
            Rebuilt::Unknown(hash) => {
                let raw = fetched.next().transpose()?.flatten();
                let right = raw.filter(|raw| keccak256(raw) == hash);
                let why = format!("{hash} is of an unknown type, and its raw bytes are not given");
                right.ok_or(Fault::Malformed { what: "transaction", why })?
            }
        });
    }
    Ok(transactions)
}

/// The transactions in a block's encoding.
fn block_transactions(block: &Bytes) -> Option<Vec<Bytes>> {
    let mut parts = RlpHeader::decode_bytes(&mut block.as_ref(), true).ok()?;
    RlpHeader::decode_bytes(&mut parts, true).ok()?;
    let mut list = RlpHeader::decode_bytes(&mut parts, true).ok()?;
    let mut transactions = Vec::new();
    while !list.is_empty() {
        let before = list;
        let header = RlpHeader::decode(&mut list).ok()?;
        let (payload, rest) = list.split_at_checked(header.payload_length)?;
        list = rest;
        // Old transactions are lists, typed ones are strings with the encoding inside.
        let whole = before.get(..before.len() - rest.len())?;
        transactions.push(block.slice_ref(if header.list { whole } else { payload }));
    }
    Some(transactions)
}
