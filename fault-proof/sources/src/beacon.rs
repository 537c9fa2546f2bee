//! Blobs from beacon nodes.
//!
//! Start with [`Beacon::blobs`].
//!
//! **Invariant:** a blob is taken for the hash of its own commitment, computed here; order, number and claims of an
//! answer do not matter. Blobs that are not there are waited for (T38), whatever the status code.

mod slots;

use crate::{
    SourceError,
    cache::{Cache, CacheCounters},
};
use alloy_primitives::{B256, Bytes, FixedBytes};
use opal_client::{Rest, RestOptions, RpcCounters, RpcError, RpcSetupError, RpcStatus, kzg};
use serde::Deserialize;
use slots::Slots;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};
use tokio::sync::watch;

/// How to reach beacon nodes, and how they number their blocks.
#[derive(Clone, Debug)]
pub struct BeaconOptions {
    /// The endpoints.
    pub rest: RestOptions,
    /// Where `config/spec` does not tell it.
    pub seconds_per_slot: Option<u64>,
    /// Where `beacon/genesis` does not tell it.
    pub genesis_time: Option<u64>,
    /// What names a block there.
    pub addressing: Addressing,
}

impl BeaconOptions {
    /// Everything as the endpoints say.
    pub fn new(endpoints: Vec<url::Url>) -> Self {
        Self {
            rest: RestOptions::new("beacon", endpoints),
            seconds_per_slot: None,
            genesis_time: None,
            addressing: Addressing::Detect,
        }
    }
}

/// What names a block in a beacon API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Its slot, if the API knows slots; else the block's height.
    Detect,
    /// Its slot.
    Slot,
    /// Its height, as anvil has it.
    BlockNumber,
}

/// The block whose blobs are wanted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) block: B256,
    /// Known where the API wants it.
    pub(crate) number: Option<u64>,
    pub(crate) timestamp: u64,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Beacon {
    rest: Rest,
    options: BeaconOptions,
    slots: Mutex<Option<Slots>>,
    blobs: Cache<B256, Bytes>,
}

#[derive(Deserialize)]
struct Data<T> {
    data: T,
}

#[derive(Deserialize)]
struct Sidecar {
    blob: Bytes,
    kzg_commitment: FixedBytes<48>,
}

/// What was found so far, and what was said about the rest.
struct Search {
    wanted: Vec<B256>,
    found: BTreeMap<B256, Bytes>,
    said: Vec<String>,
}

impl Search {
    fn is_done(&self) -> bool {
        self.wanted.iter().all(|hash| self.found.contains_key(hash))
    }

    fn missing(&self) -> Vec<B256> {
        self.wanted.iter().filter(|hash| !self.found.contains_key(*hash)).copied().collect()
    }
}

impl Beacon {
    pub(crate) fn new(options: BeaconOptions, cache_bytes: usize) -> Result<Self, RpcSetupError> {
        let rest = Rest::new(options.rest.clone())?;
        Ok(Self { rest, options, slots: Mutex::default(), blobs: Cache::new(cache_bytes) })
    }

    /// The blobs with these hashes, in their order.
    pub(crate) async fn blobs(
        &self,
        place: Place,
        hashes: &[B256],
    ) -> Result<Vec<Bytes>, SourceError> {
        let mut wanted = hashes.to_vec();
        wanted.sort_unstable();
        wanted.dedup();
        let kept = wanted.iter().filter_map(|hash| Some((*hash, self.blobs.read(hash)?)));
        let found = kept.collect();
        let mut search = Search { wanted, found, said: Vec::new() };
        if !search.is_done() {
            let id = self.slots().await?.id(place)?;
            self.search(&id, &mut search).await;
            if !search.is_done() {
                return Err(unfound(place, &id, &search));
            }
        }
        Ok(hashes.iter().filter_map(|hash| search.found.get(hash).cloned()).collect())
    }

    /// Whether blocks are named by height there.
    pub(crate) async fn wants_number(&self) -> Result<bool, SourceError> {
        Ok(self.slots().await? == Slots::BlockNumbers)
    }

