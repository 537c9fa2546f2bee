//! Generated chains through every fork, executed three ways: over a state in memory, over trie nodes by their hash, and
//! by op-geth (issue 3, rows E1 to E14; peers.md section 1).
//!
//! Start at [`chains_through_every_fork_are_the_same_three_ways`]; the hand-made cases are in `*_cases.rs`, what compares
//! is in `chain.rs`. `OPAL_SEED` and `OPAL_CHAINS` choose other chains. A difference prints seed, block, the fields of
//! the headers, the first receipt, and the accounts that differ.
//!
//! **Invariant:** a chain is made from its seed alone. Where Go is missing the first two ways still run.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "../../../../fault-proof/execute/tests/fork_rules/memory.rs"]
mod memory;

mod asm;
mod chain;
mod contracts;
mod deposit_cases;
mod deposits;
mod differ;
mod fee_cases;
mod generate;
mod geth;
mod keys;
mod l1;
mod limit_cases;
mod nodes;
mod payload;
mod precompiles;
mod program;
mod rng;
mod scene;
mod signed;

use chain::{Chain, schedule};
use generate::{Generated, KINDS, Tally, block};
use geth::Geth;
use opal_harness::{peer::go_peer, ran};
use opal_types::{Fork, ForkTimes};
use rng::Rng;

/// What a test has compared.
#[derive(Default)]
struct Account {
    tally: Tally,
    chains: u64,
    /// Blocks that op-geth executed to the same hash, and blocks that it refused as opal did.
    compared: u64,
    refused: u64,
}

impl Account {
    /// Generates a chain of so many blocks from a seed, and has every block executed all ways.
    fn add(&mut self, seed: u64, forks: ForkTimes, blocks: u64, geth: &mut Option<Geth>) {
        let mut rng = Rng(seed);
        let first = forks.at(chain::GENESIS_TIME);
        let mut chain = Chain::new(&format!("seed {seed} from {first:?}"), forks, geth);
        for _ in 0..blocks {
            let Generated { attributes, refused } = block(&mut rng, &chain, &mut self.tally);
            if let Some(refused) = refused {
                chain.refuse(&refused);
            }
            chain.push(&attributes);
        }
        self.chains += 1;
        self.compared += chain.compared;
        self.refused += chain.refused;
        *geth = chain.into_geth();
    }

    fn report(&self, test: &str) {
        let [successes, failures, refusals] = [0, 1, 2].map(|place| self.tally.sum(place));
        let counts = format!("{} chains, {} blocks", self.chains, self.tally.blocks);
        let transactions =
            format!("{successes} transactions, {failures} failing, {refusals} refused");
        let peer = format!("{} blocks and {} refusals as op-geth", self.compared, self.refused);
        ran(test, &format!("{counts}, {transactions}; {peer}"));
        let kinds = self.tally.kinds.iter();
        let kinds = kinds
            .map(|(kind, [done, failed, refused])| format!("{kind} {done}/{failed}/{refused}"));
        ran(&format!("{test}: done/failed/refused"), &kinds.collect::<Vec<_>>().join(", "));
    }
}

fn number(variable: &str, usual: u64) -> u64 {
    let value = std::env::var(variable).ok();
    value.map_or(usual, |it| it.parse().unwrap_or_else(|_| panic!("{variable}={it}")))
}

#[test]
fn chains_through_every_fork_are_the_same_three_ways() {
    let test = "peer_geth::every_fork";
    let mut geth = go_peer("geth", test).as_deref().map(Geth::start);
    let mut account = Account::default();
    let first = number("OPAL_SEED", 1);
    for seed in first..first + number("OPAL_CHAINS", 4) {
        // Eleven forks, the last of them known only in outline.
        account.add(seed, schedule(Fork::Bedrock, Fork::Lagoon, 6), 66, &mut geth);
    }
    account.report(test);
    for kind in KINDS {
        let counts = account.tally.kinds.get(kind).copied().unwrap_or_default();
        assert!(counts[0] + counts[1] > 0, "no {kind} in {:?}", account.tally.kinds);
    }
    assert!(account.tally.sum(2) > 0, "nothing was refused");
}

#[test]
fn chains_that_start_at_a_fork_are_the_same_three_ways() {
    let test = "peer_geth::from_each_fork";
    let mut geth = go_peer("geth", test).as_deref().map(Geth::start);
    let mut account = Account::default();
    for (index, fork) in scene::FORKS.into_iter().enumerate() {
        let seed = number("OPAL_SEED", 1) * 100 + index as u64;
        account.add(seed, schedule(fork, fork, 1), 8, &mut geth);
    }
    account.report(test);
}
