//! Machines at work: each in a task of its own under a real clock, all under the conductor with a virtual one.
//!
//! **Invariant:** no task outlives [`Running`].

use crate::{
    clock::{Clock, ClockMode},
    conductor::{Advance, Conductor},
    machine::{Machine, Wakes, run_alone},
};
use std::{future::Future, time::Duration};
use tokio::{
    sync::{mpsc, watch},
    task::{JoinHandle, JoinSet},
};
use tokio_util::sync::CancellationToken;

/// Time that tasks have to end by themselves.
const GRACE: Duration = Duration::from_millis(300);

/// Tasks, and the name of the first that ended.
#[derive(Debug)]
pub(crate) struct Running {
    stop: CancellationToken,
    tasks: JoinSet<()>,
    ended: watch::Sender<Option<String>>,
    blobs: Option<JoinHandle<()>>,
}

/// Tells that a task ended, whether it returned or panicked.
struct Tell {
    name: String,
    ended: watch::Sender<Option<String>>,
}

impl Drop for Tell {
    fn drop(&mut self) {
        let name = std::mem::take(&mut self.name);
        self.ended.send_if_modified(|first| {
            let is_first = first.is_none();
            if is_first {
                *first = Some(name);
            }
            is_first
        });
    }
}

impl Running {
    pub(crate) fn new() -> Self {
        let stop = CancellationToken::new();
        Self { stop, tasks: JoinSet::new(), ended: watch::Sender::new(None), blobs: None }
    }

    /// Starts the machines. `orders` is where the conductor, if there is one, is told to go on.
    pub(crate) fn start(
        &mut self,
        machines: Vec<Box<dyn Machine>>,
        clock: &Clock,
        wakes: &Wakes,
        orders: mpsc::Receiver<Advance>,
    ) {
        match clock.mode() {
            ClockMode::Virtual => {
                let conductor = Conductor::new(clock.clone(), machines);
                self.add("the conductor", |stop| conductor.run(orders, stop));
            }
            ClockMode::Real => {
                for machine in machines {
                    let (name, clock, wakes) = (machine.name(), clock.clone(), wakes.listen());
                    self.add(&name, |stop| run_alone(machine, clock, wakes, stop));
                }
            }
        }
    }

    /// Loads what blobs need in the background: the first batch would wait for it.
    pub(crate) fn prepare_blobs(&mut self) {
        self.blobs = Some(tokio::task::spawn_blocking(|| {
            opal_client::kzg::settings();
        }));
    }

    /// Adds a task that ends when told to.
    pub(crate) fn add<F>(&mut self, name: &str, task: impl FnOnce(CancellationToken) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let tell = Tell { name: name.to_owned(), ended: self.ended.clone() };
        let task = task(self.stop.clone());
        self.tasks.spawn(async move {
            let _tell = tell;
            task.await;
        });
    }

    /// Returns when a task ended that was not told to.
    pub(crate) async fn failed(&self) -> String {
        let mut ended = self.ended.subscribe();
        match ended.wait_for(Option::is_some).await {
            Ok(name) => format!("{} has ended: look at the log", name.as_deref().unwrap_or("?")),
            Err(_) => "all tasks have ended".to_owned(),
        }
    }

    /// Tells all tasks to end, and ends those that do not.
    pub(crate) async fn stop(mut self) {
        self.stop.cancel();
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, ended).await.is_err() {
            self.tasks.abort_all();
        }
    }
}
