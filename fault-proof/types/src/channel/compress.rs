//! Makes channels: the way back of the reader (D5).
//!
//! **Invariant:** what is made is read again as the same batches, as long as it is within the
//! reader's limit.

use super::BROTLI_VERSION;
use crate::Batch;
use alloc::{vec, vec::Vec};
use alloy_rlp::Encodable;
use brotli::enc::BrotliEncoderParams;

/// Level of zlib: the smallest output.
const ZLIB_LEVEL: u8 = 9;

/// How a channel is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// Known to all forks.
    Zlib,
    /// Known from Fjord.
    Brotli {
        /// 0 to 11; the Go batcher uses 9 to 11.
        level: u8,
    },
}

/// The data of a channel with these batches, to be cut into frames.
pub fn compress_channel(batches: &[Batch], compression: Compression) -> Vec<u8> {
    let mut data = Vec::new();
    batches.iter().for_each(|batch| batch.encode().as_slice().encode(&mut data));
    compress(&data, compression)
}

/// Compresses a stream of batches in RLP.
pub(crate) fn compress(data: &[u8], compression: Compression) -> Vec<u8> {
    match compression {
        Compression::Zlib => miniz_oxide::deflate::compress_to_vec_zlib(data, ZLIB_LEVEL),
        Compression::Brotli { level } => {
            let mut out = vec![BROTLI_VERSION];
            let params = BrotliEncoderParams { quality: level.into(), ..Default::default() };
            let written = brotli::BrotliCompress(&mut &*data, &mut out, &params);
            debug_assert!(written.is_ok(), "memory takes what is written");
            out
        }
    }
}
