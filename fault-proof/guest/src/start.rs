//! Entry and panic: the ends of every run.
//!
//! **Invariant:** the program leaves through `exit` only; a panic writes its message and exits with 2, never
//! with a verdict (row F6).

use crate::syscall::{self, Stderr};
use core::fmt::Write;

#[expect(unsafe_code, reason = "the program is linked in by name")]
unsafe extern "Rust" {
    fn opal_main() -> u8;
}

#[expect(unsafe_code, reason = "the program is linked in by name")]
pub(crate) extern "C" fn main() -> ! {
    // SAFETY: `entry!` defines it with this signature; a program without it does not link.
    syscall::exit(unsafe { opal_main() })
}

#[panic_handler]
fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    // A failing write cannot be told to anybody.
    let _ = writeln!(Stderr, "{info}");
    syscall::exit(2)
}
