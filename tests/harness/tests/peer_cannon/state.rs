//! A VM state as plain data, with the codec of the `.bin` state file (peers.md section 3).
//!
//! It is written apart from opal's own codec, so that a mistake there does not hide itself here.
//!
//! **Invariant:** `decode(encode(state)) == state`.

use std::{collections::BTreeMap, fmt::Write as _};

pub(crate) const PAGE: usize = 4096;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Thread {
    pub(crate) id: u64,
    pub(crate) exit_code: u8,
    pub(crate) exited: u8,
    pub(crate) pc: u64,
    pub(crate) next_pc: u64,
    pub(crate) lo: u64,
    pub(crate) hi: u64,
    pub(crate) registers: [u64; 32],
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) pages: BTreeMap<u64, Vec<u8>>,
    pub(crate) preimage_key: [u8; 32],
    pub(crate) preimage_offset: u64,
    pub(crate) heap: u64,
    pub(crate) ll_status: u8,
    pub(crate) ll_address: u64,
    pub(crate) ll_owner: u64,
    pub(crate) exit_code: u8,
    pub(crate) exited: u8,
    pub(crate) step: u64,
    pub(crate) steps_since_switch: u64,
    pub(crate) traverse_right: u8,
    pub(crate) next_thread_id: u64,
    pub(crate) left: Vec<Thread>,
    pub(crate) right: Vec<Thread>,
    pub(crate) last_hint: Vec<u8>,
}

impl State {
    /// Writes bytes at an address; absent pages appear.
    pub(crate) fn write(&mut self, address: u64, bytes: &[u8]) {
        for (offset, byte) in bytes.iter().enumerate() {
            let at = address.wrapping_add(offset as u64);
            let page = self.pages.entry(at >> 12).or_insert_with(|| vec![0; PAGE]);
            page[at as usize % PAGE] = *byte;
        }
    }

    pub(crate) fn active(&mut self) -> &mut Thread {
        let stack = if self.traverse_right != 0 { &mut self.right } else { &mut self.left };
        stack.last_mut().expect("every generated state has an active thread")
    }

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![8];
        let word = |out: &mut Vec<u8>, value: u64| out.extend(value.to_be_bytes());
        word(&mut out, self.pages.len() as u64);
        for (index, page) in &self.pages {
            word(&mut out, *index);
            out.extend(page);
        }
        out.extend(self.preimage_key);
        word(&mut out, self.preimage_offset);
        word(&mut out, self.heap);
        out.push(self.ll_status);
        word(&mut out, self.ll_address);
        word(&mut out, self.ll_owner);
        out.extend([self.exit_code, self.exited]);
        word(&mut out, self.step);
        word(&mut out, self.steps_since_switch);
        out.push(self.traverse_right);
        word(&mut out, self.next_thread_id);
        for stack in [&self.left, &self.right] {
            word(&mut out, stack.len() as u64);
            for thread in stack {
                word(&mut out, thread.id);
                out.extend([thread.exit_code, thread.exited]);
                for value in [thread.pc, thread.next_pc, thread.lo, thread.hi] {
                    word(&mut out, value);
                }
                thread.registers.iter().for_each(|it| word(&mut out, *it));
            }
        }
        // Four bytes, where peers.md has eight: so the Go program writes and reads it.
        out.extend((self.last_hint.len() as u32).to_be_bytes());
        out.extend(&self.last_hint);
        out
    }

    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let mut input = Input(bytes);
        assert_eq!(input.byte(), 8, "state version");
        let mut state = Self::default();
        for _ in 0..input.word() {
            let index = input.word();
            state.pages.insert(index, input.take(PAGE).to_vec());
        }
        state.preimage_key = input.take(32).try_into().expect("32 bytes were taken");
        (state.preimage_offset, state.heap) = (input.word(), input.word());
        (state.ll_status, state.ll_address) = (input.byte(), input.word());
        state.ll_owner = input.word();
        (state.exit_code, state.exited) = (input.byte(), input.byte());
        (state.step, state.steps_since_switch) = (input.word(), input.word());
        (state.traverse_right, state.next_thread_id) = (input.byte(), input.word());
        for stack in [&mut state.left, &mut state.right] {
            for _ in 0..input.word() {
                stack.push(input.thread());
            }
        }
        let hint_length: [u8; 4] = input.take(4).try_into().expect("4 bytes were taken");
        state.last_hint = input.take(u32::from_be_bytes(hint_length) as usize).to_vec();
        assert!(input.0.is_empty(), "bytes after the state");
        state
    }

    /// The fields in which two states differ, one line each.
    pub(crate) fn difference(&self, other: &Self) -> String {
        let mut out = String::new();
        let (mine, theirs) = (self.lines(), other.lines());
        for key in mine.keys().chain(theirs.keys().filter(|it| !mine.contains_key(*it))) {
            let (left, right) = (mine.get(key), theirs.get(key));
            if left != right {
                let _ = writeln!(out, "  {key}: opal {left:?} go {right:?}");
            }
        }
        out
    }

    /// The state as named values: every scalar, every thread's fields, every non-zero word.
    pub(crate) fn lines(&self) -> BTreeMap<String, String> {
        let mut lines = BTreeMap::new();
        let bare = Self { pages: BTreeMap::new(), left: vec![], right: vec![], ..self.clone() };
        lines.insert("scalars".to_owned(), format!("{bare:x?}"));
        for (side, stack) in [("left", &self.left), ("right", &self.right)] {
            for (depth, thread) in stack.iter().enumerate() {
                let rest = Thread { registers: [0; 32], ..thread.clone() };
                lines.insert(format!("{side} {depth}"), format!("{rest:x?}"));
                for (register, value) in thread.registers.iter().enumerate() {
                    if *value != 0 {
                        let name = format!("{side} {depth} r{register}");
                        lines.insert(name, format!("{value:#x}"));
                    }
                }
            }
        }
        for (index, page) in &self.pages {
            lines.insert(format!("page {index:#x}"), "there".to_owned());
            for (offset, word) in page.chunks(8).enumerate().filter(|it| it.1 != [0; 8]) {
                let address = (index << 12) + 8 * offset as u64;
                lines.insert(format!("word {address:#018x}"), format!("{word:02x?}"));
            }
        }
        lines
    }
}

struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn take(&mut self, length: usize) -> &'a [u8] {
        let (head, rest) = self.0.split_at(length);
        self.0 = rest;
        head
    }

    fn byte(&mut self) -> u8 {
        self.take(1)[0]
    }

    fn word(&mut self) -> u64 {
        u64::from_be_bytes(self.take(8).try_into().expect("8 bytes were taken"))
    }

    fn thread(&mut self) -> Thread {
        let mut thread = Thread {
            id: self.word(),
            exit_code: self.byte(),
            exited: self.byte(),
            pc: self.word(),
            next_pc: self.word(),
            lo: self.word(),
            hi: self.word(),
            registers: [0; 32],
        };
        thread.registers.iter_mut().for_each(|it| *it = self.word());
        thread
    }
}
