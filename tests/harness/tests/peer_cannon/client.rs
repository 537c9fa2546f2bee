//! The Go side: sends states to the peer program and reads what Go cannon made of them.
//!
//! The frames are described in `tests/peers/cannon/serve.go`.
//!
//! **Invariant:** answers come in the order of the requests; writing never waits for reading.

use opal_harness::peer::Peer;
use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
};

pub(crate) const EACH: u8 = 1;
pub(crate) const PROOF: u8 = 2;
pub(crate) const CONTENT: u8 = 4;

/// What one side made of a state. Fields the request did not ask for are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    /// State hash after each step.
    pub(crate) hashes: Vec<[u8; 32]>,
    /// The last state's file content.
    pub(crate) content: Vec<u8>,
    /// Proof of the single step and what it read.
    pub(crate) proof: Vec<u8>,
    /// Key and offset of the pre-image the single step read.
    pub(crate) preimage: Option<([u8; 32], u64)>,
    /// How it ended.
    pub(crate) end: End,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum End {
    /// All steps were done.
    #[default]
    Done,
    /// The next step is an exception.
    Exception(String),
    /// The next step is something no VM should be asked for here, such as writing gigabytes.
    OutOfScope,
}

pub(crate) struct Client {
    // Declared before the peer: the writer must end, and close the pipe, before the peer is waited for.
    requests: Option<SyncSender<Vec<u8>>>,
    writer: Option<std::thread::JoinHandle<()>>,
    peer: Peer,
    program: PathBuf,
}

impl Client {
    pub(crate) fn start(program: &Path) -> Self {
        let mut peer = Peer::start(program, &["serve"]);
        let mut input = peer.take_input();
        let (requests, frames) = sync_channel::<Vec<u8>>(256);
        let writer = std::thread::spawn(move || {
            // An error means that the peer ended; reading its answer says so.
            while let Ok(frame) = frames.recv() {
                if input.write_all(&frame).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        Self { requests: Some(requests), writer: Some(writer), peer, program: program.into() }
    }

    /// A second process without requests on their way.
    pub(crate) fn another(&self) -> Self {
        Self::start(&self.program)
    }

    pub(crate) fn send(&self, flags: u8, steps: u32, content: &[u8]) {
        // The file content of the last state is only 1 flag further.
        let length = (content.len() + 5) as u32;
        let head = [&length.to_be_bytes()[..], &[state_flag(flags)], &steps.to_be_bytes()].concat();
        let requests = self.requests.as_ref().expect("open until dropped");
        requests.send([&head, content].concat()).expect("the writer lives until dropped");
    }

    pub(crate) fn receive(&mut self, flags: u8) -> Run {
        let mut length = [0; 4];
        let mut frame = Vec::new();
        let output = self.peer.output();
        output.read_exact(&mut length).expect("the Go peer answers");
        frame.resize(u32::from_be_bytes(length) as usize, 0);
        output.read_exact(&mut frame).expect("the Go peer answers whole frames");
        read_answer(flags, &frame)
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.requests.take());
        // After a failed comparison answers are left over: the peer cannot end before somebody takes them.
        let _ = std::io::copy(self.peer.output(), &mut std::io::sink());
        if let Some(writer) = self.writer.take() {
            let _ = writer.join();
        }
    }
}

/// The peer's own flags: content is asked for as the whole serialization.
const fn state_flag(flags: u8) -> u8 {
    flags & (EACH | PROOF) | if flags & CONTENT != 0 { 8 } else { 0 }
}

fn read_answer(flags: u8, frame: &[u8]) -> Run {
    let (status, rest) = frame.split_first().expect("an answer has a status");
    let (done, mut rest) = rest.split_first_chunk::<4>().expect("an answer has a count");
    let mut run = Run::default();
    if flags & EACH != 0 && *status != 2 {
        for _ in 0..u32::from_be_bytes(*done) {
            run.hashes.push(*take(&mut rest));
        }
    }
    match status {
        0 => {
            let _witness: &[u8; 188] = take(&mut rest);
            let hash = *take(&mut rest);
            if flags & EACH == 0 {
                run.hashes.push(hash);
            }
        }
        1 => {
            run.end = End::Exception(String::from_utf8_lossy(rest).into_owned());
            return run;
        }
        3 => {
            run.end = End::OutOfScope;
            return run;
        }
        _ => panic!("the Go peer refuses a state: {}", String::from_utf8_lossy(rest)),
    }
    if flags & CONTENT != 0 {
        let length = u32::from_be_bytes(*take(&mut rest)) as usize;
        run.content = rest[..length].to_vec();
        rest = &rest[length..];
    }
    if flags & PROOF != 0 {
        run.proof = take::<6090>(&mut rest).to_vec();
        let [read] = *take(&mut rest);
        let (key, offset) = (*take(&mut rest), u64::from_be_bytes(*take(&mut rest)));
        run.preimage = (read != 0).then_some((key, offset));
    }
    assert!(rest.is_empty(), "bytes after an answer");
    run
}

fn take<'a, const N: usize>(input: &mut &'a [u8]) -> &'a [u8; N] {
    let (head, rest) = input.split_first_chunk().expect("the answer is as long as it says");
    *input = rest;
    head
}
