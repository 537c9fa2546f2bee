//! Decides claims about a recorded chain, natively or in the VM.
//!
//! Start with [`decide_claim`] and [`decide_claim_in_vm`].
//!
//! **Invariant:** both run the same program over the same server, so they differ in nothing but time.

use crate::{
    ClaimReport, ClaimServer, Verdict,
    native::without_verdict,
    prestate,
    vm_run::{VmRun, undetermined},
};
use alloy_primitives::B256;
use opal_execute::RevmCrypto;
use opal_program::{Boot, ClaimVerdict, decide_output};
use opal_types::{ChainSet, ChainSetError};
use std::time::Instant;

/// Decides outside of the VM.
pub fn decide_claim(server: &mut ClaimServer<'_>) -> ClaimReport {
    let boot = *server.boot();
    let mut report = ClaimReport::of(&boot, Verdict::Valid);
    let chain_set = match chain_set(server) {
        Ok(chain_set) => chain_set.to_rlp(),
        Err(error) => {
            report.verdict = undetermined(error.to_string());
            return report;
        }
    };
    let started = Instant::now();
    // Read as the program in the VM reads it, so that both read the same.
    let decided = Boot::read(server)
        .and_then(|boot| decide_output(&boot, &chain_set, server, &mut RevmCrypto));
    report.seconds = started.elapsed().as_secs_f64();
    (report.preimages_read, report.preimage_bytes) = server.read_so_far();
    report.verdict = match &decided {
        Ok(ClaimVerdict::Valid(_)) => Verdict::Valid,
        Ok(ClaimVerdict::Invalid(wrong, _)) => {
            Verdict::Invalid { field: wrong.field().into(), reason: wrong.to_string() }
        }
        Err(error) => explained(without_verdict(error), server),
    };
    if let Ok(verdict) = &decided {
        let facts = verdict.facts();
        report.agreed_block = Some(facts.agreed_number);
        report.computed_block = Some(facts.computed_number);
        report.computed_output_root = Some(facts.computed);
        report.blocks_derived = Some(facts.blocks.len() as u64);
        let blocks = facts.blocks.iter().map(|it| (it.number, it.output.block_hash));
        tell_difference(&mut report, server, blocks);
    }
    report
}

/// Decides by running `image` in the VM, with the recording's chain set in it unless it has one. `progress` hears the
/// number of steps made so far.
pub fn decide_claim_in_vm(
    image: &[u8],
    server: &mut ClaimServer<'_>,
    progress: &mut dyn FnMut(u64),
) -> ClaimReport {
    let mut report = ClaimReport::of(server.boot(), Verdict::Valid);
    let run = match image_with_chains(image, server) {
        Ok(image) => VmRun::of(&image, server, progress).map_err(|error| error.to_string()),
        Err(reason) => Err(reason),
    };
    let run = match run {
        Ok(run) => run,
        Err(reason) => {
            report.verdict = undetermined(format!("the guest image cannot be used: {reason}"));
            return report;
        }
    };
    report.seconds = run.seconds;
    (report.preimages_read, report.preimage_bytes) = server.read_so_far();
    report.agreed_block = run.said.fact("agreed_number");
    report.computed_block = run.said.fact("computed_number");
    report.computed_output_root = run.said.fact("computed");
    report.blocks_derived = run.said.fact("blocks_derived");
    report.verdict = explained(verdict(&run, &report), server);
    report.vm = Some(run.figures);
    let blocks = run.said.facts_of("block").filter_map(|line| {
        let (number, hash) = line.split_once(' ')?;
        Some((number.parse().ok()?, hash.parse().ok()?))
    });
    tell_difference(&mut report, server, blocks);
    report
}

/// "Valid" must come with the root it is about.
fn verdict(run: &VmRun, report: &ClaimReport) -> Verdict {
    match run.exit() {
        Ok(0) if report.computed_output_root == Some(report.claimed_output_root) => Verdict::Valid,
        Ok(1) => Verdict::Invalid {
            field: run.said.fact("field").unwrap_or_else(|| "claimed_output_root".into()),
            reason: run.said.fact("reason").unwrap_or_else(|| "the program gives no reason".into()),
        },
        Ok(code) => run.odd_exit(Some(code)),
        Err(verdict) => verdict,
    }
}

/// The image as games have it: with a chain set.
fn image_with_chains(image: &[u8], server: &ClaimServer<'_>) -> Result<Vec<u8>, String> {
    if prestate::chain_set_of_image(image).map_err(|error| error.to_string())?.is_some() {
        return Ok(image.to_vec());
    }
    let chain_set = chain_set(server).map_err(|error| error.to_string())?;
    prestate::fill(image, &chain_set).map_err(|error| error.to_string())
}

fn chain_set(server: &ClaimServer<'_>) -> Result<ChainSet, ChainSetError> {
    let recording = server.recording();
    ChainSet::new(vec![recording.config.clone()], recording.l1_config.clone())
}

/// Says what the host knows about a missing pre-image.
fn explained(mut verdict: Verdict, server: &ClaimServer<'_>) -> Verdict {
    if let Verdict::Undetermined { reason, missing_key: Some(_) } = &mut verdict
        && let Some(fault) = server.fault()
    {
        *reason = format!("{reason}: {fault}");
    }
    verdict
}

/// The first derived block that is not the recorded one; else the first that the claim has and L1 has not.
fn tell_difference(
    report: &mut ClaimReport,
    server: &ClaimServer<'_>,
    blocks: impl Iterator<Item = (u64, B256)>,
) {
    if !matches!(report.verdict, Verdict::Invalid { .. }) {
        return;
    }
    let recorded = &server.recording().l2;
    let mut others = blocks.filter(|(number, hash)| {
        recorded.get(number).is_some_and(|recorded| recorded.header.hash() != *hash)
    });
    let next = report.computed_block.map(|it| it.saturating_add(1));
    let claimed = next.map(|next| next.min(report.claimed_block));
    report.first_difference = others.next().map(|(number, _)| number).or(claimed);
}
