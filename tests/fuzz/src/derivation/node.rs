//! A node: a derivation, and an engine that builds what it says.

use super::world::World;
use opal_derive::{Begin, Derivation, Derived, EngineHeads, Fault, Step};
use opal_types::L1Config;

/// More steps than any input needs until L1 is read: beyond, derivation runs in circles.
const MAX_STEPS: usize = 100_000;

/// See the module.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) derivation: Derivation,
}

impl Node {
    pub(crate) fn new(world: &World) -> Self {
        let genesis = world.genesis.clone();
        let heads =
            EngineHeads { unsafe_head: genesis.clone(), safe: genesis.clone(), finalized: genesis };
        let l1 = L1Config::builtin(1).expect("mainnet is built in");
        let begin = Begin::Heads(heads.into());
        let mut derivation =
            Derivation::new(world.config.clone(), l1, &begin).expect("genesis is a start");
        derivation.explain();
        Self { derivation }
    }

    /// Reads until L1 has nothing more.
    pub(crate) fn run(&mut self, world: &mut World) -> Result<(), Fault> {
        for _ in 0..MAX_STEPS {
            match self.derivation.step()? {
                Step::Idle => return Ok(()),
                Step::Need(request) => {
                    let supplied = self.derivation.supply(&request, world.answer(&request));
                    assert_eq!(supplied, Ok(()), "{request:?}");
                }
                Step::Started(_) => {}
                Step::Ready(derived) => self.build(world, &derived)?,
            }
            for note in self.derivation.take_notes() {
                assert!(!note.reason.to_string().is_empty());
            }
        }
        panic!("no end after {MAX_STEPS} steps");
    }

    fn build(&mut self, world: &mut World, derived: &Derived) -> Result<(), Fault> {
        match world.execute(derived.parent.hash, &derived.attributes) {
            Some(block) => {
                let accepted = self.derivation.accept(&block);
                assert!(accepted.is_ok(), "{accepted:?}");
                Ok(())
            }
            None => self.derivation.refuse(),
        }
    }
}
