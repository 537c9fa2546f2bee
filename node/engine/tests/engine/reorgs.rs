//! The canonical chain goes back, sideways and forth; the flat state follows exactly.

use crate::recorded;
use crate::world::{self, World, funded};
use alloy_primitives::{Address, B256, U256};
use opal_engine::{ChainEvent, Engine, EngineError, Forkchoice, StateView, StoreLocation};
use opal_execute::StateRead;

const MEMORY: StoreLocation = StoreLocation::Memory;

/// Whose state is compared.
fn accounts() -> Vec<Address> {
    let mut accounts: Vec<_> = funded().iter().map(|key| key.address).collect();
    accounts.extend([world::COUNTER, Address::with_last_byte(0x77), Address::with_last_byte(0xfe)]);
    accounts
}

/// The state as flat tables and proofs tell it; both must agree.
fn state(engine: &Engine, block: B256) -> Vec<Row> {
    state_of(engine, block, &accounts())
}

/// Address, balance, nonce, slot 0.
type Row = (Address, U256, u64, U256);

/// The state of these accounts.
pub(crate) fn state_of(engine: &Engine, block: B256, accounts: &[Address]) -> Vec<Row> {
    let mut view = engine.state_at(block).unwrap();
    let row = |view: &mut StateView, address| {
        let account = view.account(address).unwrap();
        let slot = view.storage(address, U256::ZERO).unwrap();
        let proof = view.proof(address, &[U256::ZERO]).unwrap();
        crate::proofs::check(view.header().state_root, &proof);
        assert_eq!((proof.account, proof.slots[0].value), (account, slot));
        let (balance, nonce) = account.map_or((U256::ZERO, 0), |it| (it.balance, it.nonce));
        (address, balance, nonce, slot)
    };
    accounts.iter().map(|address| row(&mut view, *address)).collect()
}

#[test]
fn the_flat_state_is_exact_wherever_the_head_goes() {
    for world in [world::l2(MEMORY), world::l1(MEMORY, 0)] {
        let mut world = world;
        let keys = funded();
        // A tree: every block has a parent among the ones before it, from a fixed sequence.
        let mut blocks = vec![world.head()];
        let mut states = vec![state(&world.engine, world.head())];
        let mut dice = 12_345_u32;
        for index in 1..60_usize {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let parent = blocks
                [(dice >> 16) as usize % blocks.len().min(6) + blocks.len().saturating_sub(6)];
            world.salt = index as u8;
            world.follow(parent);
            let key = &keys[index % keys.len()];
            let account = world.engine.state_at(parent).unwrap().account(key.address).unwrap();
            world.engine.pool().clear();
            world.send(&key.sign(world.count(account.unwrap().nonce)));
            let built = world.build(parent);
            blocks.push(world.insert(&built));
            // Not canonical yet: read from trie nodes.
            states.push(state(&world.engine, blocks[index]));
        }
        for step in 0..200_usize {
            dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let index = (dice >> 16) as usize % blocks.len();
            world.follow(blocks[index]);
            assert_eq!(state(&world.engine, blocks[index]), states[index], "step {step}");
            let other = (dice >> 8) as usize % blocks.len();
            assert_eq!(state(&world.engine, blocks[other]), states[other], "step {step}");
        }
    }
}

#[test]
fn numbers_transactions_and_events_follow_a_reorg() {
    let mut world = world::l2(MEMORY);
    let [alice, bob, ..] = funded();
    let common = world.head();
    let mine = world.send(&alice.sign(world.count(0)));
    let old = [world.grow().block, world.grow().block];
    let mut events = world.engine.subscribe();
    world.salt = 1;
    let other = world.build(common);
    let new = world.insert(&other);
    world.follow(new);
    assert!(matches!(events.try_recv(), Ok(ChainEvent::PendingTransaction(hash)) if hash == mine));
    let Ok(ChainEvent::NewHead { added, removed }) = events.try_recv() else {
        panic!("no new head")
    };
    assert_eq!(added.iter().map(|it| it.header.hash()).collect::<Vec<_>>(), [new]);
    let hashes: Vec<_> = removed.iter().map(|it| it.header.hash()).collect();
    assert_eq!(hashes, [old[1].header.hash(), old[0].header.hash()]);
    assert_eq!(world.engine.hash_by_number(1).unwrap(), Some(new));
    assert_eq!(world.engine.hash_by_number(2).unwrap(), None);
    assert_eq!(world.engine.transaction(mine).unwrap(), None);
    // Deposits are not the pool's; Alice's transaction is again.
    let pool = world.engine.pool();
    assert_eq!(pool.status().pending, 1);
    assert!(pool.find(mine).is_some());
    assert!(world.engine.block(old[1].header.hash()).unwrap().is_some());
    let ancestor = world.engine.ancestor(old[1].header.hash(), 1).unwrap().unwrap();
    assert_eq!(ancestor.header.hash(), old[0].header.hash());
    // And back again.
    world.send(&bob.sign(world.count(0)));
    world.follow(old[1].header.hash());
    assert_eq!(world.engine.transaction(mine).unwrap().unwrap().block_number, 1);
    assert!(pool.find(mine).is_none());
    assert_eq!(pool.status().pending, 1);
}

#[test]
fn labels_must_lie_on_the_chain_of_the_head() {
    let mut world = world::l2(MEMORY);
    let common = world.head();
    let first = world.grow().block.header.hash();
    let second = world.grow().block.header.hash();
    world.salt = 1;
    let side = world.build(common);
    let side = world.insert(&side);
    let set = |head, safe, finalized| world.engine.forkchoice(Forkchoice { head, safe, finalized });
    set(second, first, common).unwrap();
    let error = set(second, side, common).unwrap_err();
    assert!(matches!(error, EngineError::InvalidForkchoice { label: "safe", .. }), "{error}");
    assert!(set(side, first, common).is_err());
    let heads = world.engine.heads();
    assert_eq!(heads.head.header.hash(), second);
    assert_eq!(heads.safe.unwrap().hash, first);
    // Zero keeps what is still true.
    set(side, B256::ZERO, B256::ZERO).unwrap();
    let heads = world.engine.heads();
    assert_eq!(heads.safe, None);
    assert_eq!(heads.finalized.unwrap().hash, common);
}

#[test]
fn recorded_chains_go_back_to_their_first_block_and_forth() {
    let Some(recorded) = recorded::open("a-allforks-singular-calldata", "reorgs::recorded") else {
        return;
    };
    let engine = recorded.l2_engine(MEMORY);
    let first = engine.heads().head.header.hash();
    let world =
        World { rules: engine.rules().clone(), engine, system_config: Default::default(), salt: 0 };
    let mut last = first;
    // None of them is the head before the last one is.
    for block in recorded.l2_blocks() {
        world.engine.insert(&block).unwrap();
        last = block.hash;
    }
    let counter = "0x000000000000000000000000000000000000c001".parse().unwrap();
    let read = |block| world.engine.state_at(block).unwrap().storage(counter, U256::ZERO).unwrap();
    let count = read(last);
    assert!(!count.is_zero());
    for _ in 0..2 {
        world.follow(last);
        assert_eq!(read(last), count);
        world.follow(first);
        assert_eq!(read(first), U256::ZERO);
        assert_eq!(read(last), count);
    }
}
