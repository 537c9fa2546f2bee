//! Absolute prestates: the guest image with a chain set in its section (design.md decision 3), at step 0.
//!
//! Start with [`build`].
//!
//! **Invariant:** filling changes the bytes of one section and nothing else, so the prestate is a function of image and
//! chain set.

use opal_mips::{
    PAGE_BYTES, State,
    elf::{self, ElfError},
};
use opal_program::{
    SECTION_BYTES, SECTION_MAGIC, SECTION_NAME, SectionError, fill_section, read_section,
};
use opal_types::ChainSet;
use std::ops::Range;

/// Why an image or a state is no prestate.
#[derive(Debug, thiserror::Error)]
pub enum PrestateError {
    /// The file is no guest.
    #[error("guest image: {0}")]
    Elf(#[from] ElfError),
    /// The image is another program.
    #[error("guest image: there is no section {SECTION_NAME}")]
    NoSection,
    /// The chain set and the section do not fit.
    #[error("guest image: {0}")]
    Section(#[from] SectionError),
}

/// The image with this chain set; an empty image stays one for development.
pub fn fill(image: &[u8], chain_set: &ChainSet) -> Result<Vec<u8>, PrestateError> {
    let range = section(image)?;
    let mut filled = image.to_vec();
    let section = filled.get_mut(range).ok_or(PrestateError::NoSection)?;
    fill_section(section, chain_set)?;
    Ok(filled)
}

/// The state before the first step of the image with this chain set.
pub fn build(image: &[u8], chain_set: &ChainSet) -> Result<State, PrestateError> {
    Ok(elf::load(&fill(image, chain_set)?)?.state)
}

/// The chain set of an image.
pub fn chain_set_of_image(image: &[u8]) -> Result<Option<ChainSet>, PrestateError> {
    let bytes = image.get(section(image)?).ok_or(PrestateError::NoSection)?;
    Ok(read_section(bytes)?)
}

/// The chain set in a state's memory: the section starts a page, so it is found by its magic. `None` = it is empty.
pub fn chain_set_of_state(state: &State) -> Result<Option<ChainSet>, PrestateError> {
    let pages = state.memory.pages();
    let first = pages.iter().position(|(_, page)| page.starts_with(&SECTION_MAGIC));
    let first = first.ok_or(PrestateError::NoSection)?;
    let parts = pages.iter().skip(first).take(SECTION_BYTES / PAGE_BYTES);
    let bytes: Vec<u8> = parts.flat_map(|(_, page)| page.iter().copied()).collect();
    Ok(read_section(&bytes)?)
}

fn section(image: &[u8]) -> Result<Range<usize>, PrestateError> {
    elf::section(image, SECTION_NAME)?.ok_or(PrestateError::NoSection)
}
