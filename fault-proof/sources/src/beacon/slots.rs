//! How a beacon API numbers blocks.
//!
//! **Invariant:** a number is only made up from what the API or the options say.

use super::{Addressing, BeaconOptions, Data, Place};
use crate::SourceError;
use opal_client::{Rest, RpcError};
use serde::Deserialize;
use serde_json::{Map, Value};

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slots {
    Times { genesis_time: u64, seconds_per_slot: u64 },
    BlockNumbers,
}

#[derive(Deserialize)]
struct Genesis {
    genesis_time: String,
}

impl Slots {
    /// Asks for what the options leave open.
    pub(super) async fn read(rest: &Rest, options: &BeaconOptions) -> Result<Self, SourceError> {
        if options.addressing == Addressing::BlockNumber {
            return Ok(Self::BlockNumbers);
        }
        let seconds_per_slot = match options.seconds_per_slot {
            Some(seconds) => Some(seconds),
            None => spec(rest).await?,
        };
        let seconds_per_slot = match (seconds_per_slot, options.addressing) {
            (Some(seconds), _) if seconds > 0 => seconds,
            (None, Addressing::Detect) => return Ok(Self::BlockNumbers),
            _ => return Err(not_told("seconds per slot", "config/spec")),
        };
        let genesis_time = match options.genesis_time {
            Some(time) => Some(time),
            None => genesis(rest).await?,
        };
        let genesis_time =
            genesis_time.ok_or_else(|| not_told("genesis time", "beacon/genesis"))?;
        Ok(Self::Times { genesis_time, seconds_per_slot })
    }

    /// What names the block in a path.
    pub(super) fn id(self, place: Place) -> Result<String, SourceError> {
        let (id, need) = match self {
            Self::BlockNumbers => (place.number, "its height is not known".to_owned()),
            Self::Times { genesis_time, seconds_per_slot } => {
                let since = place.timestamp.checked_sub(genesis_time);
                let slot = since.and_then(|it| it.checked_div(seconds_per_slot));
                let time = place.timestamp;
                (slot, format!("its time {time} is before the beacon chain's at {genesis_time}"))
            }
        };
        let what = format!("blobs of L1 block {}", place.block);
        id.map(|it| it.to_string()).ok_or(SourceError::NotOffered { what, need })
    }
}

fn not_told(what: &str, path: &str) -> SourceError {
    SourceError::NotOffered {
        what: format!("{what} of the beacon chain"),
        need: format!("no endpoint offers {path}; give it as an option"),
    }
}

/// `None` = no endpoint offers it.
async fn spec(rest: &Rest) -> Result<Option<u64>, SourceError> {
    let read = |data: Map<String, Value>| {
        let number = |key: &str| data.get(key)?.as_str()?.parse::<u64>().ok();
        number("SECONDS_PER_SLOT").or_else(|| Some(number("SLOT_DURATION_MS")? / 1000))
    };
    first(rest, "/eth/v1/config/spec", read).await
}

async fn genesis(rest: &Rest) -> Result<Option<u64>, SourceError> {
    let read = |data: Genesis| data.genesis_time.parse().ok();
    first(rest, "/eth/v1/beacon/genesis", read).await
}

/// What the first endpoint that offers a path says there.
async fn first<T: serde::de::DeserializeOwned>(
    rest: &Rest,
    path: &str,
    read: impl Fn(T) -> Option<u64>,
) -> Result<Option<u64>, SourceError> {
    let mut fault: Option<RpcError> = None;
    for endpoint in 0..rest.endpoint_count() {
        match rest.get::<Data<T>>(endpoint, path).await {
            Ok(Some(answer)) => {
                if let Some(number) = read(answer.data) {
                    return Ok(Some(number));
                }
            }
            Ok(None) => (),
            Err(error) => fault = Some(error),
        }
    }
    let what = path.trim_start_matches("/eth/v1/").to_owned();
    fault.map_or(Ok(None), |error| Err(SourceError::Rpc { what, error }))
}
