//! The beacon API, with and without faults.

use crate::blobs::blob_transaction;
use crate::client::{Served, beacon, free, http, options};
use crate::world::{self, World, funded};
use alloy_primitives::{B256, Bytes};
use opal_engine::StoreLocation;
use opal_engine::beacon::{BeaconError, BeaconOptions, serve};
use opal_engine::faults::{BlobFault, Faults};
use serde_json::{Value, json};

const MEMORY: StoreLocation = StoreLocation::Memory;

/// Status and body of a GET.
async fn get(base: &str, path: &str) -> (u16, Value) {
    let answer = http().get(format!("{base}{path}")).send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or(Value::Null))
}

/// A block with three blobs, its slot of a second each, and their hashes.
fn with_blobs(world: &World, osaka: bool) -> (u64, Vec<B256>) {
    let [alice, ..] = funded();
    let (raw, hashes) = blob_transaction(&alice, 0, &[1, 2, 3], osaka);
    world.send(&raw);
    let built = world.grow();
    let genesis = world.engine.first_block().hash;
    let genesis = world.engine.header(genesis).unwrap().unwrap();
    (built.block.header.timestamp - genesis.timestamp, hashes)
}

#[tokio::test]
async fn what_a_rollup_asks_is_answered() {
    let world = world::l1(MEMORY, 0);
    let handle = beacon(&world, Faults::default(), 1).await;
    let base = format!("http://{}", handle.address());
    let (slot, hashes) = with_blobs(&world, true);
    let (_, genesis) = get(&base, "/eth/v1/beacon/genesis").await;
    assert_eq!(genesis["data"]["genesis_time"], json!("100"));
    let (_, spec) = get(&base, "/eth/v1/config/spec").await;
    assert_eq!(spec["data"]["SECONDS_PER_SLOT"], json!("1"));
    let (_, version) = get(&base, "/eth/v1/node/version").await;
    assert!(version["data"]["version"].as_str().unwrap().starts_with("opal/"));
    // Asked for by hash, in any order and number.
    for wanted in [vec![0, 1, 2], vec![2], vec![1, 0], vec![]] {
        let query: Vec<_> = wanted
            .iter()
            .map(|index: &usize| format!("versioned_hashes={}", hashes[*index]))
            .collect();
        let path = format!("/eth/v1/beacon/blobs/{slot}?{}", query.join("&"));
        let (status, answer) = get(&base, &path).await;
        assert_eq!(status, 200);
        let blobs: Vec<Bytes> = serde_json::from_value(answer["data"].clone()).unwrap();
        let mut fills: Vec<_> = blobs.iter().map(|blob| blob[0]).collect();
        fills.sort_unstable();
        let mut expected: Vec<_> = wanted.iter().map(|index| *index as u8 + 1).collect();
        if expected.is_empty() {
            expected = vec![1, 2, 3];
        }
        expected.sort_unstable();
        assert_eq!(fills, expected);
        assert!(blobs.iter().all(|blob| blob.len() == 131_072));
    }
    let list = format!("/eth/v1/beacon/blobs/head?versioned_hashes={},{}", hashes[0], hashes[1]);
    let (_, answer) = get(&base, &list).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
    handle.stop().await;
}

#[tokio::test]
async fn sidecars_have_commitments_and_one_proof_each() {
    for osaka in [false, true] {
        let world = world::l1(MEMORY, if osaka { 0 } else { u64::MAX });
        let handle = beacon(&world, Faults::default(), 1).await;
        let base = format!("http://{}", handle.address());
        let (slot, hashes) = with_blobs(&world, osaka);
        let (_, answer) = get(&base, &format!("/eth/v1/beacon/blob_sidecars/{slot}")).await;
        let sidecars = answer["data"].as_array().unwrap();
        assert_eq!(sidecars.len(), 3);
        for (index, sidecar) in sidecars.iter().enumerate() {
            assert_eq!(sidecar["index"], json!(index.to_string()));
            let commitment: Bytes =
                serde_json::from_value(sidecar["kzg_commitment"].clone()).unwrap();
            let hash = alloy_eips::eip4844::kzg_to_versioned_hash(&commitment);
            assert_eq!(hash, hashes[index]);
            let blob: Bytes = serde_json::from_value(sidecar["blob"].clone()).unwrap();
            let proof: Bytes = serde_json::from_value(sidecar["kzg_proof"].clone()).unwrap();
            let settings = c_kzg::ethereum_kzg_settings(0);
            let is_valid = settings.verify_blob_kzg_proof(
                &c_kzg::Blob::from_bytes(&blob).unwrap(),
                &c_kzg::Bytes48::from_bytes(&commitment).unwrap(),
                &c_kzg::Bytes48::from_bytes(&proof).unwrap(),
            );
            assert!(is_valid.unwrap(), "osaka {osaka}, blob {index}");
            let header = &sidecar["signed_block_header"]["message"];
            assert_eq!(header["slot"], json!(slot.to_string()));
        }
        let path = format!("/eth/v1/beacon/blob_sidecars/{slot}?indices=2&indices=0");
        let (_, answer) = get(&base, &path).await;
        let indexes: Vec<_> =
            answer["data"].as_array().unwrap().iter().map(|it| it["index"].clone()).collect();
        assert_eq!(indexes, [json!("0"), json!("2")]);
    }
}

