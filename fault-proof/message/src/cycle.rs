//! Messages that wait for each other in one second, and the chains whose blocks are replaced
//! because of that (I6).
//!
//! Start with [`unresolved_chains`]. A node is a log that executes a message of its own timestamp.
//! It needs the node before it in its block, and the last node at or before the log it names:
//! before those, it cannot be. Nodes that nothing needs are taken away until none is left to take;
//! what remains leads into a cycle or is on one.
//!
//! **Invariant:** where a message points is all that counts. Whether a log is there and says what
//! it should is another rule's question (I5), so a message that is wrong still takes part. Time is
//! that of sorting the input, and nothing recurses: anybody may have written the blocks.

use crate::Identifier;
use alloc::{collections::BTreeSet, vec, vec::Vec};
use alloy_primitives::U256;

/// Where a log is among all of one second. Places of a chain lie together, in the block's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LogPlace {
    /// Its chain.
    pub chain_id: U256,
    /// Its place among all logs of the block.
    pub log_index: u32,
}

/// A message that is executed in the second in which it is initiated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimultaneousMessage {
    /// The log of the inbox that executes it.
    pub executing: LogPlace,
    /// The log it relies on, as its identifier says.
    pub initiating: LogPlace,
}

/// What becomes of a chain that a cycle needs and that is not on a cycle itself (I6).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Prerequisites {
    /// It is replaced with the cycle, if a simultaneous message of its own is needed: what
    /// op-supernode and kona do (v1.19.6).
    #[default]
    ShareTheFate,
    /// It stays, only chains on a cycle are replaced: what monorepo#22825 asks for. A node that
    /// decides so leaves those that do not.
    AreSpared,
}

impl SimultaneousMessage {
    /// A message that a block of this timestamp executes; `None` if it is of another second, since
    /// then it waits for nothing.
    pub fn new(executing: LogPlace, block_timestamp: u64, message: &Identifier) -> Option<Self> {
        let Identifier { chain_id, log_index, timestamp, .. } = *message;
        let initiating = LogPlace { chain_id, log_index };
        (timestamp == block_timestamp).then_some(Self { executing, initiating })
    }
}

/// The chains whose blocks of this second are replaced because of cycles (I6): all that still have a
/// node in the end.
///
/// All simultaneous messages of all chains with a block of this very timestamp are to be given, in
/// any order. Those who only need a chain that is returned are not returned with it: once it is
/// replaced, their message is missing (I5).
pub fn unresolved_chains(
    messages: &[SimultaneousMessage],
    prerequisites: Prerequisites,
) -> BTreeSet<U256> {
    unresolved_messages(messages, prerequisites).iter().map(|it| it.chain_id).collect()
}

/// The executing logs for which [`unresolved_chains`] names their chains, in order.
///
/// A log executes one message. Of a place that is given twice the first counts.
pub fn unresolved_messages(
    messages: &[SimultaneousMessage],
    prerequisites: Prerequisites,
) -> Vec<LogPlace> {
    let mut nodes = messages.to_vec();
    nodes.sort_by_key(|it| it.executing);
    nodes.dedup_by_key(|it| it.executing);
    let needs = needs(&nodes);
    let unresolved = match prerequisites {
        Prerequisites::ShareTheFate => needed_in_the_end(&needs),
        Prerequisites::AreSpared => on_a_cycle(&needs),
    };
    let unresolved = nodes.iter().zip(unresolved).filter(|(_, unresolved)| *unresolved);
    unresolved.map(|(node, _)| node.executing).collect()
}

/// The nodes that one needs: the one before it, and the one behind its message.
type Needs = [Option<usize>; 2];

