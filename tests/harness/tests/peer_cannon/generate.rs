//! Random VM states and programs, weighted towards edges (rows C1 to C10 of op-stack.md, section 6 of peers.md).
//!
//! Start with [`case`]: one number makes one case, so a failure is repeated from its seed.
//!
//! **Invariant:** every state has a thread on its active stack, and a pre-image key that is not zero.

use super::state::{State, Thread};

/// A state, and how far to run it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    pub(crate) steps: u32,
}

/// SplitMix64.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) const fn word(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) const fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    pub(crate) const fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

const QUANTUM: u64 = 100_000;
const HEAP: u64 = 0x1000_0000_0000;
const HEAP_END: u64 = 0x6000_0000_0000;
const STACK: u64 = 0x7fff_ffff_f000;
const DATA: u64 = 0x2000_0000;
const CLONE_FLAGS: u64 = 0x5_0f00;

const EDGES: [u64; 22] = [
    0,
    1,
    2,
    3,
    7,
    8,
    31,
    32,
    63,
    64,
    0x7fff,
    0x8000,
    0x7fff_ffff,
    0x8000_0000,
    0xffff_ffff,
    0x1_0000_0000,
    0xffff_ffff_8000_0000,
    0xffff_ffff_7fff_ffff,
    0x7fff_ffff_ffff_ffff,
    0x8000_0000_0000_0000,
    u64::MAX - 1,
    u64::MAX,
];

const PRIMARY: [u32; 46] = [
    0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x18,
    0x19, 0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c,
    0x2d, 0x2e, 0x30, 0x34, 0x37, 0x38, 0x3c, 0x3f, 0x20, 0x23, 0x28, 0x2b, 0x37, 0x3f,
];
const SPECIAL: [u32; 54] = [
    0x00, 0x02, 0x03, 0x04, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0f, 0x10, 0x11, 0x12, 0x13,
    0x14, 0x16, 0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f, 0x20, 0x21, 0x22, 0x23, 0x24,
    0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x38, 0x3a, 0x3b, 0x3c, 0x3e, 0x3f, 0x00,
    0x25, 0x2d, 0x21, 0x3c, 0x3e, 0x3f,
];
const SPECIAL2: [u32; 5] = [0x02, 0x20, 0x21, 0x24, 0x25];

/// With an effect, then some without, then some unknown.
const SYSCALLS: [u64; 17] = [
    5009, 5012, 5055, 5205, 5000, 5001, 5070, 5178, 5058, 5194, 5023, 5034, 5002, 5222, 5038, 5313,
    5284,
];
const SILENT_SYSCALLS: [u64; 14] =
    [5011, 5010, 5196, 5027, 5014, 5129, 5013, 5297, 5003, 5016, 5004, 5247, 5257, 5100];
const UNKNOWN_SYSCALLS: [u64; 6] = [0, 4001, 5153, 4999, 5005, u64::MAX];
/// Followed by a value that only 64 bits tell from the system call it ends with.
const WIDE_SYSCALL: u64 = (1 << 32) | 5000;

/// The case of one seed.
pub(crate) fn case(seed: u64) -> Case {
    let mut rng = Rng(seed);
    match rng.below(10) {
        0..=2 => single_instruction(&mut rng),
        3..=4 => memory_access(&mut rng),
        5..=6 => system_call(&mut rng),
        7 => load_linked(&mut rng),
        8 => scheduler(&mut rng),
        _ => program(&mut rng),
    }
}

fn value(rng: &mut Rng) -> u64 {
    match rng.below(5) {
        0 | 1 => rng.pick(&EDGES),
        2 => rng.word(),
        3 => i64::from(rng.word() as i32) as u64,
        _ => address(rng),
    }
}

