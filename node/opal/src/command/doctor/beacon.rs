//! The beacon API: its slots, and whether it still has the blobs of a recent block.
//!
//! **Invariant:** blobs are counted here; whoever derives from them checks them.

use super::{l1::BlobBlock, report::Report};
use opal_client::Rest;
use serde::Deserialize;

const SUBJECT: &str = "beacon";
/// Slots of Ethereum, seconds; for an API that does not say.
const USUAL_SLOT_S: u64 = 12;

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Genesis {
    genesis_time: String,
}

#[derive(Deserialize)]
struct Spec {
    #[serde(rename = "SECONDS_PER_SLOT")]
    seconds_per_slot: Option<String>,
}

/// Looks.
pub(super) async fn examine(beacon: &Rest, blobs: Option<&BlobBlock>, report: &mut Report) {
    let genesis = beacon.get::<Data<Genesis>>(0, "/eth/v1/beacon/genesis").await;
    let genesis_time = match genesis {
        Ok(Some(genesis)) => genesis.data.genesis_time.parse::<u64>().ok(),
        Ok(None) => None,
        Err(error) => {
            report.unknown(SUBJECT, error.to_string(), "start it, or give another --l1.beacon");
            return;
        }
    };
    let Some(genesis_time) = genesis_time else {
        let advice = "give the address of a beacon node's API";
        report.fail(SUBJECT, "it does not tell its genesis time", advice);
        return;
    };
    let slot_s = seconds_per_slot(beacon, report).await;
    report.ok(SUBJECT, format!("slots of {slot_s} s since {genesis_time}"));
    match blobs {
        Some(block) => blobs_of(beacon, block, genesis_time, slot_s, report).await,
        None => report.warn(
            SUBJECT,
            "no recent L1 block has blobs, so none could be asked for",
            "look again when there are some",
        ),
    }
}

async fn seconds_per_slot(beacon: &Rest, report: &mut Report) -> u64 {
    let spec = beacon.get::<Data<Spec>>(0, "/eth/v1/config/spec").await;
    let told = spec.ok().flatten().and_then(|it| it.data.seconds_per_slot?.parse::<u64>().ok());
    told.filter(|it| *it > 0).unwrap_or_else(|| {
        let finding = format!("it does not tell SECONDS_PER_SLOT, taken to be {USUAL_SLOT_S}");
        report.warn(SUBJECT, finding, "blobs of an L1 with other slots will not be found");
        USUAL_SLOT_S
    })
}

async fn blobs_of(
    beacon: &Rest,
    block: &BlobBlock,
    genesis_time: u64,
    slot_s: u64,
    report: &mut Report,
) {
    let slot = block.timestamp.saturating_sub(genesis_time) / slot_s;
    let hashes: Vec<_> = block.hashes.iter().map(|it| format!("versioned_hashes={it}")).collect();
    let path = format!("/eth/v1/beacon/blobs/{slot}?{}", hashes.join("&"));
    let (number, wanted) = (block.number, block.hashes.len());
    let advice = "use a beacon node that keeps blobs (supernode, or an archive of blobs)";
    match beacon.get::<Data<Vec<serde_json::Value>>>(0, &path).await {
        Ok(Some(found)) if found.data.len() == wanted => {
            report.ok(SUBJECT, format!("it has the {wanted} blobs of L1 block {number}"));
        }
        Ok(Some(found)) => {
            let found = found.data.len();
            report.fail(
                SUBJECT,
                format!("it has {found} of {wanted} blobs of block {number}"),
                advice,
            );
        }
        Ok(None) => {
            report.fail(
                SUBJECT,
                format!("it has no blobs for slot {slot} (L1 block {number})"),
                advice,
            );
        }
        Err(error) => report.unknown(SUBJECT, error.to_string(), advice),
    }
}
