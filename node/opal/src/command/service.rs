//! What long-running commands share: logs, the runtime, status lines, and an end when told to.
//!
//! **Invariant:** a service ends within a second of SIGINT or SIGTERM, and only then or when it failed.

use super::complain;
use crate::exit::Exit;
use clap::Args;
use std::{fmt::Display, future::Future, io::IsTerminal, time::Duration};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

/// Between two status lines.
const STATUS_EVERY: Duration = Duration::from_secs(4);

/// How much is logged.
#[derive(Debug, Args)]
pub(super) struct LogFlags {
    /// What to log: a level, or targets with levels (opal_driver=debug,warn).
    #[arg(
        long = "log.level",
        env = "OPAL_LOG_LEVEL",
        value_name = "FILTER",
        default_value = "warn"
    )]
    log_level: String,
    /// Log lines as JSON objects.
    #[arg(long = "log.json", env = "OPAL_LOG_JSON")]
    log_json: bool,
}

/// Sends logs to standard error.
pub(super) fn log_to_stderr(flags: &LogFlags) {
    let filter = EnvFilter::new(&flags.log_level);
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    // Only one subscriber can be set, and a second call changes nothing.
    let _ = if flags.log_json { builder.json().try_init() } else { builder.try_init() };
}

/// Runs a service on a runtime of its own.
pub(super) fn block_on(service: impl Future<Output = Exit>) -> Exit {
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => {
            let exit = runtime.block_on(service);
            // Whatever still hangs on a socket or a disk is left to the end of the process.
            runtime.shutdown_background();
            exit
        }
        Err(error) => {
            complain(&format!("no threads: {error}"));
            Exit::Io
        }
    }
}

/// Prints status lines until a signal comes or the service fails.
pub(super) async fn run_until_stopped<S: Display>(
    failed: impl Future<Output = String>,
    status: impl Fn() -> S,
) -> Exit {
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    let [Ok(mut interrupt), Ok(mut terminate)] = signals else {
        complain("signals cannot be received");
        return Exit::Io;
    };
    let mut failed = std::pin::pin!(failed);
    let mut interval = tokio::time::interval(STATUS_EVERY);
    interval.tick().await;
    loop {
        tokio::select! {
            _ = interrupt.recv() => return Exit::Done,
            _ = terminate.recv() => return Exit::Done,
            reason = &mut failed => {
                complain(&reason);
                return Exit::Io;
            }
            _ = interval.tick() => complain(&status().to_string()),
        }
    }
}
