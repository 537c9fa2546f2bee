//! Transactions over JSON-RPC against a small node: signed, proved, sent, replaced, confirmed.
//!
//! **Invariant:** what the machine decides is tested beside it; here it is what goes over the wire.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "transactions/node.rs"]
mod node;

use alloy_primitives::{Address, B256, Bytes, U256};
use node::Node;
use opal_client::{
    Candidate, CellProofs, Rpc, RpcOptions, Signer, TransactionEvent, TransactionOptions,
    Transactions, kzg,
};
use std::{path::PathBuf, str::FromStr};

fn rpc(node: &Node) -> Rpc {
    let options = RpcOptions {
        backoff_ms: 1,
        max_backoff_ms: 2,
        max_attempts: 3,
        ..RpcOptions::new("L1", vec![node.url.clone()])
    };
    Rpc::new(options).unwrap()
}

fn transactions(node: &Node) -> Transactions {
    let options = TransactionOptions {
        confirmations: 2,
        resubmission_timeout_ms: 10_000,
        ..TransactionOptions::new(rpc(node), Signer::dev(0))
    };
    Transactions::new(options)
}

fn pay(wei: u64) -> Candidate {
    Candidate {
        to: Some(Address::repeat_byte(1)),
        data: Bytes::from_static(&[1, 2, 3]),
        value: U256::from(wei),
        blobs: Vec::new(),
        gas_limit: None,
    }
}

fn with_blob(wei: u64) -> Candidate {
    let mut blob = vec![0; kzg::BLOB_BYTES];
    blob[1] = wei as u8;
    Candidate { blobs: vec![blob.into()], ..pay(wei) }
}

/// The kinds of the events, in order.
fn kinds(events: &[TransactionEvent]) -> Vec<&'static str> {
    let kind = |event: &TransactionEvent| match event {
        TransactionEvent::Sent { .. } => "sent",
        TransactionEvent::Included { .. } => "included",
        TransactionEvent::Reorged { .. } => "reorged",
        TransactionEvent::Confirmed { .. } => "confirmed",
        TransactionEvent::Refused { .. } => "refused",
        TransactionEvent::Cancelled { .. } => "cancelled",
    };
    events.iter().map(kind).collect()
}

#[tokio::test]
async fn transactions_are_sent_and_confirmed_over_json_rpc() {
    let node = Node::start().await;
    let mut sender = transactions(&node);
    for wei in 1..=3 {
        sender.submit(pay(wei)).unwrap();
    }
    assert_eq!(kinds(&sender.tick(0).await.unwrap()), ["sent"; 3]);
    node.mine();
    assert_eq!(kinds(&sender.tick(1000).await.unwrap()), ["included"; 3]);
    node.mine();
    let events = sender.tick(2000).await.unwrap();
    assert_eq!(kinds(&events), ["confirmed"; 3]);
    let TransactionEvent::Confirmed { inclusion, .. } = &events[0] else { panic!() };
    assert!(inclusion.succeeded);
    assert_eq!((inclusion.block_number, inclusion.gas_used), (1, 21_000));
    assert_eq!(inclusion.logs[0].data.data, pay(1).data);
    assert_eq!(node.change(|it| node::values(it)), [1, 2, 3].map(U256::from));
    assert_eq!((sender.open(), sender.tick(3000).await.unwrap()), (0, Vec::new()));
}

#[tokio::test]
async fn lost_answers_send_nothing_twice() {
    let node = Node::start().await;
    let mut sender = transactions(&node);
    for wei in 1..=5 {
        sender.submit(pay(wei)).unwrap();
    }
    for round in 0..40 {
        node.change(|it| it.loses = round % 4);
        // A tick may fail as a whole; the next one goes on.
        drop(sender.tick(1000 * round as u64).await);
        if round % 3 == 2 {
            node.mine();
        }
    }
    assert_eq!(sender.open(), 0);
    assert_eq!(node.change(|it| node::values(it)), [1, 2, 3, 4, 5].map(U256::from));
}

