//! Blocks without users' transactions.

use super::{L2_TIME, config};
use opal_driver::sequencer::pool_rule::keeps_pool_out;
use opal_types::{Fork, ForkTimes};

fn times(fork: Fork, time: u64) -> ForkTimes {
    let mut times = ForkTimes::default();
    let field = match fork {
        Fork::Bedrock => return times,
        Fork::Regolith => &mut times.regolith,
        Fork::Canyon => &mut times.canyon,
        Fork::Delta => &mut times.delta,
        Fork::Ecotone => &mut times.ecotone,
        Fork::Fjord => &mut times.fjord,
        Fork::Granite => &mut times.granite,
        Fork::Holocene => &mut times.holocene,
        Fork::Isthmus => &mut times.isthmus,
        Fork::Jovian => &mut times.jovian,
        Fork::Karst => &mut times.karst,
        Fork::Lagoon => &mut times.lagoon,
    };
    *field = Some(time);
    times
}

#[test]
fn activation_blocks_are_empty_where_the_go_node_leaves_them_empty() {
    let empty =
        [Fork::Ecotone, Fork::Fjord, Fork::Isthmus, Fork::Jovian, Fork::Karst, Fork::Lagoon];
    for fork in Fork::ALL {
        let at = L2_TIME + 100;
        let config = config(times(fork, at));
        let is_empty = |timestamp| keeps_pool_out(&config, timestamp, timestamp);
        assert_eq!(is_empty(at), empty.contains(&fork), "{}", fork.name());
        assert!(!is_empty(at - 2) && !is_empty(at + 2), "{}", fork.name());
    }
}

#[test]
fn beyond_the_drift_blocks_are_empty() {
    let bedrock = config(ForkTimes::default());
    assert!(!keeps_pool_out(&bedrock, L2_TIME + 600, L2_TIME));
    assert!(keeps_pool_out(&bedrock, L2_TIME + 602, L2_TIME));
    let fjord = config(times(Fork::Fjord, 1));
    assert!(!keeps_pool_out(&fjord, L2_TIME + 1800, L2_TIME));
    assert!(keeps_pool_out(&fjord, L2_TIME + 1802, L2_TIME));
}
