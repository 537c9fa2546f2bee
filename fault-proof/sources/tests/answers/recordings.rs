//! Whole recordings over HTTP: the facts are the recorded ones, and what is derived from them is the recorded chain.

use super::{Endpoint, Served, World, beacon, rpc};
use alloy_primitives::{B256, Bytes};
use opal_derive::{Begin, Derivation, EngineHeads, Fact, Request, Step};
use opal_execute::RevmCrypto;
use opal_harness::Vectors;
use opal_host::{Archive, Recording};
use opal_sources::{Sources, SourcesOptions};
use opal_types::BlockId;

/// Folders; in one of them L1 had reorgs, of which the last head's chain is what counts.
const RECORDINGS: [&str; 7] = [
    "a-allforks-singular-calldata",
    "b-span-blobs-brotli",
    "d-window-expiry",
    "e-small-frames",
    "g-l1-reorg",
    "h-inject-holocene",
    "i-genesis-jovian-l1-blob-schedule",
];

/// The chain that ends in the last head.
fn canonical(recording: &Recording) -> Vec<B256> {
    let mut chain: Vec<_> = recording.l1_heads.last().copied().into_iter().collect();
    while let Some(block) = chain.last().and_then(|hash| recording.l1_block(*hash)) {
        let parent = block.header.parent_hash;
        if recording.l1_block(parent).is_none() {
            break;
        }
        chain.push(parent);
    }
    chain.reverse();
    chain
}

/// L1 and its blobs, each under its slot.
fn l1_world(recording: &Recording) -> World {
    let mut world = World { seconds_per_slot: Some(1), ..World::default() };
    for hash in canonical(recording) {
        let block = recording.l1_block(hash).unwrap();
        let receipts = block.receipts.as_deref().unwrap();
        let served = Served::l1(&block.header_rlp, &block.transactions, receipts);
        let genesis_time = *world.genesis_time.get_or_insert(served.timestamp);
        let blobs: Vec<_> = blob_hashes(&block.transactions)
            .into_iter()
            .filter_map(|hash| recording.blob(hash).unwrap().cloned())
            .collect();
        world.blobs.insert((served.timestamp - genesis_time).to_string(), blobs);
        world.add(served);
    }
    world
}

fn blob_hashes(transactions: &[Bytes]) -> Vec<B256> {
    use alloy_consensus::{Transaction, TxEnvelope};
    use alloy_eips::Decodable2718;
    let decode = |raw: &Bytes| TxEnvelope::decode_2718(&mut raw.as_ref()).unwrap();
    let hashes = |it: TxEnvelope| it.blob_versioned_hashes().unwrap_or_default().to_vec();
    transactions.iter().map(decode).flat_map(hashes).collect()
}

fn l2_world(recording: &Recording) -> World {
    let mut world = World::default();
    for block in recording.l2.values() {
        let header = alloy_rlp::encode(block.header.inner()).into();
        world.add(Served::l2(&header, &block.transactions, &block.receipts));
    }
    world
}

/// Every fact about L1 is the recorded one.
async fn check_l1(sources: &Sources, recording: &Recording) {
    for hash in canonical(recording) {
        let block = recording.l1_block(hash).unwrap();
        let number = block.header.number;
        let header = sources.answer(&Request::L1Header { number }).await.unwrap();
        assert_eq!(header, Fact::L1Header(Some(block.header.clone())));
        let transactions = sources.answer(&Request::L1Transactions { block: hash }).await.unwrap();
        assert_eq!(transactions, Fact::L1Transactions(block.transactions.clone()));
        let receipts = sources.answer(&Request::L1Receipts { block: hash }).await.unwrap();
        assert_eq!(receipts, Fact::L1Receipts(block.receipts.clone().unwrap()));
        let hashes = blob_hashes(&block.transactions);
        let wanted: Option<Vec<_>> =
            hashes.iter().map(|hash| recording.blob(*hash).unwrap().cloned()).collect();
        if let Some(wanted) = wanted {
            let timestamp = block.header.timestamp;
            let request = Request::Blobs { block: hash, timestamp, hashes };
            assert_eq!(sources.answer(&request).await.unwrap(), Fact::Blobs(wanted));
        }
    }
}