/// Page ends, heap, stack, zero and the top of the address space, aligned or not.
fn address(rng: &mut Rng) -> u64 {
    let base = rng.pick(&[DATA, DATA + 0x1000, HEAP, STACK, 0, 0x4000, DATA + 0x800]);
    match rng.below(4) {
        0 => base.wrapping_add(rng.below(32)).wrapping_sub(16),
        1 => base.wrapping_add(rng.below(0x200) * 8),
        2 => base.wrapping_add(rng.below(0x1000)),
        _ => base.wrapping_add(0xff0 + rng.below(16)),
    }
}

fn thread(rng: &mut Rng, id: u64, pc: u64) -> Thread {
    let mut registers = [0; 32];
    for register in registers.iter_mut().skip(1) {
        *register = value(rng);
    }
    let exited = u8::from(rng.one_in(24));
    let (lo, hi) = (value(rng), value(rng));
    Thread { id, exit_code: exited * 3, exited, pc, next_pc: pc.wrapping_add(4), lo, hi, registers }
}

/// 1 to 4 threads at `pc`, a data page, and scalars; the active thread runs.
fn base(rng: &mut Rng, pc: u64) -> State {
    let mut state = State {
        preimage_offset: rng.below(40),
        heap: HEAP + 0x1000 * rng.below(4),
        step: if rng.one_in(4) { value(rng) } else { rng.below(100_000_000) },
        traverse_right: rng.below(2) as u8,
        next_thread_id: 10 + rng.below(4),
        steps_since_switch: rng.below(1000),
        ..State::default()
    };
    for chunk in state.preimage_key.chunks_mut(8) {
        chunk.copy_from_slice(&rng.word().to_be_bytes());
    }
    let (active, passive) = (1 + rng.below(10).saturating_sub(7), rng.below(10).saturating_sub(7));
    let left = if state.traverse_right == 0 { active } else { passive };
    for id in 0..active + passive {
        let thread = thread(rng, id, pc);
        if id < left { state.left.push(thread) } else { state.right.push(thread) }
    }
    if rng.one_in(3) {
        let length = rng.below(6) as usize;
        state.last_hint = [0, 0, 0, 9, 1, 2][..length].to_vec();
    }
    reserve(rng, &mut state);
    fill(rng, &mut state, DATA);
    state.active().exited = 0;
    state
}

fn reserve(rng: &mut Rng, state: &mut State) {
    if rng.one_in(3) {
        state.ll_status = 1 + rng.below(2) as u8;
        state.ll_address = address(rng);
        state.ll_owner = rng.below(3);
    }
}

/// Random words around the ends and the middle of a page.
fn fill(rng: &mut Rng, state: &mut State, page: u64) {
    for offset in [0, 8, 0x800, 0x808, 0xff0, 0xff8] {
        if !rng.one_in(4) {
            let word = value(rng);
            state.write(page + offset, &word.to_be_bytes());
        }
    }
}

fn code_page(rng: &mut Rng) -> u64 {
    rng.pick(&[0x4000, 0x0, 0x1_0000, HEAP + 0x10_0000, 0xffff_ffff_ffff_f000])
}

fn put(state: &mut State, instruction: u32) {
    let pc = state.active().pc & !3;
    state.write(pc, &instruction.to_be_bytes());
}

const fn immediate(op: u32, rs: u32, rt: u32, value: u32) -> u32 {
    op << 26 | rs << 21 | rt << 16 | value & 0xffff
}

/// One encoding: mostly valid ones with random fields, some of any kind.
fn encoding(rng: &mut Rng) -> u32 {
    let fields = rng.word() as u32;
    match rng.below(20) {
        0 => fields,
        1..=10 => rng.pick(&SPECIAL) | fields & 0x03ff_ffc0,
        11 => 0x1c << 26 | rng.pick(&SPECIAL2) | fields & 0x03ff_ffc0,
        12 => rng.word() as u32 & 0x3f | fields & 0x03ff_ffc0,
        _ => rng.pick(&PRIMARY) << 26 | fields & 0x03ff_ffff,
    }
}

