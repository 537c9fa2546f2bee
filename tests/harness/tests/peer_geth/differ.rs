//! Where two ways of executing a block part, in words.
//!
//! **Invariant:** called with equal sides, these say nothing.

use super::{geth::Described, memory::Memory};
use alloy_consensus::Header;
use alloy_primitives::{Address, B256, U256};
use alloy_rlp::Decodable;
use opal_execute::{Outcome, Receipt};
use serde_json::Value;
use std::fmt::Write as _;

/// Names of the fields that differ, with both values.
fn fields(mine: &Header, theirs: &Header) -> String {
    let lines = |it: &Header| format!("{it:#?}").lines().map(str::to_owned).collect::<Vec<_>>();
    let pairs = lines(mine).into_iter().zip(lines(theirs));
    let different = pairs.filter(|(mine, theirs)| mine != theirs);
    different.map(|(mine, theirs)| format!("\n  opal{mine}\n  peer{theirs}")).collect()
}

/// Fails where op-geth's header is another one.
#[track_caller]
pub(crate) fn headers(place: &str, mine: &Header, described: &Described) {
    let theirs = Header::decode(&mut described.header.as_ref()).unwrap();
    assert!(mine.hash_slow() == described.hash, "{place}:{}", fields(mine, &theirs));
}

/// Fails where the state in memory and the trie gave different blocks.
#[track_caller]
pub(crate) fn outcomes(place: &str, memory: &Outcome, trie: &Outcome) {
    let same = memory.header.hash() == trie.header.hash();
    assert!(same, "{place}: memory and trie:{}", fields(&memory.header, &trie.header));
    assert_eq!(memory.receipts, trie.receipts, "{place}");
    assert_eq!(memory.transactions, trie.transactions, "{place}");
    assert_eq!(memory.changes, trie.changes, "{place}");
}

/// Fails with all that is known about a block that op-geth executes to another hash.
#[track_caller]
pub(crate) fn explain(
    place: &str,
    outcome: &Outcome,
    state: &Memory,
    described: &Described,
    dump: &Value,
) -> ! {
    let theirs = Header::decode(&mut described.header.as_ref()).unwrap();
    let mut text = fields(&outcome.header, &theirs);
    let receipts = outcome.receipts.iter().zip(&described.receipts).enumerate();
    for (index, (mine, theirs)) in receipts {
        // Before Canyon op-geth prints the nonce, which is not part of the receipts root.
        if mine.encode() != *theirs && mine.has_deposit_version == (mine.tx_type == 0x7e) {
            let _ =
                write!(text, "\n  transaction {index}:\n  opal {}\n  peer {theirs}", mine.encode());
            break;
        }
    }
    for (index, executed) in outcome.transactions.iter().enumerate() {
        let Receipt { tx_type, success, .. } = outcome.receipts[index];
        let _ = write!(text, "\n  {index}: type {tx_type}, success {success}, {executed:?}");
    }
    accounts(&mut text, state, dump);
    panic!("{place}: opal and op-geth differ:{text}")
}

/// Adds the accounts that differ.
fn accounts(text: &mut String, state: &Memory, dump: &Value) {
    let theirs = dump["accounts"].as_object().unwrap();
    for (address, (account, slots)) in &state.accounts {
        let key = address.to_checksum(None);
        let their = theirs.get(&key).or_else(|| theirs.get(&key.to_lowercase()));
        let Some(their) = their else {
            let _ = write!(text, "\n  {address}: only opal has {account:?}");
            continue;
        };
        let balance: U256 = their["balance"].as_str().unwrap().parse().unwrap();
        let nonce = their["nonce"].as_u64().unwrap();
        let code_hash: B256 = their["codeHash"].as_str().unwrap().parse().unwrap();
        if (balance, nonce, code_hash) != (account.balance, account.nonce, account.code_hash) {
            let _ = write!(text, "\n  {address}: {account:?}, peer: {balance} {nonce} {code_hash}");
        }
        let root: B256 = their["root"].as_str().unwrap().parse().unwrap();
        if root != Memory::root_of(slots) {
            let _ = write!(text, "\n  {address}: storage {slots:?}, peer: {}", their["storage"]);
        }
    }
    for key in theirs.keys() {
        let known = key.parse::<Address>().is_ok_and(|it| state.accounts.contains_key(&it));
        if !known {
            let _ = write!(text, "\n  {key}: only op-geth has {}", theirs[key]);
        }
    }
}
