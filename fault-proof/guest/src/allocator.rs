//! The heap: free lists by size class over memory that is handed out once, in order.
//!
//! Freed blocks are reused last in, first out: each page the program ever stores to is hashed by every
//! prover, which costs as much as 20,000 steps (13 us), so a small footprint beats a simpler bump allocator.
//! Up to 1 KiB classes are 16 bytes apart, above that four to a doubling.
//!
//! **Invariant:** a block on list `n` has at least `class_size(n)` bytes, is aligned to 16, and nobody holds it.

#![expect(
    clippy::arithmetic_side_effects,
    reason = "an allocator may not panic or report; sizes are at most isize::MAX, so the sums hold"
)]

use core::alloc::{GlobalAlloc, Layout};
use core::{cell::UnsafeCell, ptr};

/// Alignment of every block.
const UNIT: usize = 16;
/// Largest size of the fine classes.
const FINE: usize = 1024;
/// Number of fine classes, 0 unused.
const FINE_CLASSES: usize = FINE / UNIT + 1;
/// Four classes for each doubling from `FINE` to `isize::MAX`.
const CLASSES: usize = FINE_CLASSES + 4 * 53;
/// How much address space is asked for at a time.
const CHUNK: usize = 1 << 30;

/// The size class of a block of this many bytes.
#[inline(always)]
fn class(size: usize) -> usize {
    if size <= FINE {
        return size.div_ceil(UNIT);
    }
    let last = size - 1;
    let exponent = last.ilog2() as usize;
    FINE_CLASSES + (exponent - 10) * 4 + ((last >> (exponent - 2)) & 3)
}

/// The bytes a block of this class has.
#[inline(always)]
fn class_size(class: usize) -> usize {
    if class < FINE_CLASSES {
        return class * UNIT;
    }
    let (doubling, quarter) = ((class - FINE_CLASSES) / 4, (class - FINE_CLASSES) % 4);
    (5 + quarter) << (doubling + 8)
}

/// A heap for one thread.
#[derive(Debug)]
pub struct Heap {
    state: UnsafeCell<State>,
    map: fn(usize) -> *mut u8,
}

#[derive(Debug)]
struct State {
    free: [*mut u8; CLASSES],
    /// The unused rest of the current chunk.
    next: *mut u8,
    left: usize,
}

// SAFETY: the VM gives the program one thread, and the tests use one heap per thread.
#[expect(unsafe_code, reason = "a global allocator has to be Sync")]
unsafe impl Sync for Heap {}

impl Heap {
    /// An empty heap that gets its address space from `map`, which returns zeroed pages or null.
    pub const fn new(map: fn(usize) -> *mut u8) -> Self {
        let state = State { free: [ptr::null_mut(); CLASSES], next: ptr::null_mut(), left: 0 };
        Self { state: UnsafeCell::new(state), map }
    }

    /// Memory that was never in use, aligned to `align`.
    #[cold]
    #[inline(never)]
    #[expect(unsafe_code, reason = "pointer arithmetic inside a chunk")]
    fn fresh(&self, size: usize, align: usize) -> *mut u8 {
        // SAFETY: one thread, and no other reference to the state is alive here.
        let state = unsafe { &mut *self.state.get() };
        let padding = state.next.align_offset(align);
        let Some(total) = size.checked_add(padding) else { return ptr::null_mut() };
        if total > state.left {
            let Some(length) = size.checked_add(align + CHUNK - 1) else { return ptr::null_mut() };
            let length = length & !(CHUNK - 1);
            let chunk = (self.map)(length);
            if chunk.is_null() {
                return chunk;
            }
            (state.next, state.left) = (chunk, length);
        }
        let padding = state.next.align_offset(align);
        // SAFETY: `padding + size <= left`, the length of the chunk behind `next`.
        let block = unsafe { state.next.add(padding) };
        // SAFETY: the same.
        state.next = unsafe { block.add(size) };
        state.left -= padding + size;
        block
    }
}

