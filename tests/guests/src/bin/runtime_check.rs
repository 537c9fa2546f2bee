//! Compares the runtime's assembly with plain Rust: every length and alignment of the memory functions around
//! their branches, and the keccak of `keccak.s` with the library's. Exit code 1 and a line per failure.

#![no_std]
#![no_main]

extern crate alloc;

use alloc::{vec, vec::Vec};
use core::{fmt::Write, hint::black_box};
use guests::Stdout;

opal_guest::entry!(run);

unsafe extern "C" {
    fn memcpy(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn memmove(to: *mut u8, from: *const u8, length: usize) -> *mut u8;
    fn memset(to: *mut u8, byte: i32, length: usize) -> *mut u8;
    fn memcmp(a: *const u8, b: *const u8, length: usize) -> i32;
    fn native_keccak256(bytes: *const u8, length: usize, output: *mut u8);
}

/// Bytes that repeat late and differ from their neighbours.
fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|index| black_box((index * 151 + index / 256 * 7 + 13) as u8)).collect()
}

/// Every branch of the functions, and every remainder behind their loops.
fn lengths() -> impl Iterator<Item = usize> {
    (0..50).chain([64, 65, 79, 100, 135])
}

/// Copies between disjoint ranges at all alignments, and moves inside overlapping ones.
fn moves_fail() -> bool {
    let source = pattern(320);
    let disjoint = (0..8).flat_map(|from| (160..168).map(move |to| (from, to)));
    let overlapping = (0..9).flat_map(|shift| [(3, 3 + shift), (3 + shift, 3), (shift, 40)]);
    for (from, to) in disjoint.chain(overlapping) {
        for length in lengths() {
            let mut expected = source.clone();
            for index in 0..length {
                expected[to + index] = source[from + index];
            }
            let mut moved = source.clone();
            let copy = if to >= 160 { memcpy } else { memmove };
            let base = moved.as_mut_ptr();
            // SAFETY: both ranges lie inside the 320 bytes, and those of `memcpy` do not overlap.
            let result = unsafe { copy(base.add(to), base.add(from), length) };
            if !same(&moved, &expected) || result != base.wrapping_add(to) {
                let _ = writeln!(Stdout, "move of {length} from {from} to {to} is wrong");
                return true;
            }
        }
    }
    false
}

/// Byte by byte, so that the function under test does not judge itself.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| black_box(*a) == black_box(*b))
}

fn fills_fail() -> bool {
    for length in lengths() {
        for (to, byte) in (0..8).flat_map(|to| [(to, 0), (to, 0x1a5)]) {
            let mut filled = pattern(200);
            let mut expected = filled.clone();
            for index in 0..length {
                expected[to + index] = byte as u8;
            }
            // SAFETY: `to + length` is at most 200.
            unsafe { memset(filled.as_mut_ptr().add(to), byte, length) };
            if !same(&filled, &expected) {
                let _ = writeln!(Stdout, "fill of {length} at {to} with {byte} is wrong");
                return true;
            }
        }
    }
    false
}

fn comparisons_fail() -> bool {
    let base = pattern(200);
    for length in lengths() {
        for (from, to) in (0..2).flat_map(|from| (0..8).map(move |to| (from, to))) {
            let mut other = vec![0; 200];
            for index in 0..length {
                other[to + index] = base[from + index];
            }
            let places = [0, 7, 8, length / 2, length.saturating_sub(1)];
            for place in places.into_iter().filter(|place| *place < length).map(Some).chain([None])
            {
                let mut changed = other.clone();
                let mut expected = 0;
                if let Some(place) = place {
                    changed[to + place] ^= 0x81;
                    expected = if base[from + place] > changed[to + place] { 1 } else { -1 };
                }
                let (a, b) = (&base[from..][..length], &changed[to..][..length]);
                // SAFETY: both have `length` bytes.
                let sign = unsafe { memcmp(a.as_ptr(), b.as_ptr(), length) }.signum();
                if sign != expected {
                    let _ = writeln!(Stdout, "comparison of {length} at {from}, {to} is wrong");
                    return true;
                }
            }
        }
    }
    false
}

fn hashes_fail() -> bool {
    let bytes = pattern(1200);
    for (length, from) in (0..16)
        .chain([31, 32, 64, 127, 134, 135, 136, 137, 143, 271, 272, 273, 532, 680, 1100])
        .flat_map(|it| [(it, 0), (it, it % 8)])
    {
        let input = &bytes[from..from + length];
        let mut digest = [0; 32];
        // SAFETY: a live slice, and room for the digest.
        unsafe { native_keccak256(input.as_ptr(), input.len(), digest.as_mut_ptr()) };
        if !same(&digest, alloy_primitives::keccak256(input).as_slice()) {
            let _ = writeln!(Stdout, "keccak of {length} bytes at {from} is wrong");
            return true;
        }
    }
    false
}

fn run() -> u8 {
    u8::from(moves_fail() | fills_fail() | comparisons_fail() | hashes_fail())
}