/// Every fact about L2 is the recorded one.
async fn check_l2(sources: &Sources, recording: &Recording) {
    let last = recording.l2.values().next_back().unwrap().header.hash();
    for (number, block) in &recording.l2 {
        let hash = block.header.hash();
        let request = Request::L2Ancestor { descendant: last, number: *number };
        let Fact::L2Ancestor(ancestor) = sources.answer(&request).await.unwrap() else { panic!() };
        assert_eq!(ancestor.header, block.header);
        assert_eq!(ancestor.first_transaction.as_ref(), block.transactions.first());
        let found = sources.answer(&Request::L2Block { hash }).await.unwrap();
        assert_eq!(found, Fact::L2Block(ancestor));
        let found = sources.answer(&Request::L2Transactions { block: hash }).await.unwrap();
        assert_eq!(found, Fact::L2Transactions(block.transactions.clone()));
        if block.header.requests_hash.is_some() {
            let output = sources.output_root(hash).await.unwrap();
            assert_eq!(output.hash(), block.output_root, "{number}");
        }
    }
}

/// Derives over HTTP up to the end of L1.
async fn derive(sources: &Sources, recording: &Recording) -> (Archive, BlockId) {
    let mut archive = Archive::new(recording.config.clone(), &recording.genesis).unwrap();
    let first = archive.block(archive.head().hash()).unwrap().l2_block();
    let heads = EngineHeads { unsafe_head: first.clone(), safe: first.clone(), finalized: first };
    let (config, l1) = (recording.config.clone(), recording.l1_config.clone());
    let begin = Begin::Heads(Box::new(heads));
    let mut derivation = Derivation::new(config, l1, &begin).unwrap();
    loop {
        match derivation.step().unwrap() {
            Step::Need(request) => {
                let fact = match &request {
                    Request::L2Block { hash } => {
                        Fact::L2Block(archive.block(*hash).unwrap().l2_block())
                    }
                    Request::L2Ancestor { descendant, number } => {
                        let block = archive.ancestor(*descendant, *number).unwrap();
                        Fact::L2Ancestor(block.l2_block())
                    }
                    Request::L2Transactions { block } => {
                        Fact::L2Transactions(archive.transactions(*block).unwrap().to_vec())
                    }
                    _ => sources.answer(&request).await.unwrap(),
                };
                derivation.supply(&request, fact).unwrap();
            }
            Step::Started(_) => (),
            Step::Ready(derived) => {
                assert!(archive.rewind(derived.parent.hash));
                match archive.execute(&derived.attributes, &mut RevmCrypto) {
                    Ok(block) => drop(derivation.accept(&block.l2_block()).unwrap()),
                    Err(_) => derivation.refuse().unwrap(),
                }
            }
            Step::Idle => break,
        }
    }
    (archive, derivation.safe_head().id())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recorded_chains_come_over_http_as_they_were_recorded() {
    let Some(vectors) = Vectors::for_test("sources::recordings") else { return };
    for folder in RECORDINGS {
        for file in vectors.files_like(&format!("derivation/{folder}/*")) {
            vectors.path(&file);
        }
        let path = vectors.path(&format!("derivation/{folder}/rollup.json"));
        let recording = Recording::open(path.parent().unwrap()).unwrap();
        let l1 = Endpoint::start(l1_world(&recording)).await;
        let l2 = Endpoint::start(l2_world(&recording)).await;
        let options = SourcesOptions {
            beacon: Some(beacon(&[&l1])),
            l2: Some(rpc("L2", &[&l2])),
            watched: vec![recording.config.deposit_contract, recording.config.l1_system_config],
            ..SourcesOptions::new(rpc("L1", &[&l1]))
        };
        let sources = Sources::new(options).unwrap();
        check_l1(&sources, &recording).await;
        check_l2(&sources, &recording).await;
        let (archive, safe) = derive(&sources.clone(), &recording).await;
        let wanted = recording.l2.values().next_back().unwrap().header.hash();
        assert_eq!((safe.hash, archive.head().hash()), (wanted, wanted), "{folder}");
    }
    vectors.finish();
}
