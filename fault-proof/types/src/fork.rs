//! The forks of the OP Stack in activation order and their times on one chain (op-stack.md section
//! 0).
//!
//! **Invariant:** a fork is a value that is passed in, never a cargo feature.

use crate::rlp::rlp_list;

/// A protocol upgrade. Later forks compare greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fork {
    /// Genesis rules of every chain opal knows.
    Bedrock,
    /// Deposits are charged for their gas, deposit receipts carry the nonce.
    Regolith,
    /// Shanghai; EIP-1559 denominator 250; deposit receipt version 1; create2 deployer.
    Canyon,
    /// Span batches.
    Delta,
    /// Cancun without blobs on L2; blob data availability; new L1 attributes.
    Ecotone,
    /// FastLZ fee, Brotli channels, P256VERIFY.
    Fjord,
    /// bn256 pairing input limit, channel timeout 50.
    Granite,
    /// Strict batch ordering, EIP-1559 parameters in the header's extra data.
    Holocene,
    /// Prague, operator fee, withdrawals root in the header.
    Isthmus,
    /// Minimum base fee, data-availability footprint.
    Jovian,
    /// Osaka subset, upgrade transactions from a bundle.
    Karst,
    /// Interop and post-execution transactions; known only in outline.
    Lagoon,
}

impl Fork {
    /// All forks, oldest first.
    pub const ALL: [Self; 12] = [
        Self::Bedrock,
        Self::Regolith,
        Self::Canyon,
        Self::Delta,
        Self::Ecotone,
        Self::Fjord,
        Self::Granite,
        Self::Holocene,
        Self::Isthmus,
        Self::Jovian,
        Self::Karst,
        Self::Lagoon,
    ];

    /// The lower-case name used in configs and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bedrock => "bedrock",
            Self::Regolith => "regolith",
            Self::Canyon => "canyon",
            Self::Delta => "delta",
            Self::Ecotone => "ecotone",
            Self::Fjord => "fjord",
            Self::Granite => "granite",
            Self::Holocene => "holocene",
            Self::Isthmus => "isthmus",
            Self::Jovian => "jovian",
            Self::Karst => "karst",
            Self::Lagoon => "lagoon",
        }
    }
}

/// Activation times of one chain in seconds of L2 time; `None` = not scheduled.
///
/// Bedrock is active from genesis and has no time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForkTimes {
    /// Regolith.
    pub regolith: Option<u64>,
    /// Canyon.
    pub canyon: Option<u64>,
    /// Delta.
    pub delta: Option<u64>,
    /// Ecotone.
    pub ecotone: Option<u64>,
    /// Fjord.
    pub fjord: Option<u64>,
    /// Granite.
    pub granite: Option<u64>,
    /// Holocene.
    pub holocene: Option<u64>,
    /// Isthmus.
    pub isthmus: Option<u64>,
    /// Jovian.
    pub jovian: Option<u64>,
    /// Karst.
    pub karst: Option<u64>,
    /// Lagoon.
    pub lagoon: Option<u64>,
}

impl ForkTimes {
    /// When `fork` activates, in seconds of L2 time; `None` = never. Bedrock is 0.
    pub const fn time(&self, fork: Fork) -> Option<u64> {
        match fork {
            Fork::Bedrock => Some(0),
            Fork::Regolith => self.regolith,
            Fork::Canyon => self.canyon,
            Fork::Delta => self.delta,
            Fork::Ecotone => self.ecotone,
            Fork::Fjord => self.fjord,
            Fork::Granite => self.granite,
            Fork::Holocene => self.holocene,
            Fork::Isthmus => self.isthmus,
            Fork::Jovian => self.jovian,
            Fork::Karst => self.karst,
            Fork::Lagoon => self.lagoon,
        }
    }

    /// Whether `fork` is active in a block with this timestamp. Each fork answers for itself, as in
    /// the Go node.
    pub fn active(&self, fork: Fork, timestamp: u64) -> bool {
        self.time(fork).is_some_and(|time| timestamp >= time)
    }

    /// The newest fork active at this timestamp.
    pub fn at(&self, timestamp: u64) -> Fork {
        Fork::ALL
            .into_iter()
            .rev()
            .find(|fork| self.active(*fork, timestamp))
            .unwrap_or(Fork::Bedrock)
    }
}

rlp_list!(ForkTimes {
    regolith,
    canyon,
    delta,
    ecotone,
    fjord,
    granite,
    holocene,
    isthmus,
    jovian,
    karst,
    lagoon,
});
