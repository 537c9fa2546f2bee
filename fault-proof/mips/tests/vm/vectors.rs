//! The VM against what the Go peer wrote: single steps, system calls, whole runs, to the bit (op-stack C1-C10).
//!
//! **Invariant:** each step is made three ways: plain, recorded with its proof, and replayed from that proof alone.

use crate::common::{self, Answers, bytes, digest, number, text, word};
use opal_harness::Vectors;
use opal_mips::{
    Cause, Io, Reservation, Silent, State, StepProof, Stop, Stream, Thread, Until, Vm, VmError,
    elf, keccak256,
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// Makes the next step with a proof, checks the proof by replay, and that the plain step leads to the same hash.
#[track_caller]
fn proven_step(state: State, answers: &Answers, label: &str) -> Result<(Vm, StepProof), VmError> {
    let (mut plain, mut recorded) = (Vm::new(state.clone()), Vm::new(state));
    let plain_result = plain.step(&mut Io { oracle: &mut answers.clone(), output: &mut Silent });
    let proof =
        recorded.step_with_proof(&mut Io { oracle: &mut answers.clone(), output: &mut Silent });
    match (plain_result, proof) {
        (Ok(()), Ok(proof)) => {
            assert_eq!(plain.witness(), recorded.witness(), "{label}: plain and recorded step");
            proof.verify().unwrap_or_else(|error| panic!("{label}: {error}"));
            Ok((recorded, proof))
        }
        (Err(plain), Err(recorded)) => {
            assert_eq!(plain.to_string(), recorded.to_string(), "{label}");
            Err(recorded)
        }
        (plain, recorded) => panic!("{label}: plain {plain:?}, recorded {recorded:?}"),
    }
}

fn registers(value: &Value) -> [u64; 32] {
    let values: Vec<u64> = value.as_array().unwrap().iter().map(|it| word(text(it))).collect();
    values.try_into().unwrap()
}

fn reservation(value: &Value) -> Reservation {
    let status = number(&value[0]).try_into().unwrap();
    Reservation { status, address: word(text(&value[1])), owner: number(&value[2]) }
}

#[test]
fn every_single_instruction_ends_as_in_the_go_peer() {
    let Some(vectors) = Vectors::for_test("mips::isa_steps") else { return };
    let file: Value = vectors.json("cannon/isa-steps.json");
    let cases = file["vectors"].as_array().unwrap();
    assert_eq!(cases.len(), 965);
    for case in cases {
        let label = format!("{} {}", text(&case["l"]), text(&case["insn"]));
        let mut state = isa_state(case);
        assert_eq!(state.hash(), digest(&case["preHash"]), "{label}: state before");
        let outcome = proven_step(state, &Answers::Silent, &label);
        match (case.get("panic"), outcome) {
            (None, Ok((mut vm, _))) => {
                check_isa_changes(case, &vm, &label);
                assert_eq!(vm.witness().hash(), digest(&case["postHash"]), "{label}");
            }
            (Some(panic), Err(VmError::Exception(exception))) => {
                check_cause(text(panic), exception.cause, &label);
                let expected = if exception.pc & 3 == 0 { word(text(&case["insn"])) } else { 0 };
                assert_eq!(u64::from(exception.instruction), expected, "{label}");
                assert_eq!(exception.step, number(&case["step"]), "{label}");
            }
            (expected, outcome) => panic!("{label}: {outcome:?}, not {expected:?}"),
        }
    }
    vectors.finish();
}

fn isa_state(case: &Value) -> State {
    let mut state = State::initial(0x4000);
    let thread = &mut state.left[0];
    thread.pc = word(text(&case["pc"]));
    thread.next_pc = word(text(&case["npc"]));
    thread.hi = word(text(&case["hi"]));
    thread.lo = word(text(&case["lo"]));
    thread.registers = registers(&case["r"]);
    let pc = thread.pc;
    state.scalars.step = number(&case["step"]);
    state.memory.set_word(pc, word(text(&case["insnWord"])));
    if let Some(memory) = case.get("mem") {
        state.memory.set_word(word(text(&case["ea"])), word(text(memory)));
    }
    if let Some(ll) = case.get("ll") {
        state.reservation = reservation(ll);
    }
    state
}

/// Everything that `post` does not name is as before.
#[track_caller]
fn check_isa_changes(case: &Value, vm: &Vm, label: &str) {
    let post = &case["post"];
    let thread = vm.state().thread().unwrap();
    let either = |key: &str| word(text(post.get(key).unwrap_or_else(|| &case[key])));
    assert_eq!(thread.pc, either("pc"), "{label}: pc");
    assert_eq!(thread.next_pc, either("npc"), "{label}: next pc");
    assert_eq!(thread.hi, either("hi"), "{label}: hi");
    assert_eq!(thread.lo, either("lo"), "{label}: lo");
    let mut expected = registers(&case["r"]);
    for (index, value) in post.get("r").and_then(Value::as_object).into_iter().flatten() {
        expected[index.parse::<usize>().unwrap()] = word(text(value));
    }
    assert_eq!(thread.registers, expected, "{label}: registers");
    if case.get("mem").is_some() {
        let stored = vm.state().memory.word(word(text(&case["ea"])));
        assert_eq!(stored, either("mem"), "{label}: memory");
    }
    let ll = post.get("ll").or_else(|| case.get("ll"));
    assert_eq!(vm.state().reservation, ll.map(reservation).unwrap_or_default(), "{label}: ll");
}

/// The Go peer's panic message names the same cause.
#[track_caller]
fn check_cause(message: &str, cause: Cause, label: &str) {
    let expected = match cause {
        Cause::InvalidInstruction => "invalid instruction",
        Cause::DivisionByZero => "divide by zero",
        Cause::BranchInDelaySlot { .. } => "in delay slot",
        Cause::UnalignedPc => "unaligned instruction fetch",
        Cause::UnsupportedSyscall { .. } => "unrecognized syscall",
        Cause::PreimageOffset { .. } => "out-of-bounds",
        Cause::NoThread => "stack is empty",
    };
    assert!(message.contains(expected), "{label}: {cause}, not {message}");
}

#[test]
fn every_system_call_and_thread_switch_ends_as_in_the_go_peer() {
    let Some(vectors) = Vectors::for_test("mips::syscall_steps") else { return };
    let file: Value = vectors.json("cannon/syscall-steps.json");
    let cases = file["vectors"].as_array().unwrap();
    assert_eq!(cases.len(), 314);
    for case in cases {
        let label = text(&case["l"]);
        let mut state = syscall_state(&case["pre"], &case["memPre"]);
        assert_eq!(state.witness(&opal_mips::Scalar).0, *bytes(&case["pre"]["witness"]), "{label}");
        let outcome = proven_step(state, &Answers::Counting { length: 20 }, label);
        match (case.get("panic"), outcome) {
            (None, Ok((vm, proof))) => check_syscall_outcome(case, vm, &proof, label),
            (Some(panic), Err(VmError::Exception(exception))) => {
                check_cause(text(panic), exception.cause, label);
            }
            (expected, outcome) => panic!("{label}: {outcome:?}, not {expected:?}"),
        }
    }
    vectors.finish();
}

fn syscall_state(side: &Value, memory: &Value) -> State {
    let threads = |key: &str| -> Vec<Thread> {
        side[key].as_array().unwrap().iter().map(|it| thread(&bytes(it))).collect()
    };
    let mut state = State { left: threads("left"), right: threads("right"), ..State::default() };
    let witness: Vec<u8> = bytes(&side["witness"]);
    let at = |place: usize| u64::from_be_bytes(witness[place..place + 8].try_into().unwrap());
    let scalars = &mut state.scalars;
    scalars.preimage_key = witness[32..64].try_into().unwrap();
    scalars.preimage_offset = at(64);
    scalars.heap = at(72);
    state.reservation = Reservation { status: witness[80], address: at(81), owner: at(89) };
    scalars.exit_code = witness[97];
    scalars.exited = witness[98] != 0;
    scalars.step = at(99);
    scalars.steps_since_switch = at(107);
    scalars.traverse_right = witness[115] != 0;
    scalars.next_thread_id = at(180);
    state.last_hint = bytes(&side["lastHint"]);
    for (address, value) in memory.as_object().unwrap() {
        state.memory.set_word(word(address), word(text(value)));
    }
    state
}

fn thread(bytes: &[u8]) -> Thread {
    assert_eq!(bytes.len(), 298);
    let at = |place: usize| u64::from_be_bytes(bytes[place..place + 8].try_into().unwrap());
    Thread {
        id: at(0),
        exit_code: bytes[8],
        exited: bytes[9] != 0,
        pc: at(10),
        next_pc: at(18),
        lo: at(26),
        hi: at(34),
        registers: std::array::from_fn(|index| at(42 + 8 * index)),
    }
}

#[track_caller]
fn check_syscall_outcome(case: &Value, mut vm: Vm, proof: &StepProof, label: &str) {
    let expected = syscall_state(&case["post"], &case["memPost"]);
    assert_eq!(vm.state().left, expected.left, "{label}: left stack");
    assert_eq!(vm.state().right, expected.right, "{label}: right stack");
    assert_eq!(vm.state().scalars, expected.scalars, "{label}");
    assert_eq!(vm.state().reservation, expected.reservation, "{label}");
    assert_eq!(vm.state().last_hint, expected.last_hint, "{label}: hint buffer");
    assert_eq!(vm.witness().0, *bytes(&case["post"]["witness"]), "{label}: witness");
    assert_eq!(proof.pre, digest(&case["pre"]["hash"]), "{label}");
    assert_eq!(proof.post, digest(&case["post"]["hash"]), "{label}");
}

#[test]
fn every_step_of_the_older_single_step_set_ends_as_written() {
    let Some(vectors) = Vectors::for_test("mips::single_steps") else { return };
    let file: Value = vectors.json("derived/mips64-single-step.json");
    let cases = file["vectors"].as_array().unwrap();
    assert_eq!(cases.len(), 230);
    for case in cases {
        let label = format!("{}: {}", text(&case["group"]), text(&case["name"]));
        let (pc, instruction) = (word(text(&case["pc"])), word(text(&case["insn"])));
        let mut state = State::initial(pc);
        let mut expected = [0; 32];
        for (index, value) in pairs(&case["regs"]) {
            expected[index as usize] = value;
        }
        state.left[0].registers = expected;
        for (address, value) in pairs(&case["mem"]) {
            state.memory.set_word(address, value);
        }
        let half = if pc & 4 == 0 { 32 } else { 0 };
        let around = state.memory.word(pc) & !(0xffff_ffff << half);
        state.memory.set_word(pc, around | instruction << half);
        if let Some(hi) = case.get("hi") {
            state.left[0].hi = word(text(hi));
        }
        if let Some(lo) = case.get("lo") {
            state.left[0].lo = word(text(lo));
        }
        let outcome = proven_step(state, &Answers::Silent, &label);
        let expect = &case["expect"];
        if expect.get("panic").is_some() {
            assert!(matches!(outcome, Err(VmError::Exception(_))), "{label}: {outcome:?}");
            continue;
        }
        let (vm, _) = outcome.unwrap_or_else(|error| panic!("{label}: {error}"));
        let thread = vm.state().thread().unwrap();
        for (index, value) in pairs(&expect["regs"]) {
            expected[index as usize] = value;
        }
        assert_eq!(thread.registers, expected, "{label}: registers");
        for (key, found) in
            [("pc", thread.pc), ("nextPC", thread.next_pc), ("hi", thread.hi), ("lo", thread.lo)]
        {
            if let Some(value) = expect.get(key) {
                assert_eq!(found, word(text(value)), "{label}: {key}");
            }
        }
        for (address, value) in pairs(&expect["mem"]) {
            assert_eq!(vm.state().memory.word(address), value, "{label}: memory at {address:#x}");
        }
    }
    vectors.finish();
}

/// Entries of an object of numbers; register numbers are decimal, all else is 0x.
fn pairs(object: &Value) -> Vec<(u64, u64)> {
    let key = |it: &str| if it.starts_with("0x") { word(it) } else { it.parse().unwrap() };
    let entries = object.as_object().into_iter().flatten();
    entries.map(|(at, value)| (key(at), word(text(value)))).collect()
}

#[test]
fn printed_roots_and_encodings_are_reproduced() {
    let Some(vectors) = Vectors::for_test("mips::spec_values") else { return };
    let file: Value = vectors.json("derived/spec-values.json");
    let cannon = &file["cannon"];
    let mut state = State::default();
    assert_eq!(
        state.memory.root(&opal_mips::Scalar),
        digest(&cannon["empty_memory_root_depth59"]),
        "empty memory"
    );
    let witness = state.witness(&opal_mips::Scalar);
    assert_eq!(witness.0[116..148], digest(&cannon["empty_thread_stack"]), "empty stack");
    let example = &cannon["example"];
    assert_eq!(thread(&bytes(&example["thread"])), Thread { next_pc: 4, ..Thread::default() });
    assert_eq!(keccak256(&bytes(&example["thread"])), digest(&example["threadHash"]));
    state.right = vec![Thread { next_pc: 4, ..Thread::default() }];
    state.scalars.next_thread_id = 1;
    assert_eq!(state.witness(&opal_mips::Scalar).0, *bytes(&example["state"]));
    assert_eq!(state.hash(), digest(&example["stateHash"]));
    vectors.finish();
}

#[test]
fn keccak_guest_runs_as_in_the_go_peer() {
    check_run("a_30", Vectors::for_test("mips::run_a"));
}

#[test]
fn trie_guest_runs_as_in_the_go_peer() {
    check_run("c_60", Vectors::for_test("mips::run_c"));
}

#[test]
fn multithreaded_go_guest_runs_as_in_the_go_peer() {
    check_run("go_mt", Vectors::for_test("mips::run_go"));
}

/// What a run has to stop for.
#[derive(Default)]
struct Marks<'a> {
    hash: Option<&'a Value>,
    proof: Option<&'a Value>,
    file: Option<&'a Value>,
    call: Option<&'a Value>,
}