// SAFETY: blocks come from `fresh`, which never hands out a byte twice, or from a list of freed ones, and are
// at least as large and as aligned as the layout asks.
#[expect(unsafe_code, reason = "a global allocator is an unsafe trait")]
unsafe impl GlobalAlloc for Heap {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout.size());
        if layout.align() > UNIT {
            return self.fresh(class_size(class), layout.align());
        }
        // SAFETY: one thread; the reference ends with the statement. A class of a valid size is below CLASSES.
        let list = unsafe { (*self.state.get()).free.get_unchecked_mut(class) };
        let block = *list;
        if block.is_null() {
            return self.fresh(class_size(class), UNIT);
        }
        // SAFETY: a block on a list is ours and holds its successor in its first word.
        *list = unsafe { block.cast::<*mut u8>().read() };
        block
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: as in `alloc`.
        let list = unsafe { (*self.state.get()).free.get_unchecked_mut(class(layout.size())) };
        // SAFETY: the caller gives the block up, and it has at least 16 bytes.
        unsafe { block.cast::<*mut u8>().write(*list) };
        *list = block;
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (old, new) = (class(layout.size()), class(size));
        if old == new {
            return block;
        }
        // SAFETY: the caller vouches for size and alignment.
        let larger = unsafe { self.alloc(Layout::from_size_align_unchecked(size, layout.align())) };
        if !larger.is_null() {
            // SAFETY: both blocks have that many bytes, and the new one is not the old one.
            unsafe { ptr::copy_nonoverlapping(block, larger, layout.size().min(size)) };
            // SAFETY: the caller gives the old block up.
            unsafe { self.dealloc(block, layout) };
        }
        larger
    }
}

#[cfg(target_os = "none")]
#[global_allocator]
static HEAP: Heap = Heap::new(crate::syscall::map);

#[cfg(test)]
mod tests {
    use super::*;

    fn map(length: usize) -> *mut u8 {
        // The smallest alignment, for which zeroed memory needs no writing.
        let layout = Layout::from_size_align(length, UNIT).unwrap();
        // SAFETY: the layout is not empty. The memory is leaked.
        #[expect(unsafe_code, reason = "stands in for the system call")]
        unsafe {
            alloc::alloc::alloc_zeroed(layout)
        }
    }

    #[test]
    fn a_class_holds_its_sizes_and_wastes_at_most_a_quarter() {
        for size in (1..100_000).chain([1 << 20, (1 << 20) + 1, (1 << 40) - 1, isize::MAX as usize])
        {
            let class = class(size);
            assert!(class < CLASSES);
            let bytes = class_size(class);
            assert!(bytes >= size && bytes - size < (size / 4).max(UNIT), "{size} {bytes}");
            assert!(class_size(class - 1) < size);
        }
    }

    #[test]
    #[expect(unsafe_code, reason = "allocators are called through an unsafe trait")]
    fn live_blocks_are_disjoint_and_freed_ones_come_back() {
        let heap = Heap::new(map);
        let mut live: alloc::vec::Vec<(*mut u8, Layout, u8)> = alloc::vec::Vec::new();
        let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
        for round in 0..20_000_u32 {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            let size = 1 + (seed as usize >> 8) % if round % 16 == 0 { 20_000 } else { 300 };
            let layout = Layout::from_size_align(size, 1 << (seed % 7)).unwrap();
            // SAFETY: sizes are not zero; blocks are freed once, with their layout.
            unsafe {
                let block = heap.alloc(layout);
                assert!(block.addr().is_multiple_of(layout.align()));
                block.write_bytes(round as u8, size);
                live.push((block, layout, round as u8));
                if live.len() > 200 {
                    let (block, layout, byte) = live.swap_remove(seed as usize % 200);
                    let bytes = core::slice::from_raw_parts(block, layout.size());
                    assert!(bytes.iter().all(|it| *it == byte));
                    heap.dealloc(block, layout);
                }
            }
        }
        // SAFETY: nothing is in use through the heap now.
        assert!(unsafe { (*heap.state.get()).left } > CHUNK - (8 << 20), "memory is reused");
    }
}
