//! System calls: numbers, names and meaning, declared once (op-stack C6, C7; peers.md section 6).
//!
//! Start with the table at the end.
//!
//! **Invariant:** a call that returns an error has changed nothing.

use crate::{
    bits::low,
    bus::Bus,
    error::{Cause, Exit},
    step::{Core, Switch},
    thread::Abi,
    vm::Stream,
};

const EAGAIN: u64 = 0xb;
const EBADF: u64 = 0x9;
const EINVAL: u64 = 0x16;

const HEAP_END: u64 = 0x6000_0000_0000;
const PROGRAM_BREAK: u64 = 0x4000_0000_0000;
/// CLONE_VM, FS, FILES, SIGHAND, SYSVSEM, THREAD: what the Go runtime asks for, and nothing else.
const CLONE_FLAGS: u64 = 0x0005_0f00;
/// Steps of the guest's clock in a second.
const STEPS_PER_SECOND: u64 = 10_000_000;
const NANOSECONDS_PER_STEP: u64 = 100;
/// Exit code of a VM that gave up on its guest.
const EXIT_PANIC: u8 = 2;

/// File descriptors.
mod fd {
    pub(super) const STDIN: u64 = 0;
    pub(super) const STDOUT: u64 = 1;
    pub(super) const STDERR: u64 = 2;
    pub(super) const HINT_READ: u64 = 3;
    pub(super) const HINT_WRITE: u64 = 4;
    pub(super) const PREIMAGE_READ: u64 = 5;
    pub(super) const PREIMAGE_WRITE: u64 = 6;
    pub(super) const EVENT: u64 = 100;
}

/// What a call says to the guest.
enum Reply {
    /// A value, no error.
    Value(u64),
    /// A positive errno; the error register becomes ~0.
    Errno(u64),
    /// 0, and the thread gives way.
    Yield,
    /// A value for the parent; the child starts in the same place with 0.
    Spawn { id: u64, stack: u64 },
    /// Nothing: the thread does not come back, its pc does not move.
    Gone,
}

/// Makes the dispatcher and the names from the table.
macro_rules! system_calls {
    (
        does { $($number:literal $name:literal $handler:expr;)* }
        ignored { $($ignored:literal $ignored_name:literal;)* }
    ) => {
        fn dispatch<B: Bus>(number: u64, core: &mut Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
            match number {
                $($number => $handler(core, bus),)*
                $($ignored)|* => Ok(Reply::Value(0)),
                _ => Err(Exit::Trap(Cause::UnsupportedSyscall { number })),
            }
        }

        /// The name of a system call this VM knows.
        pub const fn name(number: u64) -> Option<&'static str> {
            Some(match number {
                $($number => $name,)*
                $($ignored => $ignored_name,)*
                _ => return None,
            })
        }
    };
}

/// The system call the active thread stands at.
pub(crate) fn call<B: Bus>(core: &mut Core<'_>, bus: &mut B) -> Result<Switch, Exit> {
    let number = core.thread.register(Abi::V0);
    let reply = dispatch(number, core, bus)?;
    let thread = &mut *core.thread;
    let (value, error) = match reply {
        Reply::Gone => return Ok(Switch::Stay),
        Reply::Value(value) => (value, 0),
        Reply::Errno(errno) => (errno, u64::MAX),
        Reply::Yield => (0, 0),
        Reply::Spawn { id, .. } => (id, 0),
    };
    thread.set_reply(value, error);
    let mut cpu = thread.cpu();
    cpu.advance();
    thread.set_cpu(cpu);
    Ok(match reply {
        Reply::Yield => Switch::Yield,
        Reply::Spawn { id, stack } => {
            let mut child = Box::new(thread.clone());
            child.id = id;
            child.exit_code = 0;
            child.set_stack_pointer(stack);
            child.set_reply(0, 0);
            Switch::Spawn(child)
        }
        _ => Switch::Stay,
    })
}

/// The first three arguments.
fn arguments(core: &Core<'_>) -> [u64; 3] {
    [Abi::A0, Abi::A1, Abi::A2].map(|it| core.thread.register(it))
}

fn mmap<B: Bus>(core: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    let [hint, size, _] = arguments(core);
    if hint != 0 {
        return Ok(Reply::Value(hint));
    }
    let heap = core.scalars.heap;
    let end = size.checked_next_multiple_of(4096).and_then(|it| heap.checked_add(it));
    Ok(match end.filter(|it| *it <= HEAP_END) {
        Some(end) => {
            core.scalars.heap = end;
            Reply::Value(heap)
        }
        None => Reply::Errno(EINVAL),
    })
}