#[track_caller]
fn check_run(name: &str, vectors: Option<Vectors>) {
    let Some(vectors) = vectors else { return };
    let run: Value = vectors.json(&format!("cannon/cannon-{name}.json"));
    let program = elf::load(&vectors.bytes(&format!("cannon/elf/{name}.elf"))).unwrap();
    let mut marks = std::collections::BTreeMap::<u64, Marks<'_>>::new();
    let list = |key: &str| run[key].as_array().into_iter().flatten();
    for it in list("states") {
        marks.entry(number(&it["step"])).or_default().hash = Some(it);
    }
    for it in list("proofs") {
        marks.entry(number(&it["step"])).or_default().proof = Some(it);
    }
    for it in list("serializedStates") {
        marks.entry(number(&it["step"])).or_default().file = Some(it);
    }
    for it in list("syscalls") {
        marks.entry(number(&it["step"])).or_default().call = Some(it);
    }
    let mut vm = Vm::new(program.state);
    let mut oracle = common::Recording::new(Answers::Counting { length: 100 });
    let mut output = common::Captured::default();
    let mut calls = 0;
    for (step, mark) in &marks {
        let mut io = Io { oracle: &mut oracle, output: &mut output };
        let until = Until { step: *step, preimage: false };
        vm.run(until, &mut io).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(vm.step_count(), *step, "{name}");
        oracle.step = *step;
        check_marks(&mut vm, mark, name);
        if let Some(call) = mark.call {
            check_call(&vm, call, name);
        }
        if mark.proof.is_some() || mark.call.is_some() {
            oracle.step = *step;
            let mut io = Io { oracle: &mut oracle, output: &mut output };
            let proof = vm.step_with_proof(&mut io).unwrap();
            proof.verify().unwrap_or_else(|error| panic!("{name}: step {step}: {error}"));
            check_proof(&proof, mark.proof, name);
        }
        if let Some(call) = mark.call {
            check_reply(&vm, call, name);
            calls += 1;
        }
    }
    let mut io = Io { oracle: &mut oracle, output: &mut output };
    let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io).unwrap();
    assert_eq!(stop, Stop::Exited);
    assert_eq!(vm.step_count(), number(&run["totalSteps"]), "{name}");
    assert_eq!(vm.witness().hash(), digest(&run["finalHash"]), "{name}");
    assert_eq!(u64::from(vm.state().scalars.exit_code), number(&run["exitCode"]), "{name}");
    assert_eq!(output.of(Stream::Stdout), bytes(&run["stdoutHex"]), "{name}");
    // The Go peer counts the step before it hints.
    let hint = |it: &Value| (number(&it["step"]) - 1, bytes(&it["hint"]));
    let hints: Vec<_> = list("hints").map(hint).collect();
    assert_eq!(oracle.hints, hints, "{name}: hints");
    assert_eq!(calls, run["syscalls"].as_array().map_or(0, Vec::len), "{name}: system calls");
    vectors.finish();
}

