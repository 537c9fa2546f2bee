//! What benchmarks read of their own process: CPU time and memory, from Linux's /proc.
//!
//! **Invariant:** a figure that the system does not tell is `None`, never a guess.

use std::{fs, time::Instant};

/// User CPU time of this process, in the 10 ms ticks of Linux; wall time elsewhere.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime {
    wall: Instant,
    user: Option<f64>,
}

impl CpuTime {
    /// Starts measuring.
    pub fn start() -> Self {
        Self { wall: Instant::now(), user: user_seconds() }
    }

    /// Seconds since the start.
    pub fn elapsed(&self) -> f64 {
        match (self.user, user_seconds()) {
            (Some(before), Some(after)) if after > before => after - before,
            _ => self.wall.elapsed().as_secs_f64(),
        }
    }
}

fn user_seconds() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let line = fs::read_to_string("/proc/self/stat").ok()?;
    // Fields are counted from behind the name in brackets: utime is the 14th of all.
    let ticks: f64 = line.rsplit_once(')')?.1.split_whitespace().nth(11)?.parse().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

/// Forgets the peak so far; without effect where the kernel cannot.
pub fn reset_peak_memory() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// Most resident memory since the last reset, MiB.
pub fn peak_memory_mib() -> Option<f64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: f64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes / 1024.0)
}

/// Resident memory of a process and all its descendants, MiB.
pub fn tree_memory_mib(root: u32) -> Option<f64> {
    let mut processes = Vec::new();
    for entry in fs::read_dir("/proc").ok()? {
        let name = entry.ok()?.file_name();
        let Some(id) = name.to_str().and_then(|it| it.parse::<u32>().ok()) else { continue };
        // A process may end between two looks.
        processes.extend(parent_of(id).map(|parent| (id, parent)));
    }
    let mut tree = vec![root];
    let mut next = 0;
    while let Some(&parent) = tree.get(next) {
        tree.extend(processes.iter().filter(|(_, it)| *it == parent).map(|(id, _)| *id));
        next += 1;
    }
    let kibibytes: f64 = tree.iter().filter_map(|id| resident_kib(*id)).sum();
    (kibibytes > 0.0).then_some(kibibytes / 1024.0)
}

fn parent_of(id: u32) -> Option<u32> {
    let line = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Behind the name in brackets: state, then the parent.
    line.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

fn resident_kib(id: u32) -> Option<f64> {
    let status = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}
