//! Fuzz targets: one function over arbitrary bytes for every decoder, and one for derivation as a whole.
//!
//! Start with [`TARGETS`]. `src/bin` gives each to libFuzzer (`make fuzz`); `tests/harness/tests/fuzz_smoke`
//! takes this file in and runs each on seeds and their mutations (`make test`).
//!
//! **Invariant:** a finding is a panic. A target keeps no state, and reads neither clock nor randomness, so an
//! input alone repeats a finding.

mod blob;
mod canonical;
mod channel;
mod derivation;
mod files;
mod forks;
mod frames;
mod input;
mod l1;
mod recording;
mod transaction;
mod trie;
mod vm;
mod wire;

/// What a fuzzer calls.
pub type Target = fn(&[u8]);

macro_rules! targets {
    ($($(#[$doc:meta])* $name:ident = $function:path,)*) => {
        $($(#[$doc])* pub fn $name(data: &[u8]) { $function(data); })*

        /// All targets by name; each has a program of that name in `src/bin`.
        pub const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name),)*];
    };
}

targets! {
    /// One batch, singular or span (D6, D7).
    batch = channel::batch,
    /// One blob (D23).
    blob = blob::run,
    /// One compressed channel (D5); the first byte chooses its limits.
    channel = channel::run,
    /// The chain set of a guest image.
    chain_set = wire::chain_set,
    /// Text forms of chain configs; the first byte chooses the form.
    config_file = files::config,
    /// One change of the system config (D18).
    config_update = l1::config_update,
    /// The canonical RLP forms.
    configs = canonical::configs,
    /// One deposit (D16).
    deposit_log = l1::deposit_log,
    /// Commands that fill L1 blocks; derivation reads them.
    derivation = derivation::run,
    /// One guest program.
    elf = vm::elf,
    /// One batcher transaction (D2).
    frames = frames::run,
    /// One hint (F5).
    hint = canonical::hint,
    /// The call of an L1 attributes transaction (D17), and extra data of an L2 header.
    l1_info = l1::info,
    /// One L1 header of either flavour.
    l1_header = l1::header,
    /// Interop messages: a log that relies on one (I4), an access list (I3).
    message = wire::message,
    /// One gossiped payload (N2); the first byte chooses its version.
    payload = wire::payload,
    /// One request to the precompile oracle (F2).
    precompile = files::precompile,
    /// One file of pre-images.
    preimage_file = files::preimages,
    /// One file of a recording; the first byte chooses which.
    recording = recording::run,
    /// Output roots, super roots and transition states.
    roots = canonical::roots,
    /// One state of the VM.
    state_file = vm::state_file,
    /// One L2 transaction and its execution.
    transaction = transaction::run,
    /// Operations on a trie whose nodes come from somebody else.
    trie = trie::run,
}
