//! The program that runs inside the VM. On the host it is an empty `main`.
#![cfg_attr(target_os = "none", no_std, no_main)]

#[cfg(target_os = "none")]
opal_guest::entry!(main);

#[cfg(target_os = "none")]
fn main() -> u8 {
    let mut key = [0; 32];
    key[0] = 1;
    key[31] = 1;
    opal_guest::oracle::hint(b"echo 0x00");
    let v = opal_guest::oracle::preimage(&key);
    opal_guest::syscall::write(1, &v);
    0
}

#[cfg(not(target_os = "none"))]
fn main() {}