#[tokio::test]
async fn what_would_revert_is_refused_and_what_reverts_is_confirmed_as_such() {
    let node = Node::start().await;
    let mut sender = transactions(&node);
    sender.submit(Candidate { data: Bytes::from_static(&[0xfd]), ..pay(1) }).unwrap();
    sender.submit(Candidate { data: Bytes::from_static(&[0xfe]), ..pay(2) }).unwrap();
    let events = sender.tick(0).await.unwrap();
    assert_eq!(kinds(&events), ["refused", "sent"]);
    let TransactionEvent::Refused { why, .. } = &events[0] else { panic!() };
    assert!(why.contains("execution reverted: no"), "{why}");
    node.mine();
    node.mine();
    let events = sender.tick(1000).await.unwrap();
    let Some(TransactionEvent::Confirmed { inclusion, .. }) = events.last() else { panic!() };
    assert!(!inclusion.succeeded);
}

#[tokio::test]
async fn a_reorg_and_a_forgetful_pool_are_survived() {
    let node = Node::start().await;
    let mut sender = transactions(&node);
    sender.submit(pay(1)).unwrap();
    sender.tick(0).await.unwrap();
    node.mine();
    assert_eq!(kinds(&sender.tick(1000).await.unwrap()), ["included"]);
    node.change(|it| it.drop_blocks(1));
    node.mine();
    assert_eq!(kinds(&sender.tick(2000).await.unwrap()), ["reorged"]);
    node.mine();
    node.mine();
    assert_eq!(kinds(&sender.tick(3000).await.unwrap()), ["included", "confirmed"]);
}

/// Blobs with the proofs that the chain wants, whether it tells or not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blobs_come_with_the_proofs_of_the_fork() {
    for (is_osaka, offers_config) in [(false, true), (true, true), (true, false)] {
        let node = Node::start().await;
        node.change(|it| (it.is_osaka, it.offers_config) = (is_osaka, offers_config));
        let mut sender = transactions(&node);
        sender.submit(with_blob(1)).unwrap();
        assert_eq!(kinds(&sender.tick(0).await.unwrap()), ["sent"], "{is_osaka} {offers_config}");
        sender.submit(pay(2)).unwrap();
        // The account's pool holds one kind at a time.
        assert_eq!(kinds(&sender.tick(1000).await.unwrap()), [""; 0]);
        assert!(sender.hindrance().is_some());
        node.mine();
        assert_eq!(kinds(&sender.tick(2000).await.unwrap()), ["included", "sent"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fork_time_decides_about_proofs_and_blobs_are_replaced_for_twice_the_fees() {
    let node = Node::start().await;
    let options = TransactionOptions {
        cell_proofs: CellProofs::From(1_000_000),
        resubmission_timeout_ms: 10_000,
        ..TransactionOptions::new(rpc(&node), Signer::dev(1))
    };
    let mut sender = Transactions::new(options);
    sender.submit(with_blob(1)).unwrap();
    sender.tick(0).await.unwrap();
    let id = sender.submit(with_blob(2)).unwrap();
    assert_eq!(kinds(&sender.tick(5_000).await.unwrap()), ["sent"]);
    assert_eq!(kinds(&sender.tick(12_000).await.unwrap()), ["sent"]);
    sender.cancel(id);
    sender.tick(13_000).await.unwrap();
    node.mine();
    assert_eq!(kinds(&sender.tick(14_000).await.unwrap()), ["included", "confirmed", "cancelled"]);
    assert_eq!(node.change(|it| node::values(it)), [1, 0].map(U256::from));
}

#[tokio::test]
async fn a_candidate_that_is_none_is_refused() {
    let node = Node::start().await;
    let mut sender = transactions(&node);
    sender.submit(Candidate { blobs: vec![Bytes::from_static(&[1])], ..pay(1) }).unwrap();
    sender.submit(Candidate { to: None, ..with_blob(1) }).unwrap();
    assert_eq!(kinds(&sender.tick(0).await.unwrap()), ["refused", "refused"]);
}

/// The file of a keystore, made by others' tools from a known key and password.
#[test]
fn a_keystore_file_opens_with_its_password() {
    let folder = PathBuf::from_str(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let file = folder.join("keystore.json");
    // The sample of the Web3 Secret Storage definition (PBKDF2).
    std::fs::write(&file, include_str!("transactions/keystore.json")).unwrap();
    let signer = Signer::from_keystore(&file, "testpassword").unwrap();
    let key: B256 =
        "0x7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d".parse().unwrap();
    assert_eq!(signer.address(), Signer::from_key(&key).unwrap().address());
    let error = Signer::from_keystore(&file, "other").unwrap_err().to_string();
    assert!(error.contains("keystore.json") && !error.contains("other"), "{error}");
}
