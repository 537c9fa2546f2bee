//! Faults on a schedule: what a TOML file asks for, and which of it is due.
//!
//! Times are L1 block numbers, so that a run with a virtual clock meets the same faults at the same places. Start
//! with [`Chaos::from_toml`]; [`Faults`] is asked by the servers and machines.
//!
//! **Invariant:** a fault only withholds, delays or replaces L1 blocks; it never makes a server tell a lie that
//! could be believed.

use opal_engine::faults::BlobFault;
use serde::Deserialize;
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// Most faults in one file.
const MAX_FAULTS: usize = 1_000;

/// A schedule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chaos {
    /// In any order.
    #[serde(default, rename = "fault")]
    pub faults: Vec<Fault>,
}

/// One fault. `at` is the L1 block with which it starts, `blocks` how many L1 blocks it lasts.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", rename_all_fields = "kebab-case")]
#[serde(deny_unknown_fields)]
pub enum Fault {
    /// The last blocks of L1 are replaced.
    L1Reorg {
        /// When.
        at: u64,
        /// How many blocks.
        depth: u64,
        /// Their transactions do not come back.
        #[serde(default)]
        drop_transactions: bool,
    },
    /// L1 makes no block.
    L1Halt {
        /// When.
        at: u64,
        /// For how long.
        seconds: u64,
    },
    /// Requests are answered with status 429.
    RateLimit {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// Which endpoint.
        endpoint: Endpoint,
        /// How many after each L1 block; all when absent.
        requests: Option<u32>,
        /// What Retry-After says.
        #[serde(default)]
        retry_after_s: u32,
    },
    /// Answers come late.
    Stall {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// Which endpoint.
        endpoint: Endpoint,
        /// How many after each L1 block; all when absent.
        requests: Option<u32>,
        /// How late.
        delay_ms: u64,
    },
    /// Connections break, and new ones are closed at once.
    Unplug {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// Which endpoint.
        endpoint: Endpoint,
    },
    /// The beacon API knows no blobs.
    MissingBlobs {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
    },
    /// The beacon API knows only the first blobs of each block.
    PartialBlobs {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// How many.
        keep: usize,
    },
    /// One chain's sequencer has a clock of its own.
    ClockSkew {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// Which chain.
        chain: u64,
        /// How far ahead of (or, negative, behind) the others.
        skew_ms: i64,
    },
    /// Batchers stand still.
    BatcherOutage {
        /// When.
        at: u64,
        /// For how long.
        blocks: u64,
        /// Which chain's; all chains' when absent.
        chain: Option<u64>,
    },
}

/// A server that can be made faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Endpoint {
    /// L1 JSON-RPC.
    L1,
    /// Beacon API.
    Beacon,
}

/// A file that is no schedule.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// Not TOML, or unknown names in it.
    #[error("not a list of faults: {0}")]
    Toml(#[from] toml::de::Error),
    /// Too long.
    #[error("{found} faults, at most {MAX_FAULTS} are possible")]
    TooMany {
        /// Their number.
        found: usize,
    },
}

impl Chaos {
    /// The format, for people.
    pub const HELP: &str = "\
Faults on a schedule: a TOML file with a `[[fault]]` table for each. `kind` says what, `at` with which \
L1 block it starts, `blocks` how many L1 blocks it lasts:

  l1-reorg        at, depth, [drop-transactions]
  l1-halt         at, seconds
  rate-limit      at, blocks, endpoint, [requests], [retry-after-s]   status 429
  stall           at, blocks, endpoint, [requests], delay-ms          late answers
  unplug          at, blocks, endpoint                                broken connections
  missing-blobs   at, blocks
  partial-blobs   at, blocks, keep                                    first blobs only
  clock-skew      at, blocks, chain, skew-ms                          of a sequencer
  batcher-outage  at, blocks, [chain]

`endpoint` is \"l1\" or \"beacon\"; `requests` says how many after each L1 block are hit, all without it; \
`chain` is a chain id. What is in brackets may be left out. For instance:

  [[fault]]
  kind = \"unplug\"
  at = 20
  blocks = 5
  endpoint = \"beacon\"";

    /// Reads a file's text.
    pub fn from_toml(text: &str) -> Result<Self, ChaosError> {
        let chaos: Self = toml::from_str(text)?;
        let found = chaos.faults.len();
        if found > MAX_FAULTS {
            return Err(ChaosError::TooMany { found });
        }
        Ok(chaos)
    }
}

