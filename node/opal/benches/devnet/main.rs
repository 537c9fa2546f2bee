//! `opal devnet` beside supersim, as their users meet them: `cargo bench -p opal --bench devnet`
//!
//! Time to ready, memory of all its processes, transactions accepted and included, and how long calls take meanwhile.
//! `load.rs` sends, `latency.rs` calls, `follow.rs` compares followers of a long L1.
//!
//! **Invariant:** both sides get the same requests from the same program on the same machine, one after the other; wall
//! time is what counts, so nothing else may run.

#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]
#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed run")]

mod follow;
mod latency;
mod load;

use opal_harness::{
    clients::{NodeClients, node_clients},
    devnet::Devnet,
    measure::tree_memory_mib,
    process::{Scratch, until},
};
use std::{path::Path, time::Duration};

/// Starts of which the median counts.
const STARTS: usize = 5;

/// Blocks of which the memory of an idle devnet is told.
const IDLE_BLOCKS: u64 = 5;

const LIMIT: Duration = Duration::from_secs(120);

/// What one side did.
struct Figures {
    ready_ms: f64,
    idle_mib: f64,
    loaded_mib: f64,
    load: load::Figures,
    idle: latency::Figures,
    loaded: latency::Figures,
}

fn main() {
    let clients = node_clients("bench devnet");
    let opal = |scratch: &Scratch| {
        let program = Path::new(env!("CARGO_BIN_EXE_opal"));
        Devnet::opal_in_memory(program, &["--chains", "2"], scratch)
    };
    let mut columns = vec![("opal devnet", measure(opal))];
    if let Some(clients) = &clients {
        columns.push(("supersim", measure(|scratch| supersim(clients, scratch))));
    }
    print(&columns);
    follow::run();
}

fn supersim(clients: &NodeClients, scratch: &Scratch) -> Devnet {
    Devnet::supersim(clients, scratch)
}

fn measure(start: impl Fn(&Scratch) -> Devnet) -> Figures {
    let mut ready: Vec<f64> = (0..STARTS)
        .map(|_| start(&Scratch::new("bench")).ready_after.as_secs_f64() * 1_000.0)
        .collect();
    ready.sort_by(f64::total_cmp);
    let scratch = Scratch::new("bench");
    let mut devnet = start(&scratch);
    let chain = devnet.chains[0].clone();
    until("blocks of an idle chain", LIMIT, || {
        chain.rpc.head("latest").filter(|(number, _)| *number >= IDLE_BLOCKS)
    });
    let id = devnet.process.id();
    let idle_mib = tree_memory_mib(id).unwrap_or(f64::NAN);
    let idle = latency::measure(&chain.rpc);
    let senders = load::sign(&chain.rpc, chain.chain_id);
    let (load, loaded) = std::thread::scope(|scope| {
        let sending = scope.spawn(|| load::run(&chain.rpc, &senders));
        let loaded = latency::measure(&chain.rpc);
        (sending.join().unwrap(), loaded)
    });
    let loaded_mib = tree_memory_mib(id).unwrap_or(f64::NAN);
    devnet.process.stop();
    Figures { ready_ms: ready[STARTS / 2], idle_mib, loaded_mib, load, idle, loaded }
}

/// One line of the table: its name, and the figure of a side.
type Row = (&'static str, fn(&Figures) -> f64);

const ROWS: [Row; 9] = [
    ("ms to ready, median of 5 starts", |it| it.ready_ms),
    ("MiB of all processes, idle", |it| it.idle_mib),
    ("MiB of all processes, after the load", |it| it.loaded_mib),
    ("transactions accepted per second", |it| it.load.accepted_per_s),
    ("transactions included per second", |it| it.load.included_per_s),
    ("ms a call takes, idle, p50", |it| it.idle.p50_ms),
    ("ms a call takes, idle, p99", |it| it.idle.p99_ms),
    ("ms a call takes under load, p50", |it| it.loaded.p50_ms),
    ("ms a call takes under load, p99", |it| it.loaded.p99_ms),
];

fn print(columns: &[(&str, Figures)]) {
    let chains = "an L1 and two L2 chains";
    println!("\n{chains}; {} transfers from {} accounts:", load::COUNT, load::ACCOUNTS);
    let names: String = columns.iter().map(|(name, _)| format!("{name:>14}")).collect();
    println!("{:<40}{names}{:>10}", "", if columns.len() > 1 { "ratio" } else { "" });
    for (name, figure) in ROWS {
        let values: Vec<f64> = columns.iter().map(|(_, it)| figure(it)).collect();
        let cells: String = values.iter().map(|it| format!("{it:>14.1}")).collect();
        let ratio = match values[..] {
            [ours, theirs] => format!("{:>10.2}", ours / theirs),
            _ => String::new(),
        };
        println!("{name:<40}{cells}{ratio}");
    }
}
