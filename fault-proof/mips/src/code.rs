//! Predecoded instructions, kept true to memory.
//!
//! Start with [`CodeCache::prepare`]. A window is a run of pages around a pc; its pages are decoded when they are first
//! executed. A store into a decoded page makes the two instructions of the word undecoded again.
//!
//! **Invariant:** a decoded instruction equals what decoding the memory now would give.

use crate::{
    isa::{Code, Op},
    memory::{Memory, PAGE_BITS},
};

/// Instructions of a page.
const PAGE_OPS: usize = 1024;
/// Most pages of a window on either side of the pc that opened it: 16 MiB.
const REACH_PAGES: u64 = 4096;
/// Windows kept: a guest has one text, a hostile one may have many.
const MAX_WINDOWS: usize = 8;

/// A run of instructions.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    base: u64,
    ops: Vec<Op>,
}

impl Window {
    /// Where the first instruction stands.
    pub(crate) const fn base(&self) -> u64 {
        self.base
    }

    pub(crate) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// Index of the instruction at a pc; far out of range for an unaligned one or one outside.
    #[inline(always)]
    pub(crate) fn place(base: u64, pc: u64) -> usize {
        usize::try_from(pc.wrapping_sub(base).rotate_right(2)).unwrap_or(usize::MAX)
    }

    fn op(&self, pc: u64) -> Option<Op> {
        self.ops.get(Self::place(self.base, pc)).copied()
    }
}

/// All windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct CodeCache {
    windows: Vec<Window>,
}

impl CodeCache {
    /// The window that has a decoded instruction at the pc.
    pub(crate) fn window(&self, pc: u64) -> Option<&Window> {
        let ready = |it: &&Window| it.op(pc).is_some_and(|op| op.code != Code::Undecoded);
        self.windows.iter().find(ready)
    }

    /// Decodes the page of a pc; whether there is something to execute from a window now.
    pub(crate) fn prepare(&mut self, pc: u64, memory: &mut Memory) -> bool {
        let number = pc >> PAGE_BITS;
        if pc & 3 != 0 || !memory.mark_code(number) {
            return false;
        }
        if self.windows.iter().all(|it| it.op(pc).is_none()) {
            if self.windows.len() == MAX_WINDOWS {
                self.windows.remove(0);
            }
            self.windows.push(open(number, memory));
        }
        let Some(page) = memory.page(number) else { return false };
        let (words, _) = page.as_chunks();
        let base = number << PAGE_BITS;
        for window in &mut self.windows {
            let start = Window::place(window.base, base);
            let ops = window.ops.get_mut(start..).unwrap_or_default();
            for (op, word) in ops.iter_mut().zip(words) {
                if op.code == Code::Undecoded {
                    *op = Op::decode(u32::from_be_bytes(*word));
                }
            }
            pair(ops.get_mut(..PAGE_OPS).unwrap_or_default());
        }
        true
    }

    /// The word around an address has changed.
    pub(crate) fn forget(&mut self, address: u64) {
        let base = address & !7;
        for window in &mut self.windows {
            let start = Window::place(window.base, base);
            // The instruction in front may be paired with the first of them.
            let before = start.checked_sub(1).and_then(|it| window.ops.get_mut(it));
            if let Some(op) = before {
                op.code = op.code.single();
            }
            let ops = window.ops.get_mut(start..).unwrap_or_default();
            for op in ops.iter_mut().take(2) {
                *op = Op::UNDECODED;
            }
        }
    }
}

/// Marks the pairs of a page. None reaches into the next page, which may not be decoded.
fn pair(mut ops: &mut [Op]) {
    while let [op, rest @ ..] = ops {
        if let Some(next) = rest.first() {
            op.code = op.code.single().paired(next.code);
        }
        ops = rest;
    }
}

/// An undecoded window over the pages around one, as far as there is no gap.
fn open(number: u64, memory: &Memory) -> Window {
    let present = |it: &u64| memory.page(*it).is_some();
    let before = (number.saturating_sub(REACH_PAGES)..number).rev().take_while(present).count();
    let last = number.saturating_add(REACH_PAGES).min(u64::MAX >> PAGE_BITS);
    let from = (number..=last).take_while(present).count();
    let first = number.saturating_sub(before as u64);
    let pages = before.saturating_add(from);
    Window { base: first << PAGE_BITS, ops: vec![Op::UNDECODED; pages.saturating_mul(PAGE_OPS)] }
}