fn clone<B: Bus>(core: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    let [flags, stack, _] = arguments(core);
    if flags != CLONE_FLAGS {
        core.scalars.exited = true;
        core.scalars.exit_code = EXIT_PANIC;
        return Ok(Reply::Gone);
    }
    let id = core.scalars.next_thread_id;
    core.scalars.next_thread_id = id.wrapping_add(1);
    Ok(Reply::Spawn { id, stack })
}

fn exit<B: Bus>(core: &mut Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    let [code, ..] = arguments(core);
    core.thread.exited = true;
    core.thread.exit_code = (code & 0xff) as u8;
    if core.alone {
        return exit_group(core, bus);
    }
    Ok(Reply::Gone)
}

fn exit_group<B: Bus>(core: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    let [code, ..] = arguments(core);
    core.scalars.exited = true;
    core.scalars.exit_code = (code & 0xff) as u8;
    Ok(Reply::Gone)
}

fn read<B: Bus>(core: &mut Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    let [descriptor, address, count] = arguments(core);
    Ok(match descriptor {
        fd::STDIN => Reply::Value(0),
        // The answer to a hint carries nothing: the guest's memory is not touched.
        fd::HINT_READ => Reply::Value(count),
        fd::PREIMAGE_READ => Reply::Value(read_preimage(core, bus, address, count)?),
        fd::EVENT => Reply::Errno(EAGAIN),
        _ => Reply::Errno(EBADF),
    })
}

/// C7: at most to the end of the word; the word is stored even if no byte of it changes.
fn read_preimage<B: Bus>(
    core: &mut Core<'_>,
    bus: &mut B,
    address: u64,
    count: u64,
) -> Result<u64, Exit> {
    let scalars = &mut *core.scalars;
    let mut bytes: [u8; 8] = bus.load(address)?;
    let chunk = bus.preimage(&scalars.preimage_key, scalars.preimage_offset)?;
    let start = in_word(address);
    let length = chunk.length.min(count).min(8_u64.saturating_sub(start as u64));
    let source = chunk.bytes.iter().take(low(length) as usize);
    for (place, byte) in bytes.iter_mut().skip(start).zip(source) {
        *place = *byte;
    }
    bus.store(address, bytes)?;
    scalars.preimage_offset = scalars.preimage_offset.wrapping_add(length);
    Ok(length)
}

fn write<B: Bus>(core: &mut Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    let [descriptor, address, count] = arguments(core);
    Ok(match descriptor {
        fd::STDOUT | fd::STDERR => {
            let stream = if descriptor == fd::STDOUT { Stream::Stdout } else { Stream::Stderr };
            bus.output(stream, address, count)?;
            Reply::Value(count)
        }
        fd::HINT_WRITE => {
            bus.hint(address, count)?;
            Reply::Value(count)
        }
        fd::PREIMAGE_WRITE => Reply::Value(write_key(core, bus, address, count)?),
        fd::EVENT => Reply::Errno(EAGAIN),
        _ => Reply::Errno(EBADF),
    })
}

/// C7: shifts the key to the left and appends the bytes up to the end of the word.
fn write_key<B: Bus>(
    core: &mut Core<'_>,
    bus: &mut B,
    address: u64,
    count: u64,
) -> Result<u64, Exit> {
    let bytes: [u8; 8] = bus.load(address)?;
    let start = in_word(address);
    let count = count.min(8_u64.saturating_sub(start as u64));
    let key = &mut core.scalars.preimage_key;
    key.rotate_left(low(count) as usize);
    let source = bytes.iter().skip(start).take(low(count) as usize);
    for (place, byte) in key.iter_mut().rev().take(low(count) as usize).rev().zip(source) {
        *place = *byte;
    }
    core.scalars.preimage_offset = 0;
    Ok(count)
}

fn fcntl<B: Bus>(core: &Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    const GET_DESCRIPTOR_FLAGS: u64 = 1;
    const GET_STATUS_FLAGS: u64 = 3;
    let [descriptor, command, _] = arguments(core);
    Ok(match (command, descriptor) {
        (GET_DESCRIPTOR_FLAGS, fd::STDIN..=fd::PREIMAGE_WRITE) => Reply::Value(0),
        (GET_STATUS_FLAGS, fd::STDIN | fd::HINT_READ | fd::PREIMAGE_READ) => Reply::Value(0),
        (GET_STATUS_FLAGS, fd::STDOUT | fd::STDERR | fd::HINT_WRITE | fd::PREIMAGE_WRITE) => {
            Reply::Value(1)
        }
        (GET_DESCRIPTOR_FLAGS | GET_STATUS_FLAGS, _) => Reply::Errno(EBADF),
        _ => Reply::Errno(EINVAL),
    })
}

