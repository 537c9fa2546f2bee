//! A pre-image server in a process of its own: the client's side of the pipes (F3, peers.md section 4).
//!
//! The child finds hint requests on descriptor 3 and answers on 4, keys on 5 and answers on 6.
//!
//! **Invariant:** the pipes close before the child is awaited, so that a server that waits for end of file ends.

use command_fds::{CommandFdExt, FdMapping};
use opal_program::wire::{self, TooLong};
use std::{
    ffi::OsString,
    io::{self, PipeReader, PipeWriter, Read, Write},
    process::{Child, Command, ExitStatus},
};

/// A running server.
#[derive(Debug)]
pub struct HostProcess {
    child: Child,
    pipes: Pipes,
}

#[derive(Debug)]
struct Pipes {
    hints: PipeWriter,
    acks: PipeReader,
    keys: PipeWriter,
    values: PipeReader,
}

impl HostProcess {
    /// Starts `program` with `arguments`.
    pub fn start(program: &OsString, arguments: &[OsString]) -> Result<Self, HostProcessError> {
        let start = |source| HostProcessError::Start { program: program.clone(), source };
        let (their_hints, hints) = io::pipe().map_err(start)?;
        let (acks, their_acks) = io::pipe().map_err(start)?;
        let (their_keys, keys) = io::pipe().map_err(start)?;
        let (values, their_values) = io::pipe().map_err(start)?;
        let theirs: [std::os::fd::OwnedFd; 4] =
            [their_hints.into(), their_acks.into(), their_keys.into(), their_values.into()];
        let mappings =
            (3..).zip(theirs).map(|(child_fd, parent_fd)| FdMapping { parent_fd, child_fd });
        let mut command = Command::new(program);
        command.args(arguments).env("NO_COLOR", "1");
        command
            .fd_mappings(mappings.collect())
            .map_err(|_| start(io::ErrorKind::InvalidInput.into()))?;
        let child = command.spawn().map_err(start)?;
        // `command` holds the child's ends; they close here, so that a dead child is end of file for us.
        drop(command);
        Ok(Self { child, pipes: Pipes { hints, acks, keys, values } })
    }

    /// Passes a hint on and waits until the server has taken it.
    pub fn hint(&mut self, text: &[u8]) -> Result<(), HostProcessError> {
        let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
        wire::hint_length(length.to_be_bytes())?;
        let mut ack = [0];
        let Pipes { hints, acks, .. } = &mut self.pipes;
        let talk = hints
            .write_all(&[&length.to_be_bytes(), text].concat())
            .and_then(|()| acks.read_exact(&mut ack));
        talk.map_err(|source| HostProcessError::Pipe { what: "a hint", source })
    }

    /// Asks for the value of a key.
    pub fn read(&mut self, key: [u8; 32]) -> Result<Vec<u8>, HostProcessError> {
        let lost = |source| HostProcessError::Pipe { what: "a pre-image request", source };
        let mut prefix = [0; 8];
        self.pipes.keys.write_all(&key).map_err(lost)?;
        self.pipes.values.read_exact(&mut prefix).map_err(lost)?;
        let length = wire::preimage_length(prefix)?;
        let mut value = Vec::new();
        let expected = length as u64;
        (&mut self.pipes.values).take(expected).read_to_end(&mut value).map_err(lost)?;
        if value.len() == length {
            Ok(value)
        } else {
            Err(lost(io::ErrorKind::UnexpectedEof.into()))
        }
    }

    /// Closes the pipes and waits for the server's end.
    pub fn finish(self) -> io::Result<ExitStatus> {
        let Self { mut child, pipes } = self;
        drop(pipes);
        child.wait()
    }
}

/// What can go wrong with a server process. Never a verdict of the VM.
#[derive(Debug, thiserror::Error)]
pub enum HostProcessError {
    /// It could not be started.
    #[error("pre-image server {} could not be started: {source}", program.display())]
    Start {
        /// The program.
        program: OsString,
        /// Why.
        source: io::Error,
    },
    /// It went away or closed a pipe.
    #[error("pre-image server broke off during {what}: {source}; its own output says why")]
    Pipe {
        /// What was under way.
        what: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It announced an absurd length.
    #[error("pre-image server or guest sent an absurd length: {0}")]
    TooLong(#[from] TooLong),
}

impl opal_mips::PreimageOracle for HostProcess {
    fn hint(&mut self, hint: &[u8]) -> Result<(), opal_mips::OracleError> {
        Self::hint(self, hint).map_err(Into::into)
    }

    fn read(&mut self, key: [u8; 32]) -> Result<std::sync::Arc<[u8]>, opal_mips::OracleError> {
        Self::read(self, key).map(Into::into).map_err(Into::into)
    }
}
