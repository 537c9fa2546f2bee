//! Virtual time: all machines in a fixed order, each when it is due, as fast as they go.
//!
//! **Invariant:** the same machines with the same inputs are ticked at the same times in the same order.

use crate::{clock::Clock, machine::Machine};
use tokio::sync::{mpsc, oneshot};
use tokio_util::sync::CancellationToken;

/// Rounds without time passing after which something must be broken.
const MAX_ROUNDS: u64 = 1_000_000;

/// Ticks machines.
pub(crate) struct Conductor {
    clock: Clock,
    machines: Vec<(Box<dyn Machine>, u64)>,
}

/// A machine that always has more to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{machine} still has work to do at {now_ms} ms after {MAX_ROUNDS} rounds")]
pub struct Stuck {
    /// Which one.
    machine: String,
    /// The time that does not pass.
    now_ms: u64,
}

/// Go on to this time, then say so.
#[derive(Debug)]
pub(crate) struct Advance {
    pub(crate) goal_ms: u64,
    pub(crate) done: oneshot::Sender<Result<(), Stuck>>,
}

impl Conductor {
    /// The machines in their order, all of them due at once.
    pub(crate) fn new(clock: Clock, machines: Vec<Box<dyn Machine>>) -> Self {
        Self { clock, machines: machines.into_iter().map(|it| (it, 0)).collect() }
    }

    /// Serves requests until stopped.
    pub(crate) async fn run(
        mut self,
        mut orders: mpsc::Receiver<Advance>,
        stop: CancellationToken,
    ) {
        while let Some(Some(order)) = stop.run_until_cancelled(orders.recv()).await {
            let Some(result) = stop.run_until_cancelled(self.advance_to(order.goal_ms)).await
            else {
                return;
            };
            // The one who asked may have gone.
            let _ = order.done.send(result);
        }
    }

    /// Runs everything that is due up to and including this time.
    async fn advance_to(&mut self, goal_ms: u64) -> Result<(), Stuck> {
        let mut rounds = 0;
        loop {
            let next_ms = self.machines.iter().map(|(_, due_ms)| *due_ms).min();
            let next_ms = next_ms.unwrap_or(u64::MAX);
            if next_ms > goal_ms {
                self.clock.forward_to(goal_ms);
                return Ok(());
            }
            let before_ms = self.clock.now_ms();
            self.clock.forward_to(next_ms);
            let now_ms = self.clock.now_ms();
            rounds = if now_ms > before_ms { 0 } else { rounds + 1 };
            let mut busy = None;
            for (machine, due_ms) in self.machines.iter_mut().filter(|(_, due)| *due <= now_ms) {
                *due_ms = machine.tick(now_ms).await;
                busy = Some(machine);
            }
            if let Some(machine) = busy.filter(|_| rounds > MAX_ROUNDS) {
                return Err(Stuck { machine: machine.name(), now_ms });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{FutureExt, future::BoxFuture};
    use std::sync::{Arc, Mutex};

    struct Every {
        name: &'static str,
        period_ms: u64,
        log: Arc<Mutex<Vec<String>>>,
    }

    impl Machine for Every {
        fn name(&self) -> String {
            self.name.to_owned()
        }

        fn tick(&mut self, now_ms: u64) -> BoxFuture<'_, u64> {
            self.log.lock().unwrap().push(format!("{}@{now_ms}", self.name));
            std::future::ready(now_ms + self.period_ms).boxed()
        }
    }

    #[tokio::test]
    async fn machines_are_ticked_in_order_of_time_then_of_place() {
        let log: Arc<Mutex<Vec<String>>> = Arc::default();
        let every = |name, period_ms| -> Box<dyn Machine> {
            Box::new(Every { name, period_ms, log: Arc::clone(&log) })
        };
        let clock = Clock::at(100);
        let mut conductor = Conductor::new(clock.clone(), vec![every("a", 3), every("b", 2)]);
        conductor.advance_to(106).await.unwrap();
        let expected = ["a@100", "b@100", "b@102", "a@103", "b@104", "a@106", "b@106"];
        assert_eq!(*log.lock().unwrap(), expected);
        assert_eq!(clock.now_ms(), 106);
    }

    #[tokio::test]
    async fn a_machine_that_never_rests_is_named() {
        let restless = Every { name: "restless", period_ms: 0, log: Arc::default() };
        let mut conductor = Conductor::new(Clock::at(5), vec![Box::new(restless)]);
        let error = conductor.advance_to(6).await.unwrap_err();
        assert_eq!(error.machine, "restless");
    }
}