#[track_caller]
fn check_marks(vm: &mut Vm, mark: &Marks<'_>, name: &str) {
    let step = vm.step_count();
    if let Some(state) = mark.hash {
        let witness = vm.witness();
        assert_eq!(witness.0, *bytes(&state["witness"]), "{name}: step {step}");
        assert_eq!(witness.hash(), digest(&state["hash"]), "{name}: step {step}");
    }
    if let Some(file) = mark.file {
        let mut content = Vec::new();
        vm.state().write(&mut content).unwrap();
        let hash: [u8; 32] = Sha256::digest(&content).into();
        assert_eq!(vm.state().memory.page_count() as u64, number(&file["pages"]), "{name}: {step}");
        assert_eq!(hash, digest(&file["sha256"]), "{name}: state file of step {step}");
        let mut again = State::read(&mut content.as_slice()).unwrap();
        assert_eq!(again.hash(), vm.witness().hash(), "{name}: state read back, step {step}");
    }
}

/// The active thread stands at the system call the vectors name.
#[track_caller]
fn check_call(vm: &Vm, call: &Value, name: &str) {
    let thread = vm.state().thread().unwrap();
    assert_eq!(thread.id, number(&call["tid"]), "{name}: {call}");
    assert_eq!(thread.registers[2], number(&call["n"]), "{name}: {call}");
    for (index, key) in ["a0", "a1", "a2"].iter().enumerate() {
        assert_eq!(thread.registers[4 + index], word(text(&call[key])), "{name}: {call}");
    }
}

