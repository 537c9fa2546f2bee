//! The rollup RPC as clients call it.

use crate::{
    l1::TestL1,
    node::{Chain, Node, NodeOptions},
    recorded::{DEPTHS, open},
};
use opal_client::{Rest, RestOptions, Rpc, RpcError, RpcOptions};
use opal_driver::{OutputAtBlock, RollupRpc, SafeHeadAtL1, SyncStatus, serve_rollup_rpc};
use serde_json::Value;

async fn serve(node: &Node, admin: bool) -> (RollupRpc, Rpc) {
    let address = "127.0.0.1:0".parse().unwrap();
    let server = serve_rollup_rpc(node.handle.clone(), address, admin).await.unwrap();
    let url = format!("http://{}/", server.address).parse().unwrap();
    let options = RpcOptions { max_attempts: 1, ..RpcOptions::new("rollup", vec![url]) };
    (server, Rpc::new(options).unwrap())
}

fn text(error: RpcError) -> String {
    error.to_string()
}

#[tokio::test]
async fn status_outputs_and_safe_heads_are_served() {
    let Some(recording) = open("e-small-frames", "driver::rollup_rpc") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    let chain = Chain::of(&recording);
    let mut node = Node::new(&chain, &l1, NodeOptions::follower());
    l1.move_to(&recording, *recording.l1_heads.last().unwrap());
    node.settle().await;
    let (server, rpc) = serve(&node, false).await;

    let status: SyncStatus = rpc.call("optimism_syncStatus", ()).await.unwrap();
    assert_eq!(status, node.handle.sync_status());
    let config: Value = rpc.call("optimism_rollupConfig", ()).await.unwrap();
    assert_eq!(config["l2_chain_id"], chain.config.l2_chain_id);
    let version: String = rpc.call("optimism_version", ()).await.unwrap();
    assert!(version.starts_with("opal/"));
    let number = status.safe_l2.number;
    let output: OutputAtBlock =
        rpc.call("optimism_outputAtBlock", [format!("{number:#x}")]).await.unwrap();
    assert_eq!(output.output_root, recording.l2[&number].output_root);
    assert_eq!(output.block_ref, status.safe_l2);
    assert_eq!(output.sync_status, status);
    let last = recording.safe.last_key_value().unwrap();
    let safe: SafeHeadAtL1 =
        rpc.call("optimism_safeHeadAtL1Block", [format!("{:#x}", last.0)]).await.unwrap();
    let (l1_block, safe_head) = last.1.unwrap();
    assert_eq!(safe, SafeHeadAtL1 { l1_block: l1_block.into(), safe_head: safe_head.into() });

    let unknown = rpc.call::<Value>("optimism_outputAtBlock", ["0xffffff"]).await.unwrap_err();
    let wanted =
        "failed to determine L2BlockRef of height 16777215, could not get payload: not found";
    assert!(text(unknown).contains(wanted));
    let closed = rpc.call::<Value>("admin_sequencerActive", ()).await.unwrap_err();
    assert!(text(closed).to_lowercase().contains("method not found"));
    let rest = format!("http://{}", server.address).parse().unwrap();
    let rest = Rest::new(RestOptions::new("rollup", vec![rest])).unwrap();
    let health: Option<Value> = rest.get(0, "/healthz").await.unwrap();
    assert_eq!(health.unwrap()["version"], version.as_str());
    server.stop().await;
}

/// Pitfall 1: op-node opens its RPC only after L1 has answered.
#[tokio::test]
async fn the_rpc_is_open_while_l1_is_down() {
    let Some(recording) = open("e-small-frames", "driver::rollup_rpc") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    l1.take_down(true);
    let mut node = Node::new(&Chain::of(&recording), &l1, NodeOptions::follower());
    let (server, rpc) = serve(&node, false).await;
    let status: SyncStatus = rpc.call("optimism_syncStatus", ()).await.unwrap();
    assert_eq!(status, SyncStatus::default());
    node.settle().await;
    let status: SyncStatus = rpc.call("optimism_syncStatus", ()).await.unwrap();
    assert_eq!(status.unsafe_l2.hash, recording.config.genesis.l2.hash);
    let nothing = rpc.call::<Value>("optimism_safeHeadAtL1Block", ["0x1"]).await.unwrap_err();
    assert!(text(nothing).contains("not found"));
    server.stop().await;
}

#[tokio::test]
async fn admin_methods_are_there_when_they_are_opened() {
    let Some(recording) = open("e-small-frames", "driver::rollup_rpc") else { return };
    let l1 = TestL1::serve(DEPTHS.0, DEPTHS.1).await;
    l1.move_to(&recording, recording.l1_heads[0]);
    let mut node = Node::new(&Chain::of(&recording), &l1, NodeOptions::sequencer());
    node.settle().await;
    let (server, rpc) = serve(&node, true).await;
    assert!(rpc.call::<bool>("admin_sequencerActive", ()).await.unwrap());
    let stop = async { rpc.call::<String>("admin_stopSequencer", ()).await.unwrap() };
    let ticks = async {
        while node.handle.is_sequencing() {
            node.driver.tick(node.now_ms).await;
            tokio::task::yield_now().await;
        }
    };
    let (head, ()) = tokio::join!(stop, ticks);
    assert_eq!(head, node.handle.sync_status().unsafe_l2.hash.to_string());
    assert!(!rpc.call::<bool>("admin_sequencerActive", ()).await.unwrap());
    server.stop().await;
}
