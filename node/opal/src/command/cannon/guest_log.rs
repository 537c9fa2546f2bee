//! The guest's output as log lines on standard error.
//!
//! **Invariant:** memory stays bounded: a line that never ends is cut.

use crate::command::complain;
use opal_mips::{Output, Stream};

const MAX_LINE_BYTES: usize = 4096;

/// Collects lines of the guest's two streams.
#[derive(Debug, Default)]
pub(super) struct GuestLog {
    stdout: Vec<u8>,
    stderr: Vec<u8>,
}

impl GuestLog {
    /// Says what is left without a newline.
    pub(super) fn finish(mut self) {
        for (name, line) in [("stdout", &mut self.stdout), ("stderr", &mut self.stderr)] {
            if !line.is_empty() {
                say(name, line);
            }
        }
    }
}

impl Output for GuestLog {
    fn write(&mut self, stream: Stream, bytes: &[u8]) {
        let (name, line) = match stream {
            Stream::Stdout => ("stdout", &mut self.stdout),
            Stream::Stderr => ("stderr", &mut self.stderr),
        };
        for byte in bytes {
            if *byte != b'\n' {
                line.push(*byte);
            }
            if *byte == b'\n' || line.len() >= MAX_LINE_BYTES {
                say(name, line);
            }
        }
    }
}

fn say(name: &str, line: &mut Vec<u8>) {
    complain(&format!("guest {name}: {}", String::from_utf8_lossy(line)));
    line.clear();
}
