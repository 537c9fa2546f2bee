//! Which forks the chains start with, and which activate later.
//!
//! **Invariant:** forks activate in their order, and nothing after a fork that is never activated.

use opal_types::{Fork, ForkTimes};

/// The oldest fork that a chain can start with: before it, deposits are not charged for.
const OLDEST: Fork = Fork::Regolith;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ForkSchedule {
    /// Newest fork of the first block.
    genesis: Fork,
    /// Later ones with the seconds after the first block.
    later: Vec<(Fork, u64)>,
}

/// Why there is no such schedule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ForkScheduleError {
    /// Not `NAME=+SECONDS`.
    #[error("`{text}` is not NAME=+SECONDS, such as jovian=+60")]
    Form {
        /// What was given.
        text: String,
    },
    /// No fork has this name.
    #[error("no fork is called `{name}`; there are {}", names())]
    UnknownFork {
        /// What was given.
        name: String,
    },
    /// The chain has to start with something.
    #[error("{fork} is the oldest fork to start with, it cannot come later", fork = .fork.name())]
    TooOld {
        /// The fork.
        fork: Fork,
    },
    /// A fork builds on all before it.
    #[error("{fork} comes after {seconds} s, before {earlier} with {earlier_seconds} s",
        fork = .fork.name(), earlier = .earlier.name())]
    Order {
        /// The fork.
        fork: Fork,
        /// Its time, seconds after the first block.
        seconds: u64,
        /// A fork before it.
        earlier: Fork,
        /// Its time.
        earlier_seconds: u64,
    },
    /// A fork in between has no time.
    #[error("{fork} has a time, {missing} before it has none", fork = .fork.name(), missing = .missing.name())]
    Gap {
        /// The fork.
        fork: Fork,
        /// Its predecessor.
        missing: Fork,
    },
    /// One fork has one time.
    #[error("{fork} has two times", fork = .fork.name())]
    Twice {
        /// The fork.
        fork: Fork,
    },
}

impl ForkSchedule {
    /// All forks up to `newest` from the first block on, but for those in `later`, given with the seconds after it:
    /// the first of them and everything behind it is taken out of the first block.
    pub fn new(newest: Fork, later: &[(Fork, u64)]) -> Result<Self, ForkScheduleError> {
        let mut later = later.to_vec();
        later.sort_by_key(|(fork, _)| *fork);
        for pair in later.windows(2) {
            let [(earlier, earlier_seconds), (fork, seconds)] = [pair[0], pair[1]];
            if earlier == fork {
                return Err(ForkScheduleError::Twice { fork });
            }
            if seconds < earlier_seconds {
                return Err(ForkScheduleError::Order { fork, seconds, earlier, earlier_seconds });
            }
            let missing = Fork::ALL.into_iter().find(|it| *it > earlier && *it < fork);
            if let Some(missing) = missing {
                return Err(ForkScheduleError::Gap { fork, missing });
            }
        }
        let Some((fork, _)) = later.first().copied() else {
            return Ok(Self { genesis: newest, later });
        };
        let before = Fork::ALL.into_iter().rev().find(|it| *it < fork && *it >= OLDEST);
        let genesis = before.ok_or(ForkScheduleError::TooOld { fork })?;
        if genesis > newest {
            return Err(ForkScheduleError::Gap { fork, missing: genesis });
        }
        Ok(Self { genesis, later })
    }

    /// Reads one `NAME=+SECONDS`.
    pub fn parse(text: &str) -> Result<(Fork, u64), ForkScheduleError> {
        let form = || ForkScheduleError::Form { text: text.to_owned() };
        let (name, seconds) = text.split_once("=+").ok_or_else(form)?;
        let fork = Fork::ALL.into_iter().find(|fork| fork.name() == name);
        let fork = fork.ok_or_else(|| ForkScheduleError::UnknownFork { name: name.to_owned() })?;
        Ok((fork, seconds.parse().map_err(|_| form())?))
    }

    /// Newest fork of the first block.
    pub const fn genesis(&self) -> Fork {
        self.genesis
    }

    /// The activation times of chains that start at this time; zero for what is there from the start, as the Go node
    /// writes it.
    pub fn times(&self, genesis_time: u64) -> ForkTimes {
        let time = |fork: Fork| {
            if fork <= self.genesis {
                return Some(0);
            }
            let seconds = self.later.iter().find(|(later, _)| *later == fork).map(|(_, it)| *it);
            seconds.map(|seconds| genesis_time.saturating_add(seconds))
        };
        times(time)
    }
}

/// Fork times by a function of the fork.
pub(super) fn times(time: impl Fn(Fork) -> Option<u64>) -> ForkTimes {
    ForkTimes {
        regolith: time(Fork::Regolith),
        canyon: time(Fork::Canyon),
        delta: time(Fork::Delta),
        ecotone: time(Fork::Ecotone),
        fjord: time(Fork::Fjord),
        granite: time(Fork::Granite),
        holocene: time(Fork::Holocene),
        isthmus: time(Fork::Isthmus),
        jovian: time(Fork::Jovian),
        karst: time(Fork::Karst),
        lagoon: time(Fork::Lagoon),
    }
}

fn names() -> String {
    Fork::ALL
        .iter()
        .filter(|fork| **fork > OLDEST)
        .map(|fork| fork.name())
        .collect::<Vec<_>>()
        .join(", ")
}
