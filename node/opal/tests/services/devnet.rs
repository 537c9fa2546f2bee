//! `opal devnet` as its users meet it: a process with ports, that is ready, answers, and stops when told to.
//!
//! **Invariant:** nothing is waited for without a bound.

use crate::process::{self, Service};
use alloy_primitives::U64;
use serde_json::Value;

const FREE_PORTS: [&str; 10] = [
    "--l1.port",
    "0",
    "--l2.starting.port",
    "0",
    "--beacon.port",
    "0",
    "--rollup.starting.port",
    "0",
    "--admin.port",
    "0",
];

fn devnet(more: &[&str]) -> Service {
    let arguments = [&["devnet", "--json"], &FREE_PORTS[..], more].concat();
    Service::start(&arguments)
}

#[test]
fn every_endpoint_of_the_ready_object_answers() {
    let devnet = devnet(&[]);
    let ready = devnet.ready();
    assert_eq!(devnet.call::<U64>(&ready["l1"]["rpc"], "eth_chainId", ()), U64::from(900));
    for (chain, id) in ready["chains"].as_array().unwrap().iter().zip([901, 902]) {
        assert_eq!(devnet.call::<U64>(&chain["rpc"], "eth_chainId", ()), U64::from(id));
        let config: Value = devnet.call(&chain["rollup"], "optimism_rollupConfig", ());
        assert_eq!(config["l2_chain_id"], id);
    }
    let config: Value = devnet.call(&ready["admin"], "admin_getConfig", ());
    assert_eq!(config["L2Configs"][1]["ChainID"], 902);
    assert_eq!(ready["accounts"].as_array().unwrap().len(), 10);
}

#[test]
fn a_virtual_clock_stands_still_until_it_is_told_to_go_on() {
    let devnet =
        devnet(&["--clock", "virtual", "--chains", "1", "--data-availability", "calldata"]);
    let ready = devnet.ready();
    let rpc = &ready["chains"][0]["rpc"];
    let head = || devnet.call::<U64>(rpc, "eth_blockNumber", ());
    let before = head();
    let _: Value = devnet.call(&ready["admin"], "opal_advance", [60]);
    assert_eq!(head(), before + U64::from(30));
}

#[test]
fn it_stops_within_a_second_of_sigterm() {
    let devnet = devnet(&[]);
    devnet.ready();
    let (status, elapsed_ms) = devnet.terminate();
    assert!(status.success(), "{status}");
    assert!(elapsed_ms < 1_000, "{elapsed_ms} ms");
}

#[test]
fn options_that_do_not_fit_together_are_wrong_usage() {
    for wrong in [
        &["devnet", "--chains", "9"][..],
        &["devnet", "--clock", "virtual", "--l1", "http://127.0.0.1:1"],
        &["devnet", "--fork-at", "jupiter=+20"],
        &["devnet", "--fork-at", "jovian=20"],
        &["devnet", "--interop.autorelay"],
    ] {
        let output = process::opal(wrong).output().unwrap();
        assert_eq!(output.status.code(), Some(64), "{wrong:?}");
    }
}
