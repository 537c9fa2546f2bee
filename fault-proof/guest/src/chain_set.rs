//! The section of the image that `opal prestate build` fills with the chain set.
//!
//! **Invariant:** read volatile, so that the compiler cannot take the empty section of the build for its content.

use alloc::vec::Vec;
use opal_program::{
    SECTION_BYTES, SECTION_HEAD_BYTES, SECTION_MAGIC, SECTION_ROOM, SectionError, section_length,
};

/// Words of the content.
const WORDS: usize = SECTION_ROOM / 8;

/// The layout that `opal_program::section_length` reads. It starts a page, so that it is found in a state as well.
#[repr(C, align(4096))]
struct Section {
    magic: [u8; 16],
    length: [u8; 8],
    content: [u64; WORDS],
}

const _: () = assert!(size_of::<Section>() == SECTION_BYTES);

#[used]
#[expect(unsafe_code, reason = "the section is found by its name")]
// SAFETY: nothing else is put there, and data may lie in any section that is loaded.
#[unsafe(link_section = ".opal.chains")]
static SECTION: Section = Section { magic: SECTION_MAGIC, length: [0; 8], content: [0; WORDS] };

/// The RLP of the chain set; nothing in an image for development.
#[expect(unsafe_code, reason = "what was written into the image after the build is read")]
pub(crate) fn content() -> Result<Vec<u8>, SectionError> {
    // SAFETY: the static is initialised and never written while the program runs.
    let (magic, length) = unsafe {
        ((&raw const SECTION.magic).read_volatile(), (&raw const SECTION.length).read_volatile())
    };
    let mut head = [0; SECTION_HEAD_BYTES];
    for (place, byte) in head.iter_mut().zip(magic.into_iter().chain(length)) {
        *place = byte;
    }
    let length = section_length(&head)?;
    let mut content = Vec::with_capacity(length.next_multiple_of(8));
    for word in SECTION.content.iter().take(length.div_ceil(8)) {
        // SAFETY: as above. Words are in the order of their bytes, because the VM is big-endian.
        content.extend(unsafe { (&raw const *word).read_volatile() }.to_be_bytes());
    }
    content.truncate(length);
    Ok(content)
}