/// Expects the nodes in the order of their places.
fn needs(nodes: &[SimultaneousMessage]) -> Vec<Needs> {
    let last_until = |place: LogPlace| {
        let at = nodes.partition_point(|it| it.executing <= place).checked_sub(1)?;
        let found = nodes.get(at)?.executing;
        (found.chain_id == place.chain_id).then_some(at)
    };
    let before = |place: LogPlace| {
        last_until(LogPlace { log_index: place.log_index.checked_sub(1)?, ..place })
    };
    nodes.iter().map(|it| [before(it.executing), last_until(it.initiating)]).collect()
}

/// Takes nodes that nothing needs away, and so on; tells for each whether it stayed.
fn needed_in_the_end(needs: &[Needs]) -> Vec<bool> {
    let mut needed_by = vec![0usize; needs.len()];
    for need in needs.iter().flatten().flatten() {
        if let Some(count) = needed_by.get_mut(*need) {
            *count = count.saturating_add(1);
        }
    }
    let free = needed_by.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut free: Vec<usize> = free.map(|(node, _)| node).collect();
    while let Some(node) = free.pop() {
        for need in needs.get(node).into_iter().flatten().flatten() {
            let Some(count) = needed_by.get_mut(*need) else { continue };
            *count = count.saturating_sub(1);
            if *count == 0 {
                free.push(*need);
            }
        }
    }
    needed_by.into_iter().map(|count| count > 0).collect()
}

/// Tells for each node whether it needs itself, in however many steps.
fn on_a_cycle(needs: &[Needs]) -> Vec<bool> {
    let mut search = Search {
        needs,
        states: vec![State::Unseen; needs.len()],
        open: Vec::new(),
        starts: Vec::new(),
        path: Vec::new(),
    };
    for root in 0..needs.len() {
        search.run(root);
    }
    search.states.into_iter().map(|it| it == State::Closed { cyclic: true }).collect()
}

/// Gabow's search for strongly connected components. It is exact where taking away from both ends
/// is not: that would keep what lies between two cycles.
struct Search<'a> {
    needs: &'a [Needs],
    states: Vec<State>,
    /// Nodes whose component may still grow, oldest first.
    open: Vec<usize>,
    /// Where in `open` the components found so far start.
    starts: Vec<usize>,
    /// From the root to the node that is looked at.
    path: Vec<Visit>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Unseen,
    /// In a component that may still grow, at this position in `open`.
    Open(usize),
    /// In a component that is complete.
    Closed {
        cyclic: bool,
    },
}

struct Visit {
    node: usize,
    /// Position in `open`.
    position: usize,
    /// What is still to be followed.
    needs: Needs,
}

impl Search<'_> {
    /// Closes the node and all it needs.
    fn run(&mut self, root: usize) {
        self.enter(root);
        while let Some(visit) = self.path.last_mut() {
            match visit.needs.iter_mut().find_map(Option::take) {
                Some(need) => self.enter(need),
                None => self.leave(),
            }
        }
    }

    fn enter(&mut self, node: usize) {
        let Some(state) = self.states.get_mut(node) else { return };
        match *state {
            State::Unseen => {
                let position = self.open.len();
                *state = State::Open(position);
                self.open.push(node);
                self.starts.push(position);
                let needs = self.needs.get(node).copied().unwrap_or_default();
                self.path.push(Visit { node, position, needs });
            }
            // A cycle: everything since then is one component.
            State::Open(position) => {
                while self.starts.pop_if(|start| *start > position).is_some() {}
            }
            State::Closed { .. } => {}
        }
    }

    fn leave(&mut self) {
        let Some(Visit { node, position, .. }) = self.path.pop() else { return };
        if self.starts.pop_if(|start| *start == position).is_none() {
            return;
        }
        let alone = self.open.last() == Some(&node);
        let needs_itself = self.needs.get(node).is_some_and(|it| it.contains(&Some(node)));
        let closed = State::Closed { cyclic: !alone || needs_itself };
        while self.open.len() > position {
            let member = self.open.pop().and_then(|it| self.states.get_mut(it));
            if let Some(state) = member {
                *state = closed;
            }
        }
    }
}
