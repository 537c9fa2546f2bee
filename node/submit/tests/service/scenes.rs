//! What a batcher lives through.

use crate::bench::{Bench, CHANNELS};
use opal_submit::{
    Activity, BatchKind, ChannelOptions, DaLimits, DataAvailability, Throttling, serve_admin,
};
use serde_json::{Value, json};

#[tokio::test]
async fn blocks_go_out_in_call_data_and_become_safe() {
    let mut bench = Bench::new(CHANNELS).await;
    for _ in 0..12 {
        bench.round(2, 300).await;
    }
    bench.settle().await;
    let status = bench.handle.status();
    assert_eq!(status.activity, Activity::Running);
    assert_eq!(status.restarts, 0, "{status:#?}");
    let (blobs, calldata) = bench.nodes.with(|chains| chains.carriers());
    assert!(blobs == 0 && calldata > 10, "{calldata}");
}

#[tokio::test]
async fn blocks_go_out_in_blobs_and_become_safe() {
    for kind in [BatchKind::Singular, BatchKind::Span] {
        let data_availability = DataAvailability::Blobs;
        let mut bench = Bench::new(ChannelOptions { kind, data_availability, ..CHANNELS }).await;
        for _ in 0..3 {
            bench.round(3, 30_000).await;
        }
        bench.settle().await;
        assert_eq!(bench.handle.status().restarts, 0);
        let (blobs, calldata) = bench.nodes.with(|chains| chains.carriers());
        assert!(blobs > 0 && calldata == 0);
    }
}

#[tokio::test]
async fn cheap_blobs_are_taken_where_the_price_decides() {
    let channels = ChannelOptions { data_availability: DataAvailability::Auto, ..CHANNELS };
    let mut bench = Bench::new(channels).await;
    bench.round(1, 300).await;
    bench.settle().await;
    assert_eq!(bench.nodes.with(|chains| chains.carriers().1), 0);
}

#[tokio::test]
async fn an_l1_reorg_that_loses_batches_is_made_good() {
    let mut bench = Bench::new(CHANNELS).await;
    for _ in 0..6 {
        bench.round(2, 300).await;
    }
    for depth in [1, 4, 6] {
        bench.nodes.with(|chains| chains.drop_l1(depth));
        for _ in 0..3 {
            bench.round(1, 300).await;
        }
    }
    bench.settle().await;
}

#[tokio::test]
async fn an_l2_reorg_starts_again_from_the_safe_head() {
    let mut bench = Bench::new(CHANNELS).await;
    for _ in 0..4 {
        bench.round(1, 300).await;
    }
    bench.settle().await;
    bench.nodes.with(|chains| chains.is_stalled = true);
    bench.round(1, 300).await;
    bench.nodes.with(|chains| {
        chains.is_stalled = false;
        let safe = chains.safe();
        chains.l2.truncate(safe + 1);
    });
    for _ in 0..3 {
        bench.round(1, 300).await;
    }
    bench.settle().await;
    let status = bench.handle.status();
    assert!(status.restarts > 0, "{status:#?}");
}

#[tokio::test]
async fn a_new_batcher_waits_for_what_an_old_one_sent() {
    let mut bench = Bench::new(CHANNELS).await;
    bench.round(1, 300).await;
    bench.settle().await;
    bench.nodes.with(|chains| chains.is_stalled = true);
    bench.round(1, 300).await;
    bench.look(2).await;
    let pooled = bench.nodes.with(|chains| chains.pool.len());
    assert!(pooled > 0, "{:#?}", bench.handle.status());
    bench.replace_batcher(CHANNELS);
    bench.look(4).await;
    assert_eq!(bench.nodes.with(|chains| chains.pool.len()), pooled, "nothing is sent twice");
    let waits_for = bench.handle.status().waits_for.unwrap();
    assert_eq!(waits_for, "transactions of this account to be included");
    bench.nodes.with(|chains| chains.is_stalled = false);
    bench.round(1, 300).await;
    bench.settle().await;
    assert_eq!(bench.handle.status().restarts, 0);
}

#[tokio::test]
async fn stuck_transactions_of_an_old_batcher_do_not_stop_a_new_one() {
    let mut bench = Bench::new(CHANNELS).await;
    bench.round(1, 300).await;
    bench.settle().await;
    bench.nodes.with(|chains| chains.is_stalled = true);
    bench.round(1, 300).await;
    bench.look(2).await;
    assert!(bench.nodes.with(|chains| !chains.pool.is_empty()));
    bench.replace_batcher(CHANNELS);
    // Twice the resubmission timeout.
    bench.look(25).await;
    assert_eq!(bench.handle.status().waits_for, None);
    bench.nodes.with(|chains| chains.is_stalled = false);
    bench.settle().await;
}

