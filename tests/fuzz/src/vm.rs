//! Files of the VM: states and guest programs.

use opal_mips::{Scalars, State, elf};

/// Most memory of a guest here: the loader's own limit of 1 GiB makes every second case a slow one.
const MAX_IMAGE_BYTES: u64 = 1 << 24;

pub(crate) fn state_file(data: &[u8]) {
    let Ok(mut state) = State::read(&mut &*data) else { return };
    let written = write(&state);
    assert!(written.len() <= data.len(), "a state is not larger than its file");
    let mut again = State::read(&mut &*written).expect("what is written can be read");
    assert_eq!(write(&again), written, "one state, one file");
    assert_eq!(again.hash(), state.hash());
}

fn write(state: &State) -> Vec<u8> {
    let mut file = Vec::new();
    state.write(&mut file).expect("memory takes what is written");
    file
}

pub(crate) fn elf(data: &[u8]) {
    if memory_asked(data).is_none_or(|bytes| bytes > MAX_IMAGE_BYTES) {
        return;
    }
    let Ok(program) = elf::load(data) else { return };
    let Scalars { step, exited, .. } = program.state.scalars;
    assert_eq!((step, exited), (0, false), "nothing has run");
    assert!(program.symbols.is_sorted_by_key(|it| it.start));
    let written = write(&program.state);
    assert!(State::read(&mut &*written).is_ok(), "its state survives its file");
}

/// Bytes that the segments of an ELF file take in memory; `None` if a header is cut off.
fn memory_asked(file: &[u8]) -> Option<u64> {
    let half = |at: usize| Some(u16::from_be_bytes(*file.get(at..)?.first_chunk()?));
    let word = |at: usize| Some(u64::from_be_bytes(*file.get(at..)?.first_chunk()?));
    let start = usize::try_from(word(32)?).ok()?;
    let mut sum: u64 = 0;
    for index in 0..usize::from(half(56)?) {
        let at = start.checked_add(index * usize::from(half(54)?))?;
        sum = sum.saturating_add(word(at.checked_add(40)?)?);
    }
    Some(sum)
}
