//! Derivation as a whole: the input fills L1 blocks, and a node reads them.
//!
//! Start with [`run`]. `world` holds both chains, `command` what an input can do to them.
//!
//! **Invariant:** whatever stands on L1, a node ends its step, reaches the same blocks when it starts afresh, and
//! goes on with empty blocks when a sequencing window passes (D12).

mod command;
mod node;
mod world;

use super::{forks, input::Input};
use command::Player;
use node::Node;
use opal_derive::{Fault, StartError};
use world::World;

/// Most commands of an input.
const MAX_COMMANDS: usize = 64;

/// A fork, when it activates, and commands.
pub(crate) fn run(data: &[u8]) {
    let mut input = Input(data);
    let fork = forks::fork(input.number());
    let activates_at = world::L1_TIME + u64::from(input.number() % 32) * 2;
    let mut player = Player::new(World::new(forks::times(fork, activates_at)));
    for _ in 0..MAX_COMMANDS {
        let Some(kind) = input.byte() else { break };
        if let Err(fault) = player.obey(kind, &mut input) {
            return check(&fault);
        }
    }
    match finish(&mut player) {
        Ok(()) => {}
        Err(fault) => check(&fault),
    }
}

/// Lets the window pass, and compares with a node that starts now. A node notices that L1 blocks were replaced
/// only when L1 is longer than it was before.
fn finish(player: &mut Player) -> Result<(), Fault> {
    let window = player.world.config.seq_window_size;
    let end = player.world.highest + window + 2;
    while (player.world.l1.len() as u64) <= end {
        player.mine()?;
    }
    let head = player.world.l1.len() as u64 - 1;
    let safe = *player.node.derivation.safe_head();
    assert!(safe.l1_origin.number + window + 1 >= head, "the chain stands still: {safe:?}, {head}");
    let mut fresh = Node::new(&player.world);
    fresh.run(&mut player.world)?;
    assert_eq!(fresh.derivation.safe_head(), &safe, "a node that starts now reaches the same");
    Ok(())
}

/// Only what nobody can go on from may end derivation (D16, D25).
fn check(fault: &Fault) {
    let is_expected = matches!(
        fault,
        Fault::MalformedDeposit { .. }
            | Fault::MalformedReceipts { .. }
            | Fault::Scalar(_)
            | Fault::Start(StartError::TooDeep { .. })
    );
    assert!(is_expected, "{fault}");
}
