//! The bus of a full step: the state itself, the oracle, the guest's output.
//!
//! **Invariant:** whatever can fail fails before anything has changed.

use super::{Access, Bus, Chunk, Event};
use crate::{
    code::CodeCache,
    error::{Cause, Exit},
    memory::{Full, Memory, Touched},
    state::Reservation,
    stats::Tracker,
    vm::{Io, Stream},
};
use std::sync::Arc;

/// Most bytes of one write, and of a hint: more than any client sends, little enough to carry.
const WRITE_LIMIT: u64 = 1 << 28;

/// The pre-image read last, and what was asked for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    /// Kept, because guests read it eight bytes at a time.
    pub(crate) last: Option<([u8; 32], Arc<[u8]>)>,
    /// Where this step read it.
    pub(crate) read_at: Option<u64>,
    pub(crate) requests: u64,
    pub(crate) bytes: u64,
}

/// The state, laid open for one step.
pub(crate) struct Direct<'a, 'io> {
    pub(crate) memory: &'a mut Memory,
    pub(crate) code: &'a mut CodeCache,
    pub(crate) reservation: &'a mut Reservation,
    pub(crate) last_hint: &'a mut Vec<u8>,
    pub(crate) oracle: &'a mut Oracle,
    pub(crate) tracker: &'a mut Tracker,
    pub(crate) io: &'a mut Io<'io>,
}

impl From<Full> for Exit {
    fn from(full: Full) -> Self {
        Self::OutOfMemory { pages: full.pages }
    }
}

impl Access for Direct<'_, '_> {
    fn load<const N: usize>(&mut self, address: u64) -> Result<[u8; N], Exit> {
        Ok(self.memory.load(address))
    }

    fn store<const N: usize>(&mut self, address: u64, bytes: [u8; N]) -> Result<(), Exit> {
        if self.memory.store(address, bytes)? == Touched::Code {
            self.code.forget(address);
        }
        if self.reservation.covers(address) {
            *self.reservation = Reservation::default();
            self.tracker.lost();
        }
        Ok(())
    }
}

impl Bus for Direct<'_, '_> {
    fn fetch(&mut self, pc: u64) -> Result<u32, Exit> {
        Ok(u32::from_be_bytes(self.memory.load(pc)))
    }

    fn reservation(&mut self) -> &mut Reservation {
        self.reservation
    }

    fn preimage(&mut self, key: &[u8; 32], offset: u64) -> Result<Chunk, Exit> {
        let value = match &self.oracle.last {
            Some((last, value)) if last == key => Arc::clone(value),
            _ => {
                let value = self.io.oracle.read(*key).map_err(Exit::Oracle)?;
                self.oracle.requests = self.oracle.requests.saturating_add(1);
                self.oracle.bytes = self.oracle.bytes.saturating_add(value.len() as u64);
                self.oracle.last = Some((*key, Arc::clone(&value)));
                value
            }
        };
        let length = (value.len() as u64).saturating_add(8);
        let chunk = Chunk::of(&value, offset);
        let chunk = chunk.ok_or(Exit::Trap(Cause::PreimageOffset { offset, length }))?;
        self.oracle.read_at = Some(offset);
        Ok(chunk)
    }

    fn output(&mut self, stream: Stream, address: u64, count: u64) -> Result<(), Exit> {
        check_length(count)?;
        let output = &mut *self.io.output;
        self.memory.load_range(address, count, |bytes| output.write(stream, bytes));
        Ok(())
    }

    fn hint(&mut self, address: u64, count: u64) -> Result<(), Exit> {
        check_length(count.saturating_add(self.last_hint.len() as u64))?;
        let mut buffer = self.last_hint.clone();
        self.memory.load_range(address, count, |bytes| buffer.extend_from_slice(bytes));
        let mut rest = buffer.as_slice();
        while let Some((length, body)) = rest.split_first_chunk() {
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            let Some((hint, after)) = body.split_at_checked(length) else { break };
            self.io.oracle.hint(hint).map_err(Exit::Oracle)?;
            rest = after;
        }
        *self.last_hint = rest.to_vec();
        Ok(())
    }

    fn note(&mut self, event: Event) {
        self.tracker.note(event);
    }
}

const fn check_length(bytes: u64) -> Result<(), Exit> {
    if bytes <= WRITE_LIMIT {
        return Ok(());
    }
    Err(Exit::WriteTooLong { bytes, limit: WRITE_LIMIT })
}
