//! What to print when the two sides differ: the step, the difference, and the smallest state found that still differs.
//!
//! **Invariant:** a reduced state differs for one step, or nothing is claimed about it.

use super::{
    client::{CONTENT, Client, EACH, PROOF},
    generate::Case,
    named, opal,
    state::{PAGE, State},
};

const FLAGS: u8 = EACH | CONTENT;

/// Prints all that is known about a case on which the sides differ.
#[expect(clippy::print_stderr, reason = "the account of a failure belongs on the test's output")]
pub(crate) fn report(client: &mut Client, seed: u64, case: &Case) {
    let step = first_difference(client, case);
    eprintln!("seed {seed} ({}): the sides differ at step {step} of {}", case.name, case.steps);
    let Some(before) = state_before(client, case, step) else {
        eprintln!("the state before it cannot be had from Go");
        return;
    };
    let small = if differs(client, &before) {
        shrink(client, before)
    } else {
        eprintln!("the one step alone agrees: it depends on what came before");
        before
    };
    let (mine, theirs) = both(client, &small);
    eprintln!("opal: {:?}\ngo:   {:?}", mine.end, theirs.end);
    if !mine.content.is_empty() && !theirs.content.is_empty() {
        let (mine, theirs) = (State::decode(&mine.content), State::decode(&theirs.content));
        eprint!("{}", mine.difference(&theirs));
    }
    eprintln!("the state before the step:");
    small.lines().iter().for_each(|(name, value)| eprintln!("  {name} = {value}"));
}

fn both(client: &mut Client, state: &State) -> (super::Run, super::Run) {
    let (flags, content) = (FLAGS | PROOF, state.encode());
    client.send(flags, 1, &content);
    (opal::run(flags, 1, &content), named(client.receive(flags)))
}

fn differs(client: &mut Client, state: &State) -> bool {
    let (mine, theirs) = both(client, state);
    mine != theirs
}

/// The number of steps that both sides make alike.
fn first_difference(client: &mut Client, case: &Case) -> u32 {
    let content = case.state.encode();
    client.send(FLAGS, case.steps, &content);
    let (mine, theirs) = (opal::run(FLAGS, case.steps, &content), client.receive(FLAGS));
    let alike = mine.hashes.iter().zip(&theirs.hashes).take_while(|(left, right)| left == right);
    (alike.count() as u32).min(case.steps.saturating_sub(1))
}

fn state_before(client: &mut Client, case: &Case, step: u32) -> Option<State> {
    client.send(FLAGS, step, &case.state.encode());
    let run = client.receive(FLAGS);
    (!run.content.is_empty()).then(|| State::decode(&run.content))
}

/// Takes away whatever is not needed for the difference, once through.
fn shrink(client: &mut Client, mut state: State) -> State {
    for change in changes(&state) {
        let mut smaller = state.clone();
        change(&mut smaller);
        if smaller != state && differs(client, &smaller) {
            state = smaller;
        }
    }
    state
}

type Change = Box<dyn Fn(&mut State)>;

fn changes(state: &State) -> Vec<Change> {
    let mut all: Vec<Change> = vec![
        Box::new(|it| it.right.truncate(usize::from(it.traverse_right != 0))),
        Box::new(|it| drop(it.left.drain(..it.left.len().saturating_sub(1)))),
        Box::new(|it| drop(it.right.drain(..it.right.len().saturating_sub(1)))),
        Box::new(|it| it.last_hint.clear()),
        Box::new(|it| it.step = 0),
        Box::new(|it| it.steps_since_switch = 0),
        Box::new(|it| (it.ll_status, it.ll_address, it.ll_owner) = (0, 0, 0)),
        Box::new(|it| it.preimage_offset = 0),
        Box::new(|it| it.active().lo = 0),
        Box::new(|it| it.active().hi = 0),
    ];
    for register in 0..32 {
        all.push(Box::new(move |it| it.active().registers[register] = 0));
    }
    for &index in state.pages.keys() {
        all.push(Box::new(move |it| drop(it.pages.remove(&index))));
        for offset in (0..PAGE).step_by(8) {
            all.push(Box::new(move |it| {
                let page = it.pages.get_mut(&index);
                page.into_iter().for_each(|page| page[offset..offset + 8].fill(0));
            }));
        }
    }
    all
}
