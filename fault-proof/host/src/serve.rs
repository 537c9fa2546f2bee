//! The server's side of the pipes that a VM talks through (F3, peers.md section 4).
//!
//! Start with [`serve`].
//!
//! **Invariant:** a value that cannot be had ends the server, which the VM's owner notices; nothing is made up.

use crate::ClaimServer;
use opal_mips::PreimageOracle;
use opal_program::{
    OracleError, PreimageKey,
    wire::{self, HINT_ACK, TooLong},
};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    sync::{Arc, Mutex, PoisonError},
    thread,
};

/// The four pipes.
#[derive(Debug)]
pub struct Pipes {
    /// Hints come here.
    pub hints: File,
    /// A byte for each hint goes here.
    pub acks: File,
    /// Keys come here.
    pub keys: File,
    /// Values go here.
    pub values: File,
}

impl Pipes {
    /// Descriptors 3 to 6, as a VM hands them to its server.
    pub fn inherited() -> io::Result<Self> {
        let reads = |descriptor: u8| File::open(format!("/dev/fd/{descriptor}"));
        let writes =
            |descriptor: u8| OpenOptions::new().write(true).open(format!("/dev/fd/{descriptor}"));
        Ok(Self { hints: reads(3)?, acks: writes(4)?, keys: reads(5)?, values: writes(6)? })
    }
}

/// Why a server ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Nobody has the value.
    #[error("{absent}{}", because(.fault.as_deref()))]
    Absent {
        /// What was asked for.
        absent: OracleError,
        /// What the server knows about it.
        fault: Option<String>,
    },
    /// A pipe broke.
    #[error("pipe to the VM: {0}")]
    Pipe(#[from] io::Error),
    /// The VM announced an absurd length.
    #[error("the VM sent an absurd length: {0}")]
    TooLong(#[from] TooLong),
    /// The hint is none.
    #[error("the VM sent a hint that cannot be read: {0}")]
    Hint(opal_mips::OracleError),
}

fn because(fault: Option<&str>) -> String {
    fault.map(|fault| format!(": {fault}")).unwrap_or_default()
}

/// Answers until the VM closes its ends. The thread for hints ends with the process, because it may be waiting for one when
/// the keys have come to their end.
pub fn serve(server: ClaimServer<'static>, pipes: Pipes) -> Result<(), ServeError> {
    let Pipes { mut hints, mut acks, mut keys, mut values } = pipes;
    let server = Arc::new(Mutex::new(server));
    let hinted = Arc::clone(&server);
    thread::spawn(move || while let Ok(true) = follow_hint(&hinted, &mut hints, &mut acks) {});
    while answer_key(&server, &mut keys, &mut values)? {}
    Ok(())
}

/// Takes one hint; false at the end of the pipe.
fn follow_hint(
    server: &Mutex<ClaimServer<'static>>,
    hints: &mut File,
    acks: &mut File,
) -> Result<bool, ServeError> {
    let mut prefix = [0; 4];
    if !filled(hints, &mut prefix)? {
        return Ok(false);
    }
    let mut text = vec![0; wire::hint_length(prefix)?];
    hints.read_exact(&mut text)?;
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    server.hint(&text).map_err(ServeError::Hint)?;
    drop(server);
    acks.write_all(&[HINT_ACK])?;
    Ok(true)
}

/// Answers one key; false at the end of the pipe.
fn answer_key(
    server: &Mutex<ClaimServer<'static>>,
    keys: &mut File,
    values: &mut File,
) -> Result<bool, ServeError> {
    let mut key = [0; 32];
    if !filled(keys, &mut key)? {
        return Ok(false);
    }
    let mut server = server.lock().unwrap_or_else(PoisonError::into_inner);
    let value = server.get(PreimageKey(key.into())).map_err(|absent| {
        let fault = server.fault().map(ToOwned::to_owned);
        ServeError::Absent { absent, fault }
    })?;
    drop(server);
    values.write_all(&wire::preimage_frame(&value))?;
    Ok(true)
}

/// Reads all of `buffer`; false if nothing comes any more.
fn filled(from: &mut File, buffer: &mut [u8]) -> io::Result<bool> {
    let (first, rest) = buffer.split_at_mut(1);
    if from.read(first)? == 0 {
        return Ok(false);
    }
    from.read_exact(rest).map(|()| true)
}
