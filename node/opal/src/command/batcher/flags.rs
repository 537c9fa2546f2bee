//! The flags of `opal batcher` about its key and its channels.
//!
//! **Invariant:** a flag that is not given leaves the library's choice.

use alloy_primitives::Address;
use clap::{Args, ValueEnum};
use opal_client::{Rpc, RpcOptions, Signer};
use opal_submit::{BatchKind, ChannelOptions, DataAvailability};
use opal_types::Compression;
use std::{fs, path::PathBuf};

/// Who signs: exactly one of these.
#[derive(Debug, Args)]
#[group(required = true, multiple = false, id = "signer-choice")]
struct KeySource {
    /// Private key in hex; better in the variable or a file, as others see flags.
    #[arg(long = "key", env = "OPAL_KEY", value_name = "HEX", hide_env_values = true)]
    hex: Option<String>,
    /// File with the private key in hex.
    #[arg(long, env = "OPAL_KEY_FILE", value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Encrypted key (Web3 Secret Storage); needs --password-file.
    #[arg(long, env = "OPAL_KEYSTORE", value_name = "FILE", requires = "password_file")]
    keystore: Option<PathBuf>,
    /// Remote signer that is asked by eth_signTransaction; needs --signer.address.
    #[arg(long, env = "OPAL_SIGNER", value_name = "URL", requires = "signer_address")]
    signer: Option<String>,
}

/// Who signs, and what that needs.
#[derive(Debug, Args)]
pub(super) struct KeyFlags {
    #[command(flatten)]
    source: KeySource,
    /// File with the password of --keystore.
    #[arg(long, env = "OPAL_PASSWORD_FILE", value_name = "FILE")]
    password_file: Option<PathBuf>,
    /// Account of --signer.
    #[arg(long = "signer.address", env = "OPAL_SIGNER_ADDRESS", value_name = "ADDRESS")]
    signer_address: Option<Address>,
}

impl KeyFlags {
    pub(super) fn signer(&self) -> Result<Signer, String> {
        let Self { source, password_file, signer_address } = self;
        match (source, password_file, signer_address) {
            (KeySource { hex: Some(hex), .. }, ..) => Signer::from_hex(hex),
            (KeySource { key_file: Some(file), .. }, ..) => Signer::from_hex(&read(file)?),
            (KeySource { keystore: Some(file), .. }, Some(password), _) => {
                Signer::from_keystore(file, read(password)?.trim_end_matches(['\r', '\n']))
            }
            (KeySource { signer: Some(url), .. }, _, Some(address)) => {
                return remote(url, *address);
            }
            _ => return Err("give a key: --key-file, --keystore or --signer".to_owned()),
        }
        .map_err(|error| error.to_string())
    }
}

fn read(file: &PathBuf) -> Result<String, String> {
    fs::read_to_string(file).map_err(|error| format!("{}: {error}", file.display()))
}

fn remote(url: &str, address: Address) -> Result<Signer, String> {
    let endpoint = url.parse().map_err(|error| format!("{url} is no URL: {error}"))?;
    let rpc = Rpc::new(RpcOptions::new("signer", vec![endpoint]));
    Ok(Signer::remote(rpc.map_err(|error| error.to_string())?, address))
}

/// What channels look like.
#[derive(Debug, Args)]
pub(super) struct ChannelFlags {
    /// Where data is put.
    #[arg(long, env = "OPAL_DATA_AVAILABILITY", value_enum, default_value = "auto")]
    data_availability: DataName,
    /// What batches look like.
    #[arg(long, env = "OPAL_BATCH_TYPE", value_enum, default_value = "span")]
    batch_type: KindName,
    /// How channels are compressed: zlib, or brotli with a level from 0 to 11 (brotli-10).
    #[arg(long, env = "OPAL_COMPRESSION", default_value = "brotli-10", value_parser = compression)]
    compression: Compression,
    /// Frames that a channel is filled up to; also the blobs of one transaction.
    #[arg(long, env = "OPAL_TARGET_NUM_FRAMES", value_name = "FRAMES")]
    target_num_frames: Option<usize>,
    /// Most call data of one transaction, bytes.
    #[arg(long, env = "OPAL_MAX_L1_TX_SIZE", value_name = "BYTES")]
    max_l1_tx_size: Option<usize>,
    /// A channel is closed after so many L1 blocks; 0 = when it is full.
    #[arg(long, env = "OPAL_MAX_CHANNEL_DURATION", value_name = "BLOCKS")]
    max_channel_duration: Option<u64>,
    /// L1 blocks by which a channel is closed before its timeout or the end of the sequencing window.
    #[arg(long, env = "OPAL_SUB_SAFETY_MARGIN", value_name = "BLOCKS")]
    sub_safety_margin: Option<u64>,
    /// Transactions that are sent and not yet included.
    #[arg(long, env = "OPAL_MAX_PENDING_TX", value_name = "COUNT", default_value_t = 1)]
    pub(super) max_pending_tx: usize,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum DataName {
    Calldata,
    Blobs,
    Auto,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum KindName {
    Singular,
    Span,
}

impl ChannelFlags {
    pub(super) fn apply(&self, usual: ChannelOptions) -> ChannelOptions {
        ChannelOptions {
            kind: match self.batch_type {
                KindName::Singular => BatchKind::Singular,
                KindName::Span => BatchKind::Span,
            },
            compression: self.compression,
            data_availability: match self.data_availability {
                DataName::Calldata => DataAvailability::Calldata,
                DataName::Blobs => DataAvailability::Blobs,
                DataName::Auto => DataAvailability::Auto,
            },
            target_num_frames: self.target_num_frames.unwrap_or(usual.target_num_frames),
            max_l1_tx_size: self.max_l1_tx_size.unwrap_or(usual.max_l1_tx_size),
            max_channel_duration: self.max_channel_duration.unwrap_or(usual.max_channel_duration),
            sub_safety_margin: self.sub_safety_margin.unwrap_or(usual.sub_safety_margin),
        }
    }
}

fn compression(text: &str) -> Result<Compression, String> {
    match text.split_once('-') {
        None if text == "zlib" => Ok(Compression::Zlib),
        None if text == "brotli" => Ok(Compression::Brotli { level: 10 }),
        Some(("brotli", level)) => {
            let level = level.parse().ok().filter(|it| *it <= 11);
            level
                .map(|level| Compression::Brotli { level })
                .ok_or_else(|| format!("`{text}`: brotli has the levels 0 to 11"))
        }
        _ => Err(format!("`{text}` is neither zlib nor brotli-LEVEL")),
    }
}