#[tokio::test]
async fn nodes_that_fail_for_a_while_are_waited_for() {
    let mut bench = Bench::new(CHANNELS).await;
    bench.round(1, 300).await;
    for fails in [1, 2, 3, 5, 8, 13] {
        bench.nodes.with(|chains| chains.fails = fails);
        bench.round(1, 300).await;
    }
    bench.settle().await;
    assert_eq!(bench.handle.status().last_error, None);
}

#[tokio::test]
async fn the_sequencer_is_slowed_down_while_l1_takes_nothing() {
    let mut bench = Bench::new(CHANNELS).await;
    bench.round(1, 300).await;
    bench.settle().await;
    let told = |bench: &Bench| bench.nodes.with(|chains| chains.da_limits.clone().unwrap());
    assert_eq!(told(&bench), [(0, 130_000)]);
    bench.nodes.with(|chains| chains.is_stalled = true);
    for _ in 0..4 {
        bench.round(4, 2_000).await;
    }
    assert_eq!(told(&bench).last(), Some(&(300, 2_000)));
    let limits = DaLimits { tx_size: 300, block_size: 2_000 };
    assert_eq!(bench.handle.status().throttling, Throttling::Limits(limits));
    bench.nodes.with(|chains| chains.is_stalled = false);
    bench.settle().await;
    bench.look(2).await;
    assert_eq!(told(&bench).last(), Some(&(0, 130_000)));
    bench.handle.stop();
    bench.until("it has stopped", |it| it.handle.status().activity == Activity::Stopped).await;
    assert_eq!(told(&bench).last(), Some(&(0, 0)), "a stopped batcher leaves no limits");
}

#[tokio::test]
async fn a_sequencer_that_cannot_be_slowed_down_is_batched_for_all_the_same() {
    let mut bench = Bench::new(CHANNELS).await;
    bench.nodes.with(|chains| chains.da_limits = None);
    for _ in 0..3 {
        bench.round(4, 2_000).await;
    }
    assert_eq!(bench.handle.status().throttling, Throttling::NotOffered);
    bench.settle().await;
}

#[tokio::test]
async fn a_batcher_that_is_stopped_sends_what_it_has_and_starts_again_where_it_was() {
    let channels = ChannelOptions { max_channel_duration: 0, ..CHANNELS };
    let mut bench = Bench::new(channels).await;
    bench.round(1, 20).await;
    bench.look(5).await;
    assert_eq!(bench.nodes.with(|chains| chains.safe()), 0, "the channel is not full");
    bench.handle.stop();
    bench.until("it has stopped", |it| it.handle.status().activity == Activity::Stopped).await;
    bench.settle().await;
    bench.round(1, 20).await;
    bench.look(5).await;
    let safe = bench.nodes.with(|chains| chains.safe());
    assert!(safe + 1 < bench.nodes.with(|chains| chains.l2.len()));
    bench.handle.start();
    bench.look(2).await;
    bench.handle.flush();
    bench.settle().await;
}

#[tokio::test]
async fn admin_methods_start_flush_and_stop() {
    let channels = ChannelOptions { max_channel_duration: 0, ..CHANNELS };
    let mut bench = Bench::new(channels).await;
    bench.round(1, 20).await;
    let address = "127.0.0.1:0".parse().unwrap();
    let (address, server) = serve_admin(bench.handle.clone(), address).await.unwrap();
    let rpc =
        opal_client::RpcOptions::new("batcher", vec![format!("http://{address}").parse().unwrap()]);
    let rpc = opal_client::Rpc::new(rpc).unwrap();
    let again = rpc.call::<Value>("admin_startBatcher", ()).await.unwrap_err();
    assert!(again.to_string().contains("the batcher is running already"), "{again}");
    assert_eq!(rpc.call::<Value>("admin_flushBatcher", ()).await.unwrap(), json!(null));
    bench.settle().await;
    let stopping = tokio::spawn({
        let rpc = rpc.clone();
        async move { rpc.call::<Value>("admin_stopBatcher", ()).await }
    });
    bench.until("it has stopped", |it| it.handle.status().activity == Activity::Stopped).await;
    assert_eq!(stopping.await.unwrap().unwrap(), json!(null));
    let twice = rpc.call::<Value>("admin_stopBatcher", ()).await.unwrap_err();
    assert!(twice.to_string().contains("the batcher is not running"), "{twice}");
    assert_eq!(rpc.call::<Value>("admin_startBatcher", ()).await.unwrap(), json!(null));
    bench.look(1).await;
    assert_eq!(bench.handle.status().activity, Activity::Running);
    server.stop().unwrap();
}
