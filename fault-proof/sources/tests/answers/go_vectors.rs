//! The Go node's own samples: blocks with good and bad hashes, and answers of a beacon node.
//!
//! **Invariant:** a block that the Go node refuses is no fact here.

use super::{Endpoint, World, beacon, rpc};
use alloy_primitives::{B256, Bytes, FixedBytes};
use opal_client::kzg;
use opal_derive::{Fact, Request};
use opal_harness::Vectors;
use opal_sources::{SourceError, SourceRemedy, Sources, SourcesOptions};
use serde_json::Value;

const BLOCKS: &str = "optimism-2024-10/op-service/sources/testdata/data/blocks";
const BEACON: &str = "optimism-2024-10/op-service/eth/testdata";

/// Asks for the transactions of the block in the file, which the server gives whatever it is asked.
async fn read(block: Value) -> Result<Fact, SourceError> {
    let hash: B256 = serde_json::from_value(block["hash"].clone()).unwrap();
    let body = serde_json::json!({ "jsonrpc": "2.0", "id": 1, "result": block }).to_string();
    let answer = move || std::future::ready(body.clone());
    let router = axum::Router::new().fallback(answer);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    // The body's id is that of a first call, so it is not asked twice.
    let options = opal_client::RpcOptions {
        max_attempts: 1,
        ..opal_client::RpcOptions::new("L1", vec![url])
    };
    let l1 = opal_client::Rpc::new(options).unwrap();
    let sources = Sources::new(SourcesOptions::new(l1)).unwrap();
    let answer = sources.answer(&Request::L1Transactions { block: hash }).await;
    server.abort();
    answer
}

#[tokio::test]
async fn blocks_are_believed_as_the_go_node_believes_them() {
    let Some(vectors) = Vectors::for_test("sources::go_blocks") else { return };
    let files = vectors.files_like(&format!("{BLOCKS}/*_data.json"));
    assert_eq!(files.len(), 12);
    for file in files {
        let metadata: Value = vectors.json(&file.replace("_data.json", "_metadata.json"));
        let answer = read(vectors.json(&file)).await;
        match metadata["reason"].as_str() {
            None => {
                let Ok(Fact::L1Transactions(transactions)) = answer else { panic!("{answer:?}") };
                assert!(!transactions.is_empty());
            }
            Some(reason) => {
                let error = answer.expect_err(reason);
                assert_eq!(error.remedy(), SourceRemedy::Retry, "{file}: {error}");
                check_reason(&error.to_string(), reason);
            }
        }
    }
    vectors.finish();
}

/// The same complaint in our words.
#[track_caller]
fn check_reason(error: &str, reason: &str) {
    let ours = match reason {
        "failed to verify block hash" => "block hash is",
        "failed to verify transactions list" => "root of the transactions is",
        "failed to verify withdrawals list" => "root of the withdrawals is",
        "block tx 0 is nil" => "transaction cannot be read",
        "block withdrawal 0 is null" => "unexpected shape",
        other => panic!("{other}"),
    };
    assert!(error.contains(ours), "{reason}: {error}");
}

/// Blobs of a Goerli slot, addressed by the time that the genesis and spec files give it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_beacon_nodes_answers_are_understood() {
    let Some(vectors) = Vectors::for_test("sources::go_beacon") else { return };
    let genesis: Value = vectors.json(&format!("{BEACON}/eth_v1_beacon_genesis_goerli.json"));
    let spec: Value = vectors.json(&format!("{BEACON}/eth_v1_config_spec_goerli.json"));
    let file = format!("{BEACON}/eth_v1_beacon_blob_sidecars_7422094_goerli.json");
    let sidecars: Value = vectors.json(&file);
    let number = |value: &Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let genesis_time = number(&genesis["data"]["genesis_time"]);
    let seconds_per_slot = number(&spec["data"]["SECONDS_PER_SLOT"]);
    let list = sidecars["data"].as_array().unwrap();
    let blobs: Vec<Bytes> =
        list.iter().map(|it| serde_json::from_value(it["blob"].clone()).unwrap()).collect();
    let hashes: Vec<B256> = list
        .iter()
        .map(|it| serde_json::from_value::<FixedBytes<48>>(it["kzg_commitment"].clone()).unwrap())
        .map(|commitment| kzg::versioned_hash(&commitment))
        .collect();
    let world = World {
        genesis_time: Some(genesis_time),
        seconds_per_slot: Some(seconds_per_slot),
        blobs: [("7422094".to_owned(), blobs.clone())].into(),
        lacks: vec!["/eth/v1/beacon/blobs"],
        ..World::default()
    };
    let node = Endpoint::start(world).await;
    let options = SourcesOptions {
        beacon: Some(beacon(&[&node])),
        ..SourcesOptions::new(rpc("L1", &[&node]))
    };
    let timestamp = genesis_time + 7_422_094 * seconds_per_slot;
    let request = Request::Blobs { block: B256::ZERO, timestamp, hashes };
    let found = Sources::new(options).unwrap().answer(&request).await.unwrap();
    assert_eq!(found, Fact::Blobs(blobs));
    vectors.finish();
}
