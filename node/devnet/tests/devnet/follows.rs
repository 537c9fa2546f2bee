//! Chains become safe through batches on L1, and followers agree.

use crate::world::{Sent, World, balance_of, options, send};
use alloy_primitives::{Address, Bytes, TxKind, U256};
use alloy_sol_types::SolCall;
use opal_abi::l1::OptimismPortal;
use opal_devnet::Orphans;

#[tokio::test(flavor = "multi_thread")]
async fn blocks_become_safe_and_final_and_a_follower_has_the_same() {
    let world = World::start(options(2)).await;
    let follower = world.follower().await;
    world.advance(120).await;
    for chain in world.devnet.status().chains {
        assert_eq!(chain.unsafe_number, 60, "{chain}");
        assert!(chain.safe_number > 40, "{chain}");
        assert!(chain.finalized_number > 0, "{chain}");
    }
    world.check_agrees(&follower).await;
    follower.stop().await;
    world.devnet.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn transactions_and_deposits_reach_the_chain() {
    let world = World::start(options(1)).await;
    let (stranger, guest) = (Address::repeat_byte(0x11), Address::repeat_byte(0x22));
    let (sent, ..) = send(world.l2(0), 0, Sent::transfer(stranger, 7)).unwrap();
    let deposit = OptimismPortal::depositTransactionCall {
        _to: guest,
        _value: U256::from(9),
        _gasLimit: 100_000,
        _isCreation: false,
        _data: Bytes::new(),
    };
    let sent_on_l1 = Sent {
        to: TxKind::Call(world.devnet.genesis().chains[0].config.deposit_contract),
        value: U256::from(9),
        input: deposit.abi_encode().into(),
        gas: 500_000,
    };
    // Of another user: a deposit counts as its sender's transaction on the chain, and takes a nonce there.
    send(world.devnet.l1().unwrap().engine(), 1, sent_on_l1).unwrap();
    world.until(60, "the deposit", |it| balance_of(it.l2(0), guest) == U256::from(9)).await;
    assert_eq!(balance_of(world.l2(0), stranger), U256::from(7));
    assert!(world.l2(0).transaction(sent).unwrap().is_some());
    let follower = world.follower().await;
    world.advance(60).await;
    world.check_agrees(&follower).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn chains_follow_l1_through_reorgs() {
    let mut asked = options(1);
    asked.finality_depth = 32;
    let world = World::start(asked).await;
    let follower = world.follower().await;
    for depth in [1, 3, 12, 20] {
        world.advance(60).await;
        world.devnet.l1().unwrap().reorg(depth, Orphans::Return).unwrap();
    }
    let before = world.safe(0);
    world.advance(120).await;
    assert!(world.safe(0) > before + 30, "{}", world.devnet.status());
    world.check_agrees(&follower).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_balance_is_set_by_a_deposit() {
    let world = World::start(options(1)).await;
    let guest = Address::repeat_byte(0x33);
    let wanted = U256::from(5_000_000_000_000_000_000_u64);
    let url = &world.devnet.endpoints().chains[0].rpc;
    let _: serde_json::Value = World::call(url, "anvil_setBalance", (guest, wanted)).await;
    assert_eq!(balance_of(world.l2(0), guest), wanted);
}
