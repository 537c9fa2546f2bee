//! Brotli decompression that gives out its bytes exactly as the Go node's does (D5).
//!
//! Start with [`Brotli::read`]. As with zlib it matters which bytes come together with the news of
//! damage, and that depends on the pieces in which the decoder gets its input. So this cuts the
//! input as the Go node's buffers do.
//!
//! **Invariant:** memory is the decoder's window (16 MiB at most) and tables, whatever the input
//! says.

use super::End;
use alloc::{boxed::Box, vec::Vec};
use alloc_no_stdlib::{Allocator, SliceWrapper, SliceWrapperMut};
use alloy_primitives::Bytes;
use brotli_decompressor::{
    BrotliDecoderHasMoreOutput, BrotliDecompressStream, BrotliResult, BrotliState,
};
use core::fmt;

/// The first piece of input: a 4096-byte buffer without the byte that says Brotli.
const FIRST_PIECE: usize = 4095;
/// All other pieces.
const PIECE: usize = 32 * 1024;
/// Output grows by steps of this many bytes, so that memory follows what is really there.
const OUTPUT_STEP: usize = 64 * 1024;

/// A Brotli stream that is being read.
pub(super) struct Brotli {
    decoder: Box<BrotliState<Heap, Heap, Heap>>,
    /// The piece of input that the decoder is at.
    piece: Bytes,
    /// Input after that piece.
    rest: Bytes,
    is_done: bool,
}

impl fmt::Debug for Brotli {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Brotli").field("input_left", &self.rest.len()).finish_non_exhaustive()
    }
}

impl Brotli {
    /// Starts on a stream, without the byte that says Brotli.
    pub(super) fn open(mut input: Bytes) -> Self {
        let rest = input.split_off(FIRST_PIECE.min(input.len()));
        let decoder = Box::new(BrotliState::new_strict(Heap, Heap, Heap));
        Self { decoder, piece: input, rest, is_done: false }
    }

    /// Appends up to `most` bytes. Nothing may come without an end being told.
    pub(super) fn read(&mut self, out: &mut Vec<u8>, most: usize) -> Option<End> {
        let start = out.len();
        if self.piece.is_empty() && !BrotliDecoderHasMoreOutput(&self.decoder) && !self.next_piece()
        {
            return Some(if self.is_done { End::Finished } else { End::Damaged });
        }
        loop {
            let result = self.decode(out, start, most);
            let written = out.len().saturating_sub(start);
            match result {
                BrotliResult::ResultSuccess => {
                    self.is_done = true;
                    return (!self.piece.is_empty()).then_some(End::Damaged);
                }
                BrotliResult::ResultFailure => return Some(End::Damaged),
                BrotliResult::NeedsMoreOutput if written >= most => return None,
                BrotliResult::NeedsMoreOutput => {}
                BrotliResult::NeedsMoreInput if written > 0 => return None,
                BrotliResult::NeedsMoreInput if self.next_piece() => {}
                BrotliResult::NeedsMoreInput => return Some(End::Damaged),
            }
        }
    }

    /// Goes to the next piece of input, if there is one.
    fn next_piece(&mut self) -> bool {
        let after = self.rest.split_off(PIECE.min(self.rest.len()));
        self.piece = core::mem::replace(&mut self.rest, after);
        !self.piece.is_empty()
    }

    /// Lets the decoder append some bytes, up to `most` after `start`.
    fn decode(&mut self, out: &mut Vec<u8>, start: usize, most: usize) -> BrotliResult {
        let mut offset = out.len();
        let mut space = start.saturating_add(most).saturating_sub(offset).min(OUTPUT_STEP);
        out.resize(offset.saturating_add(space), 0);
        let (mut input_left, mut consumed, mut total) = (self.piece.len(), 0, 0);
        let result = BrotliDecompressStream(
            &mut input_left,
            &mut consumed,
            &self.piece,
            &mut space,
            &mut offset,
            out,
            &mut total,
            &mut self.decoder,
        );
        out.truncate(offset);
        self.piece = self.piece.slice(consumed.min(self.piece.len())..);
        result
    }
}

/// Gives the decoder memory from the global allocator.
#[derive(Clone, Copy, Debug, Default)]
struct Heap;

/// Memory of the decoder.
#[derive(Debug, Default)]
struct HeapSlice<T>(Vec<T>);

impl<T> SliceWrapper<T> for HeapSlice<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for HeapSlice<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T: Clone + Default> Allocator<T> for Heap {
    type AllocatedMemory = HeapSlice<T>;

    fn alloc_cell(&mut self, length: usize) -> HeapSlice<T> {
        HeapSlice(alloc::vec![T::default(); length])
    }

    fn free_cell(&mut self, _: HeapSlice<T>) {}
}