/// What is to be done to the L1 once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum L1Event {
    Reorg { depth: u64, drop_transactions: bool },
    Halt { seconds: u64 },
}

/// The schedule at the L1 head as it is.
#[derive(Clone, Debug)]
pub(crate) struct Faults {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    faults: Vec<Fault>,
    l1_number: AtomicU64,
    /// Highest L1 block whose one-time events were handed out.
    done_to: AtomicU64,
}

impl Faults {
    pub(crate) fn new(chaos: Option<&Chaos>, l1_number: u64) -> Self {
        let faults = chaos.map(|it| it.faults.clone()).unwrap_or_default();
        let shared = Shared {
            faults,
            l1_number: AtomicU64::new(l1_number),
            done_to: AtomicU64::new(l1_number),
        };
        Self { shared: Arc::new(shared) }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.shared.faults.is_empty()
    }

    /// Tells of a new L1 head; answers with what is to happen now.
    pub(crate) fn on_l1_head(&self, number: u64) -> Vec<L1Event> {
        let Shared { faults, l1_number, done_to, .. } = &*self.shared;
        l1_number.store(number, Ordering::Release);
        let done = done_to.fetch_max(number, Ordering::AcqRel);
        let due = |at: u64| at > done && at <= number;
        let events = faults.iter().filter_map(|fault| match *fault {
            Fault::L1Reorg { at, depth, drop_transactions } if due(at) => {
                Some(L1Event::Reorg { depth, drop_transactions })
            }
            Fault::L1Halt { at, seconds } if due(at) => Some(L1Event::Halt { seconds }),
            _ => None,
        });
        events.collect()
    }

    /// Makes the servers as faulty as the schedule wants them until the next L1 block.
    pub(crate) fn spoil(&self, asked: Endpoint, server: &opal_engine::faults::Faults) {
        if self.is_empty() {
            return;
        }
        server.clear();
        for fault in self.active() {
            match *fault {
                Fault::RateLimit { endpoint, requests, retry_after_s, .. } if endpoint == asked => {
                    server.refuse(requests.unwrap_or(u32::MAX), retry_after_s);
                }
                Fault::Stall { endpoint, requests, delay_ms, .. } if endpoint == asked => {
                    server.stall(requests.unwrap_or(u32::MAX), delay_ms);
                }
                Fault::MissingBlobs { .. } if asked == Endpoint::Beacon => {
                    server.spoil_all_blobs(Some(BlobFault::Hidden));
                }
                Fault::PartialBlobs { keep, .. } if asked == Endpoint::Beacon => {
                    server.spoil_all_blobs(Some(BlobFault::OnlyFirst(keep)));
                }
                _ => {}
            }
        }
    }

    /// Whether this endpoint is ever unplugged.
    pub(crate) fn may_unplug(&self, asked: Endpoint) -> bool {
        self.shared.faults.iter().any(|it| it.unplugs(asked))
    }

    /// Whether this endpoint is to be unplugged until the next L1 block.
    pub(crate) fn is_unplugged(&self, asked: Endpoint) -> bool {
        self.active().any(|it| it.unplugs(asked))
    }

    /// What a chain's sequencer takes for now.
    pub(crate) fn skewed(&self, now_ms: u64, chain_id: u64) -> u64 {
        let skews = self.active().filter_map(|fault| match *fault {
            Fault::ClockSkew { chain, skew_ms, .. } if chain == chain_id => Some(skew_ms),
            _ => None,
        });
        now_ms.saturating_add_signed(skews.sum())
    }

    /// Whether a chain's batcher stands still.
    pub(crate) fn batcher_is_out(&self, chain_id: u64) -> bool {
        self.active().any(|fault| {
            matches!(*fault, Fault::BatcherOutage { chain, .. }
                if chain.is_none_or(|it| it == chain_id))
        })
    }

    fn active(&self) -> impl Iterator<Item = &Fault> {
        let number = self.shared.l1_number.load(Ordering::Acquire);
        self.shared.faults.iter().filter(move |it| it.lasts_at(number))
    }
}

impl Fault {
    fn unplugs(&self, asked: Endpoint) -> bool {
        matches!(*self, Self::Unplug { endpoint, .. } if endpoint == asked)
    }

