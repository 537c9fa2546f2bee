//! A peer for opal's tests: kona's decoders of frames, channels and batches behind a pipe. `kona-codec-peer serve`
//! answers framed requests on its input; the frames are described in `tests/peers/derive/serve.go`.
//!
//! Start at [`serve`]; what is decoded is in [`decode`].
//!
//! **Invariant:** kona's panics are answers too (text "panic: ..."); nothing is decoded here, only written down.

mod decode;

use decode::{Answer, Rules};
use std::{
    io::{BufRead, BufReader, BufWriter, Read, Write},
    process::ExitCode,
};

const FRAME_LIMIT: u32 = 1 << 28;

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() != Some("serve") {
        eprintln!("usage: kona-codec-peer serve");
        return ExitCode::from(64);
    }
    // Panics are caught and answered.
    std::panic::set_hook(Box::new(|_| ()));
    let input = BufReader::with_capacity(1 << 20, std::io::stdin().lock());
    let output = BufWriter::with_capacity(1 << 20, std::io::stdout().lock());
    match serve(input, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kona-codec-peer: {error}");
            ExitCode::FAILURE
        }
    }
}

fn serve(mut input: BufReader<impl Read>, mut output: impl Write) -> std::io::Result<()> {
    while !input.fill_buf()?.is_empty() {
        let mut length = [0; 4];
        input.read_exact(&mut length)?;
        let length = u32::from_be_bytes(length);
        if length == 0 || length > FRAME_LIMIT {
            return Err(std::io::Error::other(format!("request of {length} bytes")));
        }
        let mut request = vec![0; length as usize];
        input.read_exact(&mut request)?;
        let Some(Answer { result, text }) = answer(&request) else {
            return Err(std::io::Error::other("a request that is not of the described form"));
        };
        output.write_all(&(4 + result.len() as u32 + text.len() as u32).to_be_bytes())?;
        output.write_all(&(result.len() as u32).to_be_bytes())?;
        output.write_all(&result)?;
        output.write_all(text.as_bytes())?;
        // Requests come in bursts: flush only when the other side must be waiting.
        if input.buffer().is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

fn answer(request: &[u8]) -> Option<Answer> {
    let (operation, body) = request.split_first()?;
    if *operation == 0 {
        return Some(decode::frames(body));
    }
    let (rules, body) = Rules::read(body)?;
    match operation {
        1 => {
            let (limit, body) = body.split_first_chunk()?;
            let (fjord, body) = body.split_first()?;
            Some(decode::channel(&rules, u64::from_be_bytes(*limit), *fjord != 0, body))
        }
        2 => Some(decode::batch(&rules, body)),
        _ => None,
    }
}