/// The thread that called has its answer: `v0` and, in what the vectors call a3, the error.
#[track_caller]
fn check_reply(vm: &Vm, call: &Value, name: &str) {
    let state = vm.state();
    let caller = state.left.iter().chain(&state.right).find(|it| it.id == number(&call["tid"]));
    let caller = caller.unwrap_or_else(|| panic!("{name}: {call}: the caller is gone"));
    assert_eq!(caller.registers[2], word(text(&call["v0"])), "{name}: {call}");
    assert_eq!(caller.registers[7], word(text(&call["a3"])), "{name}: {call}");
}

#[track_caller]
fn check_proof(proof: &StepProof, expected: Option<&Value>, name: &str) {
    let Some(expected) = expected else { return };
    let step = proof.step;
    assert_eq!(proof.pre, digest(&expected["pre"]), "{name}: step {step}");
    assert_eq!(proof.post, digest(&expected["post"]), "{name}: step {step}");
    assert_eq!(proof.state_data.0, *bytes(&expected["stateData"]), "{name}: {step}");
    assert!(*proof.proof_data == *bytes(&expected["proofData"]), "{name}: proof {step}");
    let preimage = expected.get("oracleKey").map(|key| {
        let offset = expected.get("oracleOffset").map_or(0, number);
        (digest(key), bytes(&expected["oracleValue"]), offset)
    });
    let found = proof.preimage.as_ref().map(|it| (it.key, it.with_prefix(), it.offset));
    assert_eq!(found, preimage, "{name}: step {step}");
}

#[test]
fn go_hello_runs_to_its_end() {
    let Some(vectors) = Vectors::for_test("mips::go_hello") else { return };
    let program = elf::load(&vectors.bytes("cannon/elf/go_hello.elf")).unwrap();
    assert!(program.symbols.iter().any(|it| it.name == "main.main"));
    let mut vm = Vm::new(program.state);
    let mut output = common::Captured::default();
    let mut io = Io { oracle: &mut Answers::Counting { length: 100 }, output: &mut output };
    let stop = vm.run(Until { step: u64::MAX, preimage: false }, &mut io).unwrap();
    assert_eq!((stop, vm.state().scalars.exit_code), (Stop::Exited, 0));
    assert!(!output.of(Stream::Stdout).is_empty());
    vectors.finish();
}
