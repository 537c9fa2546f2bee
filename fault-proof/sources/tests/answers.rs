//! Every request answered from recorded chains over HTTP, and what happens when endpoints stumble or lie.
//!
//! Start with `recordings`: opal derives whole chains through it.
//!
//! **Invariant:** expected facts are the recording's own bytes.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "answers/endpoint.rs"]
mod endpoint;
#[path = "answers/faults.rs"]
mod faults;
#[path = "answers/go_vectors.rs"]
mod go_vectors;
#[path = "answers/recordings.rs"]
mod recordings;

use endpoint::{Endpoint, Served, World};
use opal_client::{RestOptions, Rpc, RpcOptions};
use opal_sources::{BeaconOptions, Sources, SourcesOptions};

/// Patience for tests.
fn rpc(name: &str, endpoints: &[&Endpoint]) -> Rpc {
    let urls = endpoints.iter().map(|it| it.url.clone()).collect();
    let options = RpcOptions {
        backoff_ms: 2,
        max_backoff_ms: 10,
        max_attempts: 6,
        ..RpcOptions::new(name, urls)
    };
    Rpc::new(options).unwrap()
}

fn beacon(endpoints: &[&Endpoint]) -> BeaconOptions {
    let urls: Vec<_> = endpoints.iter().map(|it| it.url.clone()).collect();
    let rest = RestOptions {
        backoff_ms: 2,
        max_backoff_ms: 10,
        max_attempts: 2,
        ..RestOptions::new("beacon", urls.clone())
    };
    BeaconOptions { rest, ..BeaconOptions::new(urls) }
}

/// L1 and blobs from the same servers.
fn sources(endpoints: &[&Endpoint]) -> Sources {
    let options = SourcesOptions {
        beacon: Some(beacon(endpoints)),
        ..SourcesOptions::new(rpc("L1", endpoints))
    };
    Sources::new(options).unwrap()
}