#[tokio::test]
async fn slots_without_a_block_are_not_found() {
    let world = world::l1(MEMORY, 0);
    let handle = beacon(&world, Faults::default(), 1).await;
    let base = format!("http://{}", handle.address());
    let (slot, _) = with_blobs(&world, true);
    for path in ["blobs", "blob_sidecars", "headers"] {
        for id in [(slot + 1).to_string(), (slot - 1).to_string(), format!("{:#x}", B256::ZERO)] {
            let (status, answer) = get(&base, &format!("/eth/v1/beacon/{path}/{id}")).await;
            assert_eq!((status, &answer["code"]), (404, &json!(404)), "{path} {id}");
        }
        let (status, _) = get(&base, &format!("/eth/v1/beacon/{path}/nonsense")).await;
        assert_eq!(status, 400, "{path}");
    }
    let (status, _) =
        get(&base, &format!("/eth/v1/beacon/blobs/{slot}?versioned_hashes=0x12")).await;
    assert_eq!(status, 400);
    // An empty block has no blobs, which is an answer.
    world.grow();
    let (status, answer) = get(&base, "/eth/v1/beacon/blobs/head").await;
    assert_eq!((status, &answer["data"]), (200, &json!([])));
}

#[tokio::test]
async fn headers_follow_the_chain_and_its_labels() {
    let world = world::l1(MEMORY, 0);
    let handle = beacon(&world, Faults::default(), 1).await;
    let base = format!("http://{}", handle.address());
    let built = world.grow();
    let hash = built.block.header.hash();
    for id in ["head", "2", &hash.to_string()] {
        let (_, answer) = get(&base, &format!("/eth/v1/beacon/headers/{id}")).await;
        assert_eq!(answer["data"]["root"], json!(hash), "{id}");
        assert_eq!(answer["data"]["header"]["message"]["slot"], json!("2"), "{id}");
        assert_eq!(answer["finalized"], json!(false), "{id}");
    }
    let (status, _) = get(&base, "/eth/v1/beacon/headers/finalized").await;
    assert_eq!(status, 404);
    let state = opal_engine::Forkchoice { head: hash, safe: hash, finalized: hash };
    world.engine.forkchoice(state).unwrap();
    let (_, answer) = get(&base, "/eth/v1/beacon/headers/finalized").await;
    assert_eq!((&answer["data"]["root"], &answer["finalized"]), (&json!(hash), &json!(true)));
    let (_, answer) = get(&base, "/eth/v1/beacon/headers").await;
    assert_eq!(answer["data"][0]["root"], json!(hash));
}

#[tokio::test]
async fn longer_slots_hold_several_blocks() {
    let world = world::l1(MEMORY, 0);
    let handle = beacon(&world, Faults::default(), 12).await;
    let base = format!("http://{}", handle.address());
    let (_, hashes) = with_blobs(&world, true);
    world.grow();
    let path = format!("/eth/v1/beacon/blobs/0?versioned_hashes={}", hashes[1]);
    let (_, answer) = get(&base, &path).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    let options = BeaconOptions { address: free(), seconds_per_slot: 0, faults: Faults::default() };
    let refused = serve(world.engine.clone(), options).await;
    assert!(matches!(refused, Err(BeaconError::NoSeconds)));
}

#[tokio::test]
async fn faults_hide_blobs_and_refuse_requests() {
    let world = world::l1(MEMORY, 0);
    let faults = Faults::default();
    let handle = beacon(&world, faults.clone(), 1).await;
    let base = format!("http://{}", handle.address());
    let (slot, _) = with_blobs(&world, true);
    let path = format!("/eth/v1/beacon/blobs/{slot}");
    faults.spoil_blobs(slot, BlobFault::Hidden);
    assert_eq!(get(&base, &path).await.0, 404);
    faults.spoil_blobs(slot, BlobFault::OnlyFirst(1));
    let (_, answer) = get(&base, &path).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 1);
    faults.mend_blobs(slot);
    let (_, answer) = get(&base, &path).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
    faults.refuse(2, 3);
    for _ in 0..2 {
        let answer = http().get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), 429);
        assert_eq!(answer.headers()["retry-after"], "3");
    }
    assert_eq!(get(&base, &path).await.0, 200);
    faults.stall(1, 300);
    let start = std::time::Instant::now();
    assert_eq!(get(&base, &path).await.0, 200);
    assert!(start.elapsed().as_millis() >= 300);
}

#[tokio::test]
async fn faults_stand_before_json_rpc_too() {
    let faults = Faults::default();
    let mut options = options();
    options.faults = Some(faults.clone());
    let served = Served::with(world::l1(MEMORY, 0), options).await;
    faults.refuse(1, 9);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": [] });
    let answer = served.post(served.url(), &body).await;
    assert_eq!(answer.status().as_u16(), 429);
    assert_eq!(answer.headers()["retry-after"], "9");
    assert_eq!(served.ok("eth_chainId", json!([])).await, json!("0x384"));
}

#[tokio::test]
async fn blobs_of_the_pool_are_handed_on_by_the_engine_api() {
    for osaka in [false, true] {
        let world = world::l1(MEMORY, if osaka { 0 } else { u64::MAX });
        let served = Served::new(world).await;
        let [alice, ..] = funded();
        let (raw, hashes) = blob_transaction(&alice, 0, &[1, 2], osaka);
        let sent = served.ok("eth_sendRawTransaction", json!([raw])).await;
        let waiting = served.ok("eth_getTransactionByHash", json!([sent])).await;
        assert_eq!(waiting["blobVersionedHashes"], json!(hashes));
        served.world.grow();
        let receipt = served.ok("eth_getTransactionReceipt", json!([sent])).await;
        assert_eq!(receipt["blobGasUsed"], json!("0x40000"));
        assert_eq!(receipt["blobGasPrice"], json!("0x1"));
        assert_eq!(receipt["type"], json!("0x3"));
    }
}
