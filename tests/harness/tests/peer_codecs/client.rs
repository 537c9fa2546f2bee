//! The other side: sends cases to a peer program and reads what it made of them.
//!
//! The frames are described in `tests/peers/derive/serve.go`.
//!
//! **Invariant:** answers come in the order of the requests; writing never waits for reading.

use crate::generate::{Case, Operation};
use opal_harness::peer::Peer;
use std::{
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::mpsc::{SyncSender, sync_channel},
};

/// What one side made of a case.
#[derive(Clone, Debug, Default)]
pub(crate) struct Answer {
    /// Batches or frames, in the form all peers share.
    pub(crate) result: Vec<u8>,
    /// Why something was dropped, in the side's own words.
    pub(crate) text: String,
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
            while let Ok(frame) = frames.recv() {
                // Bursts go out together; an error means that the peer ended: reading its answer says so.
                let mut written = input.write_all(&frame);
                while let (Ok(()), Ok(frame)) = (&written, frames.try_recv()) {
                    written = input.write_all(&frame);
                }
                if written.and_then(|()| input.flush()).is_err() {
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

    pub(crate) fn ask(&mut self, case: &Case) -> Answer {
        self.send(case);
        self.receive()
    }

    pub(crate) fn send(&self, case: &Case) {
        let body = request(case);
        let frame = [&(body.len() as u32).to_be_bytes()[..], &body].concat();
        let requests = self.requests.as_ref().expect("open until dropped");
        requests.send(frame).expect("the writer lives until dropped");
    }

    pub(crate) fn receive(&mut self) -> Answer {
        let length = self.number();
        let result = self.number();
        let text = length.checked_sub(result + 4).expect("the result lies within the answer");
        let result = self.bytes(result);
        let text = String::from_utf8_lossy(&self.bytes(text)).into_owned();
        Answer { result, text }
    }

    fn number(&mut self) -> usize {
        let mut number = [0; 4];
        self.peer.output().read_exact(&mut number).expect("the peer answers");
        u32::from_be_bytes(number) as usize
    }

    fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.peer.output().read_exact(&mut bytes).expect("the peer answers whole frames");
        bytes
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

fn request(case: &Case) -> Vec<u8> {
    let rules = [case.rules.block_time, case.rules.genesis_time, case.rules.chain_id];
    let rules = rules.map(u64::to_be_bytes).concat();
    match case.operation {
        Operation::Frames => [&[0], &*case.data].concat(),
        Operation::Channel { limit, is_fjord } => {
            [&[1], &*rules, &limit.to_be_bytes(), &[u8::from(is_fjord)], &case.data].concat()
        }
        Operation::Batch => [&[2], &*rules, &case.data].concat(),
    }
}
