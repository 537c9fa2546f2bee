//! The section of the guest image that holds the chain set (design.md decision 3): magic, length, RLP, zeros.
//!
//! `opal prestate build` fills it without a compiler, so the configs of a claim are part of the absolute prestate. The
//! empty section of a fresh image makes the image one for development.
//!
//! **Invariant:** the guest reads what [`fill`] wrote, or refuses the section.

use opal_types::ChainSet;

/// Name of the section.
pub const SECTION_NAME: &str = ".opal.chains";
/// Its size, fixed: filling it moves nothing else in the image.
pub const SECTION_BYTES: usize = 65_536;
/// How it begins.
pub const SECTION_MAGIC: [u8; 16] = *b"opal chain set 1";
/// Bytes before the chain set: magic and length (8, big-endian).
pub const SECTION_HEAD_BYTES: usize = 24;
/// Room for the chain set.
pub const SECTION_ROOM: usize = SECTION_BYTES.saturating_sub(SECTION_HEAD_BYTES);

/// Why a section has no chain set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SectionError {
    /// Another program's section, or none.
    #[error("section {SECTION_NAME} does not begin with its magic")]
    NoMagic,
    /// The section has one size.
    #[error("section {SECTION_NAME} has {found} bytes, not {SECTION_BYTES}")]
    Size {
        /// Bytes found.
        found: usize,
    },
    /// The content ends behind the section.
    #[error(
        "the chain set takes {wanted} bytes, section {SECTION_NAME} has room for {SECTION_ROOM}"
    )]
    TooLong {
        /// Bytes of the chain set.
        wanted: u64,
    },
    /// The content is no chain set.
    #[error("section {SECTION_NAME} holds no chain set: {0}")]
    Malformed(alloy_rlp::Error),
}

/// The length of the content after this head.
pub fn section_length(head: &[u8; SECTION_HEAD_BYTES]) -> Result<usize, SectionError> {
    let (magic, length) = head.split_at(SECTION_MAGIC.len());
    if magic != SECTION_MAGIC {
        return Err(SectionError::NoMagic);
    }
    let wanted = length.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
    let fits = usize::try_from(wanted).ok().filter(|it| *it <= SECTION_ROOM);
    fits.ok_or(SectionError::TooLong { wanted })
}

/// The chain set of a section; `None` = it is empty.
pub fn read_section(section: &[u8]) -> Result<Option<ChainSet>, SectionError> {
    let (head, rest) = split(section)?;
    let length = section_length(head)?;
    match rest.get(..length) {
        None | Some([]) => Ok(None),
        Some(content) => ChainSet::from_rlp(content).map(Some).map_err(SectionError::Malformed),
    }
}

/// Writes a chain set into a section, whatever it held before.
pub fn fill_section(section: &mut [u8], chain_set: &ChainSet) -> Result<(), SectionError> {
    split(section).and_then(|(head, _)| section_length(head))?;
    let content = chain_set.to_rlp();
    let wanted = content.len() as u64;
    let parts = [&SECTION_MAGIC[..], &wanted.to_be_bytes(), &content].concat();
    if parts.len() > SECTION_BYTES {
        return Err(SectionError::TooLong { wanted });
    }
    section.fill(0);
    for (place, byte) in section.iter_mut().zip(parts) {
        *place = byte;
    }
    Ok(())
}

fn split(section: &[u8]) -> Result<(&[u8; SECTION_HEAD_BYTES], &[u8]), SectionError> {
    let found = section.len();
    if found != SECTION_BYTES {
        return Err(SectionError::Size { found });
    }
    section.split_first_chunk().ok_or(SectionError::Size { found })
}