    /// Asks endpoint by endpoint, each in both ways, until all are there: one may have what another lacks.
    async fn search(&self, id: &str, search: &mut Search) {
        for endpoint in 0..self.rest.endpoint_count() {
            self.ask_blobs(endpoint, id, search).await;
            if search.is_done() {
                return;
            }
            self.ask_sidecars(endpoint, id, search).await;
            if search.is_done() {
                return;
            }
        }
    }

    async fn ask_blobs(&self, endpoint: usize, id: &str, search: &mut Search) {
        let missing = search.missing();
        let hashes: Vec<_> = missing.iter().map(|it| format!("versioned_hashes={it}")).collect();
        let path = format!("/eth/v1/beacon/blobs/{id}?{}", hashes.join("&"));
        let answer = self.rest.get::<Data<Vec<Bytes>>>(endpoint, &path).await;
        let blobs = answer.map(|it| it.map(|it| it.data));
        self.take(endpoint, "blobs", blobs, search).await;
    }

    async fn ask_sidecars(&self, endpoint: usize, id: &str, search: &mut Search) {
        let path = format!("/eth/v1/beacon/blob_sidecars/{id}");
        let answer = self.rest.get::<Data<Vec<Sidecar>>>(endpoint, &path).await;
        let missing = search.missing();
        let named = |it: Sidecar| {
            missing.contains(&kzg::versioned_hash(&it.kzg_commitment)).then_some(it.blob)
        };
        let blobs = answer.map(|it| it.map(|it| it.data.into_iter().filter_map(named).collect()));
        self.take(endpoint, "blob_sidecars", blobs, search).await;
    }

    /// Keeps those blobs of an answer that are wanted.
    async fn take(
        &self,
        endpoint: usize,
        form: &str,
        answer: Result<Option<Vec<Bytes>>, RpcError>,
        search: &mut Search,
    ) {
        let (label, wanted) = (self.rest.endpoint(endpoint), search.missing().len());
        let blobs = match answer {
            Err(error) => return search.said.push(error.to_string()),
            Ok(None) => return search.said.push(format!("{label} has no {form} there")),
            Ok(Some(blobs)) => blobs,
        };
        let count = blobs.len();
        let hashed = tokio::task::spawn_blocking(move || blobs.into_iter().filter_map(hashed));
        let mut right = 0;
        for (hash, blob) in hashed.await.into_iter().flatten() {
            if search.wanted.contains(&hash) {
                self.blobs.insert(hash, blob.clone(), kzg::BLOB_BYTES);
                search.found.insert(hash, blob);
                right += 1;
            }
        }
        if right < wanted {
            search.said.push(format!("{label} gave {count} {form}, {right} of {wanted} wanted"));
        }
    }

    /// How blocks are numbered there; asked until it is known.
    async fn slots(&self) -> Result<Slots, SourceError> {
        let known = *self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(slots) = known {
            return Ok(slots);
        }
        let slots = Slots::read(&self.rest, &self.options).await?;
        *self.slots.lock().unwrap_or_else(PoisonError::into_inner) = Some(slots);
        Ok(slots)
    }

    pub(crate) fn counters(&self) -> (RpcCounters, CacheCounters) {
        (self.rest.counters(), self.blobs.counters())
    }

    pub(crate) fn status(&self) -> watch::Receiver<RpcStatus> {
        self.rest.status()
    }
}

/// A blob with its hash; `None` if it is none.
fn hashed(blob: Bytes) -> Option<(B256, Bytes)> {
    let commitment = kzg::commitment(&blob).ok()?;
    Some((kzg::versioned_hash(&commitment), blob))
}

fn unfound(place: Place, id: &str, search: &Search) -> SourceError {
    let (missing, wanted) = (search.missing().len(), search.wanted.len());
    let what = format!("{missing} of {wanted} blobs of L1 block {} (`{id}`)", place.block);
    SourceError::Waits { what, why: search.said.join("; ") }
}