    fn lasts_at(&self, number: u64) -> bool {
        let (at, blocks) = match *self {
            Self::L1Reorg { .. } | Self::L1Halt { .. } => return false,
            Self::RateLimit { at, blocks, .. }
            | Self::Stall { at, blocks, .. }
            | Self::Unplug { at, blocks, .. }
            | Self::MissingBlobs { at, blocks }
            | Self::PartialBlobs { at, blocks, .. }
            | Self::ClockSkew { at, blocks, .. }
            | Self::BatcherOutage { at, blocks, .. } => (at, blocks),
        };
        number.checked_sub(at).is_some_and(|since| since < blocks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERYTHING: &str = r#"
        [[fault]]
        kind = "l1-reorg"
        at = 5
        depth = 3

        [[fault]]
        kind = "rate-limit"
        at = 10
        blocks = 2
        endpoint = "l1"
        requests = 2

        [[fault]]
        kind = "partial-blobs"
        at = 10
        blocks = 1
        keep = 1

        [[fault]]
        kind = "clock-skew"
        at = 20
        blocks = 5
        chain = 901
        skew-ms = -500

        [[fault]]
        kind = "batcher-outage"
        at = 20
        blocks = 5

        [[fault]]
        kind = "unplug"
        at = 30
        blocks = 2
        endpoint = "beacon"
    "#;

    fn faults() -> Faults {
        Faults::new(Some(&Chaos::from_toml(EVERYTHING).unwrap()), 0)
    }

    #[test]
    fn a_reorg_happens_once_even_when_its_block_comes_again() {
        let faults = faults();
        assert_eq!(faults.on_l1_head(4), []);
        let reorg = L1Event::Reorg { depth: 3, drop_transactions: false };
        assert_eq!(faults.on_l1_head(5), [reorg]);
        assert_eq!(faults.on_l1_head(3), []);
        assert_eq!(faults.on_l1_head(5), []);
    }

    #[test]
    fn servers_are_spoilt_while_the_fault_lasts() {
        let faults = faults();
        let server = opal_engine::faults::Faults::default();
        faults.on_l1_head(10);
        faults.spoil(Endpoint::Beacon, &server);
        assert_eq!(server.blobs(7), Some(BlobFault::OnlyFirst(1)));
        faults.on_l1_head(11);
        faults.spoil(Endpoint::Beacon, &server);
        assert_eq!(server.blobs(7), None);
    }

    #[test]
    fn only_the_named_chain_has_another_time() {
        let faults = faults();
        faults.on_l1_head(24);
        assert_eq!(faults.skewed(1_000, 901), 500);
        assert_eq!(faults.skewed(1_000, 902), 1_000);
        assert!(faults.batcher_is_out(902));
        faults.on_l1_head(25);
        assert!(!faults.batcher_is_out(902));
    }

    #[test]
    fn only_the_named_endpoint_is_unplugged_and_plugged_in_again() {
        let faults = faults();
        assert!(faults.may_unplug(Endpoint::Beacon) && !faults.may_unplug(Endpoint::L1));
        for (number, wanted) in [(29, false), (30, true), (31, true), (32, false)] {
            faults.on_l1_head(number);
            assert_eq!(faults.is_unplugged(Endpoint::Beacon), wanted, "{number}");
            assert!(!faults.is_unplugged(Endpoint::L1));
        }
    }

    #[track_caller]
    fn check_refused(text: &str, reason: &str) {
        let error = Chaos::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}");
    }

    #[test]
    fn the_help_names_every_kind_and_its_example_is_a_schedule() {
        let unknown =
            Chaos::from_toml("[[fault]]\nkind = \"none\"\nat = 1").unwrap_err().to_string();
        let (_, kinds) = unknown.split_once("expected one of").unwrap();
        let kinds: Vec<_> = kinds.split('`').skip(1).step_by(2).collect();
        assert_eq!(kinds.len(), 9, "{kinds:?}");
        for kind in kinds {
            assert!(Chaos::HELP.contains(&format!("\n  {kind} ")), "{kind}");
        }
        let (_, example) = Chaos::HELP.split_once("For instance:").unwrap();
        let unplug = Fault::Unplug { at: 20, blocks: 5, endpoint: Endpoint::Beacon };
        assert_eq!(Chaos::from_toml(example).unwrap().faults, [unplug]);
    }

    #[test]
    fn misspelt_faults_are_refused() {
        check_refused("[[fault]]\nkind = \"l1-reorgs\"\nat = 1", "unknown variant `l1-reorgs`");
        check_refused(
            "[[fault]]\nkind = \"l1-reorg\"\nat = 1\ndepth = 2\nsize = 3",
            "unknown field `size`",
        );
    }
}