fn single_instruction(rng: &mut Rng) -> Case {
    let offset = rng.pick(&[0, 4, 0x800, 0xff8, 0xffc]);
    let pc = code_page(rng).wrapping_add(offset);
    let mut state = base(rng, pc);
    let instruction = encoding(rng);
    put(&mut state, instruction);
    if rng.one_in(6) {
        // A delay slot: the next instruction is elsewhere, sometimes nowhere sensible.
        state.active().next_pc = if rng.one_in(3) { value(rng) } else { 0x8000 };
    }
    if rng.one_in(60) {
        state.active().pc |= 1 + rng.below(3);
    }
    Case { name: "single instruction", state, steps: 1 }
}

fn memory_access(rng: &mut Rng) -> Case {
    let mut state = base(rng, 0x4000);
    let op = rng.pick(&[
        0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e,
        0x1a, 0x1b, 0x37, 0x3f, 0x30, 0x34, 0x38, 0x3c,
    ]);
    let (rs, rt) = (1 + rng.below(31) as u32, rng.below(32) as u32);
    let offset = if rng.one_in(2) { 0 } else { rng.word() as u32 };
    put(&mut state, immediate(op, rs, rt, offset));
    let target = address(rng);
    let base = target.wrapping_sub(i64::from(offset as i16) as u64);
    state.active().registers[rs as usize] = if rng.one_in(8) { value(rng) } else { base };
    if rng.one_in(2) {
        let word = rng.word();
        state.write(target & !7, &word.to_be_bytes());
    }
    Case { name: "memory access", state, steps: 1 }
}

/// Registers of one system call; `v0`, then `a0` to `a2`.
fn call_registers(rng: &mut Rng) -> [u64; 4] {
    let number = match rng.below(12) {
        0 => rng.pick(&SILENT_SYSCALLS),
        1 => rng.pick(&UNKNOWN_SYSCALLS),
        2 if rng.one_in(4) => WIDE_SYSCALL,
        _ => rng.pick(&SYSCALLS),
    };
    let size = if rng.one_in(3) { value(rng) } else { rng.below(12) };
    let [a0, a1, a2] = match number {
        5000 | 5001 => {
            let file = rng.pick(&[0, 1, 2, 3, 4, 5, 5, 5, 6, 6, 6, 7, 100, u64::MAX]);
            [file, address(rng), size]
        }
        5009 => [rng.pick(&[0, 0, 0, 1, HEAP]), mapping(rng), value(rng)],
        5055 if !rng.one_in(4) => [CLONE_FLAGS, address(rng), value(rng)],
        5070 => [rng.pick(&[0, 1, 2, 3, 5, 6, 7, 100]), rng.pick(&[0, 1, 2, 3, 4]), 0],
        5194 => [address(rng), rng.pick(&[128, 128, 129, 0, 1]), rng.pick(&[0, 1, u64::MAX])],
        5222 => [rng.pick(&[0, 1, 1, 2, u64::MAX]), address(rng), 0],
        5313 => [address(rng), size, 0],
        5284 => [value(rng), rng.pick(&[0, 0x80, 0x81, 0x800]), 0],
        _ => [value(rng), value(rng), value(rng)],
    };
    [number, a0, a1, a2]
}

fn mapping(rng: &mut Rng) -> u64 {
    let room = HEAP_END - HEAP;
    match rng.below(3) {
        0 => rng.pick(&[0, 1, 4095, 4096, 4097, room, room - 0x1000, room + 1]),
        1 => value(rng),
        _ => rng.below(1 << 20),
    }
}

fn system_call(rng: &mut Rng) -> Case {
    let mut state = base(rng, 0x4000);
    put(&mut state, 0x0c);
    let registers = call_registers(rng);
    set_call(&mut state, registers);
    if rng.one_in(8) {
        state.steps_since_switch = QUANTUM - rng.below(3);
    }
    if rng.one_in(8) {
        state.heap = rng.pick(&[HEAP_END, HEAP_END - 0x1000, u64::MAX, 0]);
    }
    if registers[0] == 5194 && rng.one_in(2) {
        let expected = registers[3] as u32;
        state.write(registers[1] & !3, &expected.to_be_bytes());
    }
    if registers[1] == 6 && registers[0] == 5001 && rng.one_in(2) {
        state.write(registers[2] & !7, &rng.word().to_be_bytes());
    }
    let exits = registers[0] == 5058 && state.left.len() + state.right.len() > 1;
    Case { name: "system call", state, steps: if exits { 2 } else { 1 } }
}

