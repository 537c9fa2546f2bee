//! A service that runs as a child process.
//!
//! **Invariant:** it ends with the test, however the test ends.

use opal_client::{Rpc, RpcError, RpcOptions};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use std::{
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{Mutex, mpsc},
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Time for anything at all, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(crate) struct Service {
    child: Child,
    pid: u32,
    first_line: Mutex<mpsc::Receiver<String>>,
    runtime: Runtime,
}

/// The binary with these arguments, without the caller's settings.
pub(crate) fn opal(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_opal"));
    command.args(arguments).env_remove("OPAL_CONFIG").env_remove("OPAL_STATE");
    command
}

/// Ports that were free a moment ago.
pub(crate) fn free_ports(count: usize) -> Vec<String> {
    let bound: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    bound.iter().map(|it| it.local_addr().unwrap().port().to_string()).collect()
}

impl Service {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = opal(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, first_line) = mpsc::channel();
        thread::spawn(move || {
            // The receiver is gone when the test is over.
            output.lines().map_while(Result::ok).for_each(|line| drop(sender.send(line)));
        });
        let runtime = Runtime::new().unwrap();
        Self { pid: child.id(), child, first_line: Mutex::new(first_line), runtime }
    }

    /// What it prints when it is ready.
    pub(crate) fn ready(&self) -> Value {
        let line = self.first_line.lock().unwrap().recv_timeout(PATIENCE).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Asks one of its servers.
    pub(crate) fn call<T: DeserializeOwned + Send>(
        &self,
        url: &Value,
        method: &'static str,
        params: impl Serialize,
    ) -> T {
        self.try_call(url, method, params).unwrap()
    }

    /// The same of a server that may be gone.
    pub(crate) fn try_call<T: DeserializeOwned + Send>(
        &self,
        url: &Value,
        method: &'static str,
        params: impl Serialize,
    ) -> Result<T, RpcError> {
        let url = url.as_str().unwrap().parse().unwrap();
        let options = RpcOptions {
            timeout_ms: 120_000,
            max_attempts: 1,
            ..RpcOptions::new("service", vec![url])
        };
        let rpc = Rpc::new(options).unwrap();
        self.runtime.block_on(rpc.call(method, params))
    }

    /// kill -9.
    pub(crate) fn kill(&self) {
        let pid = self.pid.to_string();
        assert!(Command::new("kill").args(["-KILL", &pid]).status().unwrap().success());
    }

    /// Tells it to stop. Its status, and how long it took.
    pub(crate) fn terminate(mut self) -> (ExitStatus, u128) {
        let pid = self.pid.to_string();
        let started = Instant::now();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let status = self.child.wait().unwrap();
        (status, started.elapsed().as_millis())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
