//! What to print when two sides differ: the smallest input found that still differs, and both answers.
//!
//! **Invariant:** a reduced input differs, or nothing is claimed about it.

use crate::{
    client::{Answer, Client},
    generate::Case,
    opal,
};
use alloy_primitives::hex;

/// Rounds of cutting; an input of a few hundred bytes needs fewer.
const ATTEMPTS: usize = 20_000;

/// Whether opal's answer and a peer's differ in the way that is looked for.
type Differs = fn(&Case, &Answer, &Answer) -> bool;

/// Prints all that is known about a case on which opal and the peer differ.
#[expect(clippy::print_stderr, reason = "the account of a failure belongs on the test's output")]
pub(crate) fn report(client: &mut Client, case: &Case, differs: Differs) {
    let small = shrink(client, case.clone(), differs);
    let (mine, theirs) = both(client, &small);
    let Case { operation, rules, data } = &small;
    eprintln!("{operation:?} with {rules:?}\ninput: {}", hex::encode(data));
    for (name, Answer { result, text }) in [("opal", mine), ("peer", theirs)] {
        eprintln!("{name}: {} ({text})", hex::encode(result));
    }
}

fn both(client: &mut Client, case: &Case) -> (Answer, Answer) {
    (opal::answer(case), client.ask(case))
}

/// Cuts pieces out as long as the answers still differ; halves first, single bytes last.
fn shrink(client: &mut Client, mut case: Case, differs: Differs) -> Case {
    let mut attempts = 0;
    let mut piece = case.data.len().div_ceil(2);
    while piece > 0 && attempts < ATTEMPTS {
        let mut at = 0;
        while at < case.data.len() && attempts < ATTEMPTS {
            attempts += 1;
            let mut smaller = case.clone();
            smaller.data.drain(at..(at + piece).min(case.data.len()));
            let (mine, theirs) = both(client, &smaller);
            if differs(&smaller, &mine, &theirs) {
                case = smaller;
            } else {
                at += piece;
            }
        }
        piece /= 2;
    }
    case
}