fn set_call(state: &mut State, [v0, a0, a1, a2]: [u64; 4]) {
    let registers = &mut state.active().registers;
    (registers[2], registers[4], registers[5], registers[6]) = (v0, a0, a1, a2);
}

/// A reservation, then two accesses near it.
fn load_linked(rng: &mut Rng) -> Case {
    let mut state = base(rng, 0x4000);
    let reserved = address(rng);
    state.ll_address = reserved;
    state.ll_status = rng.pick(&[0, 1, 1, 1, 2, 2, 2, 3]);
    let me = state.active().id;
    state.ll_owner = if rng.one_in(5) { me + 1 } else { me };
    for (index, near) in [(8, rng.below(3)), (9, rng.below(5))] {
        let shift = rng.pick(&[0, 0, 1, 4, 8]);
        let target = if near == 0 { reserved } else { reserved.wrapping_add(shift) };
        state.active().registers[index] = target;
    }
    let first = rng.pick(&[0x38, 0x3c, 0x28, 0x2b, 0x3f, 0x2e, 0x30, 0x34]);
    let second = rng.pick(&[0x38, 0x3c]);
    put(&mut state, immediate(first, 8, 10, 0));
    state.write(0x4004, &immediate(second, 9, 11, 0).to_be_bytes());
    Case { name: "load linked", state, steps: 2 }
}

/// Quantum ends, exited threads, the last thread, and both directions of the stacks.
fn scheduler(rng: &mut Rng) -> Case {
    let mut state = base(rng, 0x4000);
    for step in 0..4 {
        let instruction = if rng.one_in(2) { 0x0c } else { encoding(rng) };
        state.write(0x4000 + 4 * step, &instruction.to_be_bytes());
    }
    state.steps_since_switch = QUANTUM - 2 + rng.below(4);
    if rng.one_in(16) {
        state.steps_since_switch = rng.pick(&[u64::MAX, u64::MAX - 1]);
    }
    let call = [rng.pick(&[5058, 5023, 5194, 5055, 5034]), CLONE_FLAGS, 129, 0];
    for thread in state.left.iter_mut().chain(&mut state.right) {
        let registers = &mut thread.registers;
        (registers[2], registers[4], registers[5], registers[6]) =
            (call[0], call[1], call[2], call[3]);
    }
    state.active().exited = u8::from(rng.one_in(4));
    if rng.one_in(20) {
        (state.exited, state.exit_code) = (1, rng.below(4) as u8);
    }
    Case { name: "scheduler", state, steps: 4 }
}

const PROGRAM_WORDS: u64 = 160;

/// A loop of valid instructions on a data window, with system calls and threads, run for a few hundred steps.
fn program(rng: &mut Rng) -> Case {
    let start = rng.pick(&[0x4000, 0x0, 0x1_0f80, HEAP + 0x10_0000]);
    let mut state = base(rng, start);
    let mut words = Vec::new();
    while (words.len() as u64) < PROGRAM_WORDS {
        statement(rng, &mut words);
    }
    // Back to the start: jr through a register that no statement writes.
    words.extend([26 << 21 | 0x08, 0]);
    for (index, word) in words.iter().enumerate() {
        state.write(start + 4 * index as u64, &word.to_be_bytes());
    }
    fill(rng, &mut state, DATA + 0x1000);
    for thread in state.left.iter_mut().chain(&mut state.right) {
        thread.registers[26] = start;
        // Windows that no statement moves: data, its end, and the stack.
        (thread.registers[28], thread.registers[29]) = (DATA + 0x800, STACK);
        thread.registers[30] = DATA + 0x1000;
    }
    if rng.one_in(4) {
        state.steps_since_switch = QUANTUM - rng.below(200);
    }
    Case { name: "program", state, steps: 100 + rng.below(400) as u32 }
}