fn futex<B: Bus>(core: &Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    const WAIT_PRIVATE: u64 = 128;
    const WAKE_PRIVATE: u64 = 129;
    let [address, operation, value] = arguments(core);
    Ok(match operation {
        WAIT_PRIVATE if u32::from_be_bytes(bus.load(address)?) != low(value) => {
            Reply::Errno(EAGAIN)
        }
        // There are no wait lists: a waiter gives way and comes back to look again.
        WAIT_PRIVATE | WAKE_PRIVATE => Reply::Yield,
        _ => Reply::Errno(EINVAL),
    })
}

fn clock_gettime<B: Bus>(core: &Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    const REALTIME: u64 = 0;
    const MONOTONIC: u64 = 1;
    let [clock, address, _] = arguments(core);
    let steps = match clock {
        REALTIME => 0,
        MONOTONIC => core.scalars.step,
        _ => return Ok(Reply::Errno(EINVAL)),
    };
    let remainder = steps % STEPS_PER_SECOND;
    bus.store(address, (steps / STEPS_PER_SECOND).to_be_bytes())?;
    let nanoseconds = remainder.wrapping_mul(NANOSECONDS_PER_STEP);
    bus.store(address.wrapping_add(8), nanoseconds.to_be_bytes())?;
    Ok(Reply::Value(0))
}

fn getrandom<B: Bus>(core: &Core<'_>, bus: &mut B) -> Result<Reply, Exit> {
    let [address, count, _] = arguments(core);
    let mut bytes: [u8; 8] = bus.load(address)?;
    let start = in_word(address);
    let count = count.min(8_u64.saturating_sub(start as u64));
    let random = splitmix64(core.scalars.step).to_be_bytes();
    let places = bytes.iter_mut().zip(random).skip(start).take(low(count) as usize);
    for (place, byte) in places {
        *place = byte;
    }
    bus.store(address, bytes)?;
    Ok(Reply::Value(count))
}

fn eventfd<B: Bus>(core: &Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    const NONBLOCK: u64 = 0x80;
    let [_, flags, _] = arguments(core);
    Ok(if flags & NONBLOCK == 0 { Reply::Errno(EINVAL) } else { Reply::Value(fd::EVENT) })
}

fn thread_id<B: Bus>(core: &Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    Ok(Reply::Value(core.thread.id))
}

fn program_break<B: Bus>(_: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    Ok(Reply::Value(PROGRAM_BREAK))
}

fn give_way<B: Bus>(_: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    Ok(Reply::Yield)
}

fn no_files<B: Bus>(_: &mut Core<'_>, _: &mut B) -> Result<Reply, Exit> {
    Ok(Reply::Errno(EBADF))
}

/// The generator of the splitmix64 family, seeded with the step.
const fn splitmix64(seed: u64) -> u64 {
    let mut mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// Where an address lies in its 8-byte word.
const fn in_word(address: u64) -> usize {
    (address & 7) as usize
}

system_calls! {
    does {
        5000 "read" read;
        5001 "write" write;
        5002 "open" no_files;
        5009 "mmap" mmap;
        5012 "brk" program_break;
        5023 "sched_yield" give_way;
        5034 "nanosleep" give_way;
        5055 "clone" clone;
        5058 "exit" exit;
        5070 "fcntl" fcntl;
        5178 "gettid" thread_id;
        5194 "futex" futex;
        5205 "exit_group" exit_group;
        5222 "clock_gettime" clock_gettime;
        5284 "eventfd2" eventfd;
        5313 "getrandom" getrandom;
    }
    // These say 0 and do nothing.
    ignored {
        5003 "close";
        5004 "stat";
        5005 "fstat";
        5008 "lseek";
        5010 "mprotect";
        5011 "munmap";
        5013 "rt_sigaction";
        5014 "rt_sigprocmask";
        5015 "ioctl";
        5016 "pread64";
        5026 "mincore";
        5027 "madvise";
        5036 "setitimer";
        5038 "getpid";
        5061 "uname";
        5087 "readlink";
        5095 "getrlimit";
        5100 "getuid";
        5102 "getgid";
        5129 "sigaltstack";
        5196 "sched_getaffinity";
        5208 "epoll_ctl";
        5216 "timer_create";
        5217 "timer_settime";
        5220 "timer_delete";
        5225 "tgkill";
        5247 "openat";
        5257 "readlinkat";
        5272 "epoll_pwait";
        5285 "epoll_create1";
        5287 "pipe2";
        5297 "prlimit64";
    }
}
