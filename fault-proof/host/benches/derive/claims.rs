//! What claims cost in the VM: one block each, an early one and one in the middle.
//!
//! **Invariant:** every claim is right and found to be.

use crate::name;
use opal_harness::{
    guest_image,
    measure::{peak_memory_mib, reset_peak_memory},
};
use opal_host::{
    Archive, ClaimReport, ClaimServer, Recording, Verdict, archive_recorded, decide_claim_in_vm,
};
use opal_program::Boot;
use std::path::PathBuf;

/// The second block: its parent is one that was derived.
const EARLY: u64 = 2;

pub(crate) fn run(folders: &[PathBuf]) {
    let Some(image) = guest_image("opal-guest", "claims in the VM") else { return };
    println!("Claims of one block in the VM, pre-image reads included:");
    println!(
        "{:<34} {:>5} {:>8} {:>12} {:>13} {:>10} {:>7} {:>6} {:>5} {:>9}",
        "recording",
        "block",
        "Msteps",
        "Msteps/block",
        "Msteps/Mgas",
        "pre-images",
        "KiB",
        "s",
        "M/s",
        "peak MiB"
    );
    for folder in folders {
        let recording = Recording::open(folder).unwrap();
        recording.check_blobs().unwrap();
        let archive = archive_recorded(&recording).unwrap();
        for block in [EARLY, archive.head().number / 2] {
            reset_peak_memory();
            let report = decide(&image, &recording, &archive, block);
            print(name(folder), &archive, &report);
        }
    }
}

fn decide(image: &[u8], recording: &Recording, archive: &Archive, block: u64) -> ClaimReport {
    let root = |number| archive.output_root(number).unwrap().hash();
    let boot = Boot {
        l1_head: *recording.l1_heads.last().unwrap(),
        agreed_output_root: root(block - 1),
        claimed_output_root: root(block),
        claimed_number: block,
        chain_id: recording.config.l2_chain_id,
    };
    let mut server = ClaimServer::new(recording, archive, boot);
    let report = decide_claim_in_vm(image, &mut server, &mut |_| {});
    assert_eq!(report.verdict, Verdict::Valid, "{report}");
    report
}

fn print(name: &str, archive: &Archive, report: &ClaimReport) {
    let figures = report.vm.unwrap();
    let block = report.claimed_block;
    let blocks = report.blocks_derived.unwrap() as f64;
    let gas = archive.block_by_number(block).unwrap().header.gas_used;
    let steps = figures.steps as f64 / 1e6;
    let (per_block, per_mgas) = (steps / blocks, steps / (gas as f64 / 1e6));
    let (reads, kibibytes) = (report.preimages_read, report.preimage_bytes as f64 / 1024.0);
    let (seconds, speed) = (report.seconds, figures.steps_per_second / 1e6);
    let peak = peak_memory_mib().unwrap_or(f64::NAN);
    println!(
        "{name:<34} {block:>5} {steps:>8.1} {per_block:>12.1} {per_mgas:>13.0} {reads:>10} \
         {kibibytes:>7.0} {seconds:>6.2} {speed:>5.0} {peak:>9.0}"
    );
}
