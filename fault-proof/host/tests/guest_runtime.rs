//! The runtime of the guest, run in the VM: its assembly gives what plain Rust gives.
//!
//! **Invariant:** the comparison is made inside the VM; here only its exit code counts.

use opal_harness::guest_image;
use opal_mips::{Io, OracleError, Output, PreimageOracle, Stop, Stream, Until, Vm, elf};
use std::sync::Arc;

/// More than the program needs.
const MAX_STEPS: u64 = 1_000_000_000;

struct NoPreimages;

impl PreimageOracle for NoPreimages {
    fn hint(&mut self, _hint: &[u8]) -> Result<(), OracleError> {
        Err("the program has nothing to ask".into())
    }

    fn read(&mut self, _key: [u8; 32]) -> Result<Arc<[u8]>, OracleError> {
        Err("the program has nothing to ask".into())
    }
}

struct Said(String);

impl Output for Said {
    fn write(&mut self, _stream: Stream, bytes: &[u8]) {
        self.0.push_str(&String::from_utf8_lossy(bytes));
    }
}

#[test]
fn assembly_of_the_runtime_agrees_with_plain_rust_inside_the_vm() {
    let Some(image) = guest_image("runtime_check", "guest_runtime") else { return };
    let mut vm = Vm::new(elf::load(&image).unwrap().state);
    let mut said = Said(String::new());
    let mut io = Io { oracle: &mut NoPreimages, output: &mut said };
    let stop = vm.run(Until { step: MAX_STEPS, preimage: false }, &mut io).unwrap();
    assert_eq!(stop, Stop::Exited);
    assert_eq!(vm.state().scalars.exit_code, 0, "{}", said.0);
}