/// Appends an instruction or a short sequence that belongs together.
fn statement(rng: &mut Rng, words: &mut Vec<u32>) {
    // r1 to r25 are free.
    let [rs, rt, rd] = [0; 3].map(|_: u32| 1 + rng.below(25) as u32);
    let window = rng.pick(&[28, 29, 30]);
    let offset = rng.below(64) as u32;
    match rng.below(32) {
        0..=9 => words.push(arithmetic(rng, rs, rt, rd)),
        10..=15 => {
            let op = rng.pick(&[0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f, 0x18, 0x19]);
            words.push(immediate(op, rs, rt, rng.word() as u32));
        }
        16..=21 => {
            let op = rng.pick(&[
                0x1a, 0x1b, 0x20, 0x21, 0x22, 0x23, 0x24, 0x25, 0x26, 0x27, 0x37, 0x30, 0x34,
            ]);
            words.push(immediate(op, window, rt, offset));
        }
        22..=26 => {
            let op = rng.pick(&[0x28, 0x29, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x3f, 0x38, 0x3c]);
            words.push(immediate(op, window, rt, offset));
        }
        27..=29 => {
            // A short branch forwards, over single instructions only.
            let op = rng.pick(&[0x04, 0x05, 0x06, 0x07, 0x01]);
            let kind = if op == 1 { rng.pick(&[0, 1, 0x10, 0x11, 2]) } else { rt };
            words.push(immediate(op, rs, kind, 1 + rng.below(3) as u32));
            (0..4).for_each(|_| words.push(arithmetic(rng, rt, rs, rd)));
        }
        _ => calls(rng, words, window),
    }
}

fn arithmetic(rng: &mut Rng, rs: u32, rt: u32, rd: u32) -> u32 {
    let function = loop {
        let function = rng.pick(&SPECIAL);
        // Jumps, system calls and divisions have their own places: they would end most programs early.
        if !matches!(function, 0x08 | 0x09 | 0x0c | 0x1a | 0x1b | 0x1e | 0x1f) {
            break function;
        }
    };
    if rng.one_in(8) {
        return 0x1c << 26 | rs << 21 | rt << 16 | rd << 11 | rng.pick(&SPECIAL2);
    }
    rs << 21 | rt << 16 | rd << 11 | (rng.below(32) as u32) << 6 | function
}

/// A system call with small arguments: addresses in the data window, counts that fit.
fn calls(rng: &mut Rng, words: &mut Vec<u32>, window: u32) {
    let set =
        |words: &mut Vec<u32>, register, value| words.push(immediate(0x0d, 0, register, value));
    let point =
        |words: &mut Vec<u32>, register, at| words.push(immediate(0x19, window, register, at));
    let at = rng.below(64) as u32;
    let number =
        rng.pick(&[5000, 5000, 5001, 5001, 5222, 5313, 5194, 5023, 5055, 5178, 5009, 5034]);
    set(words, 2, number);
    match number {
        5000 | 5001 => {
            set(words, 4, rng.pick(&[0, 1, 2, 3, 4, 5, 5, 6, 6, 100]));
            point(words, 5, at);
            set(words, 6, rng.below(12) as u32);
        }
        5222 => {
            set(words, 4, rng.below(3) as u32);
            point(words, 5, at);
        }
        5313 | 5194 => {
            point(words, 4, at);
            set(words, 5, if number == 5313 { rng.below(12) as u32 } else { 128 + at % 3 });
            set(words, 6, 0);
        }
        5055 => {
            words.push(immediate(0x0f, 0, 4, (CLONE_FLAGS >> 16) as u32));
            words.push(immediate(0x0d, 4, 4, CLONE_FLAGS as u32));
            point(words, 5, at);
        }
        _ => {
            set(words, 4, 0);
            set(words, 5, at);
        }
    }
    words.push(0x0c);
}
