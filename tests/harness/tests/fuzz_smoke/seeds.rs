//! Good inputs for each target: from the vectors, and made by hand where these have none.
//!
//! **Invariant:** no vectors, fewer seeds; each target has at least one in any case.

mod made;
mod recorded;

/// A good input.
#[derive(Debug)]
pub(crate) struct Seed {
    pub(crate) target: &'static str,
    pub(crate) bytes: Vec<u8>,
}

pub(crate) fn all() -> Vec<Seed> {
    made::seeds().into_iter().chain(recorded::seeds()).collect()
}

/// A piece with its length in front, as targets take their inputs apart.
fn piece(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).expect("a piece is short");
    [&length.to_be_bytes(), bytes].concat()
}
