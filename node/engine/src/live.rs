//! The state that the next block will most likely be executed on, kept between calls.
//!
//! Start with [`Live::at`]. The state follows the blocks that are executed on it; what was read
//! stays known, so that a block that touches little costs little.
//!
//! **Invariant:** while `view` is flat, the flat tables are at `base` or at a block of `path`, and
//! whatever those blocks changed is remembered in `view`.

use crate::store::{Snapshot, Store};
use crate::{StateView, StoreError};
use alloy_consensus::Header;
use alloy_primitives::{B256, Sealed};
use std::sync::Arc;

/// Entries that are kept at most.
const MAX_HELD: usize = 200_000;
/// Blocks executed without a forkchoice.
const MAX_PATH: usize = 1024;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Live {
    state: Option<State>,
}

#[derive(Debug)]
struct State {
    view: StateView,
    /// Where the flat tables were when `path` was empty.
    base: B256,
    /// Blocks executed since.
    path: Vec<B256>,
}

impl State {
    fn new(snapshot: Arc<Snapshot>, parent: &Sealed<Header>, is_flat: bool) -> Self {
        let view = StateView::new(snapshot, parent.clone(), is_flat);
        Self { view, base: parent.hash(), path: Vec::new() }
    }

    fn is_small(&self) -> bool {
        self.view.held() < MAX_HELD && self.path.len() < MAX_PATH
    }
}

impl Live {
    /// The state after `parent`, a stored block, with `head` as the canonical one.
    pub(crate) fn at(
        &mut self,
        store: &Store,
        parent: &Sealed<Header>,
        head: B256,
    ) -> Result<&mut StateView, StoreError> {
        let snapshot = Arc::new(store.read()?);
        let known = self.state.take();
        let known = known.filter(|it| it.view.header().hash() == parent.hash() && it.is_small());
        let state = match known {
            Some(mut state) => {
                state.view.read_from(Some(snapshot));
                state
            }
            None => State::new(snapshot, parent, parent.hash() == head),
        };
        Ok(&mut self.state.insert(state).view)
    }

    /// A block was executed on the state.
    pub(crate) fn follow(&mut self, header: &Sealed<Header>) {
        if let Some(state) = &mut self.state {
            state.view.follow(header);
            state.view.read_from(None);
            state.path.push(header.hash());
        }
    }

    /// Nothing changed; whatever was read may stay known.
    pub(crate) fn rest(&mut self) {
        if let Some(state) = &mut self.state {
            state.view.read_from(None);
        }
    }

    /// Execution stopped halfway.
    pub(crate) fn forget(&mut self) {
        self.state = None;
    }

    /// The flat tables are now those of `head`.
    pub(crate) fn flat_moved(&mut self, head: B256) {
        let Some(state) = &mut self.state else { return };
        if state.view.header().hash() == head {
            state.view.became_flat();
            state.base = head;
            state.path.clear();
        } else if state.view.is_flat() && state.base != head && !state.path.contains(&head) {
            self.state = None;
        }
    }
}
