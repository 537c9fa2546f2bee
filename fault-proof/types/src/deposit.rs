//! Deposits: transactions that L1 or the protocol puts into a block (E1), where they come from and
//! how they are told apart (D16).
//!
//! Start with [`deposit_from_log`]. The transaction's own codec (type 0x7E) is
//! `op_alloy_consensus::TxDeposit`.
//!
//! **Invariant:** a log becomes a deposit or an error, never a panic, and never reserves more
//! memory than its length.

use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, Bytes, Log, TxKind, U256, address, b256, keccak256};
use op_alloy_consensus::TxDeposit;

/// `keccak256("TransactionDeposited(address,address,uint256,bytes)")`.
pub const DEPOSIT_EVENT: B256 =
    b256!("b3813568d9991fc951961fcb4c784893574240a28925604d09fc577c55bb7c32");

/// What an L1 contract's address is shifted by when it acts as sender on L2.
const ALIAS_OFFSET: Address = address!("1111000000000000000000000000000000001111");

/// Where a deposit comes from. Its hash makes the deposit unique.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DepositSource<'a> {
    /// A log of the portal on L1 (domain 0).
    User {
        /// The L1 block of the log.
        l1_block_hash: B256,
        /// Position of the log in that block.
        log_index: u64,
    },
    /// The L1 attributes transaction of a block (domain 1).
    L1Attributes {
        /// The L1 origin of the block.
        l1_block_hash: B256,
        /// Position of the block in its epoch.
        sequence_number: u64,
    },
    /// A network upgrade (domain 2).
    Upgrade {
        /// What the transaction is for, in the words of the specification.
        intent: &'a str,
    },
    /// The block replacement of an earlier interop design (domain 4); only ever seen in old data.
    ReplacedBlock {
        /// Output root of the replaced block.
        output_root: B256,
    },
}

impl DepositSource<'_> {
    /// `keccak256(domain ++ keccak256(identity))`.
    pub fn hash(&self) -> B256 {
        let placed = |hash: B256, index: u64| keccak256([hash, word(index)].concat());
        let (domain, identity) = match *self {
            Self::User { l1_block_hash, log_index } => (0, placed(l1_block_hash, log_index)),
            Self::L1Attributes { l1_block_hash, sequence_number } => {
                (1, placed(l1_block_hash, sequence_number))
            }
            Self::Upgrade { intent } => (2, keccak256(intent)),
            Self::ReplacedBlock { output_root } => (4, output_root),
        };
        keccak256([word(domain), identity].concat())
    }
}

/// A number as a 32-byte word.
const fn word(number: u64) -> B256 {
    B256::new(U256::from_limbs([number, 0, 0, 0]).to_be_bytes())
}

/// The sender that an L1 contract appears as on L2; wraps around.
pub fn alias(l1_address: Address) -> Address {
    let sum = U256::from_be_slice(l1_address.as_slice())
        .wrapping_add(U256::from_be_slice(ALIAS_OFFSET.as_slice()));
    Address::from_word(sum.into())
}

/// Why a `TransactionDeposited` log of the portal is malformed. The Go node stops with a critical
/// error on each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DepositLogError {
    /// Event, sender, receiver, version.
    #[error("deposit log has {count} topics, not 4")]
    TopicCount {
        /// Topics found.
        count: usize,
    },
    /// Another event.
    #[error("deposit log has event {event}")]
    WrongEvent {
        /// First topic found.
        event: B256,
    },
    /// The data is not one ABI-encoded byte string.
    #[error("deposit log data of {length} bytes is no whole number of words and at least 2")]
    DataLength {
        /// Length found.
        length: usize,
    },
    /// The byte string is not where it belongs.
    #[error("deposit log data has its content at offset {offset}, not 32")]
    ContentOffset {
        /// Offset found.
        offset: U256,
    },
    /// The byte string does not fill its room up to the padding of its last word.
    #[error("deposit log content claims {claimed} bytes in a room of {room}")]
    ContentLength {
        /// Length that stands in the data.
        claimed: U256,
        /// Bytes that follow it.
        room: usize,
    },
    /// The only version is zero.
    #[error("deposit log has version {version}, not 0")]
    UnknownVersion {
        /// Version found.
        version: B256,
    },
    /// The content is shorter than its fixed part.
    #[error("deposit log content is {length} bytes long, at least 73 are wanted")]
    ContentTooShort {
        /// Length found.
        length: usize,
    },
    /// More wei than the transaction's field holds, and than exist.
    #[error("deposit log mints {mint} wei")]
    MintTooLarge {
        /// Amount found.
        mint: U256,
    },
}

/// The deposit that a log of the portal asks for. `log_index` counts all logs of the L1 block.
pub fn deposit_from_log(
    log: &Log,
    l1_block_hash: B256,
    log_index: u64,
) -> Result<TxDeposit, DepositLogError> {
    let topics = log.topics();
    let [event, from, to, version] = *topics else {
        return Err(DepositLogError::TopicCount { count: topics.len() });
    };
    if event != DEPOSIT_EVENT {
        return Err(DepositLogError::WrongEvent { event });
    }
    let content = content(&log.data.data)?;
    if version != B256::ZERO {
        return Err(DepositLogError::UnknownVersion { version });
    }
    let fields = Content::split(&log.data.data, content)?;
    let mint = fields.mint;
    Ok(TxDeposit {
        source_hash: DepositSource::User { l1_block_hash, log_index }.hash(),
        from: Address::from_word(from),
        to: if fields.creates { TxKind::Create } else { Address::from_word(to).into() },
        mint: mint.try_into().map_err(|_| DepositLogError::MintTooLarge { mint })?,
        value: fields.value,
        gas_limit: fields.gas_limit,
        is_system_transaction: false,
        input: fields.data,
    })
}

/// Takes the byte string out of the ABI encoding `offset ++ length ++ content ++ padding`.
fn content(data: &[u8]) -> Result<&[u8], DepositLogError> {
    let wrong_length = DepositLogError::DataLength { length: data.len() };
    let (offset, rest) = data.split_first_chunk::<32>().ok_or(wrong_length)?;
    let (claimed, room) = rest.split_first_chunk::<32>().ok_or(wrong_length)?;
    if room.len() % 32 != 0 {
        return Err(wrong_length);
    }
    let (offset, claimed) = (U256::from_be_bytes(*offset), U256::from_be_bytes(*claimed));
    if offset != U256::from(32) {
        return Err(DepositLogError::ContentOffset { offset });
    }
    // Padding is minimal: a further word would be free room that no ABI encoder leaves.
    let content = usize::try_from(claimed).ok().and_then(|length| room.get(..length));
    content
        .filter(|content| content.len().next_multiple_of(32) == room.len())
        .ok_or(DepositLogError::ContentLength { claimed, room: room.len() })
}

/// The content of a version 0 deposit log.
struct Content {
    mint: U256,
    value: U256,
    gas_limit: u64,
    creates: bool,
    data: Bytes,
}

impl Content {
    /// `mint(32) ++ value(32) ++ gas(8) ++ creates(1) ++ data`; the data stays a slice of `owner`.
    fn split(owner: &Bytes, content: &[u8]) -> Result<Self, DepositLogError> {
        let too_short = DepositLogError::ContentTooShort { length: content.len() };
        let (mint, rest) = content.split_first_chunk::<32>().ok_or(too_short)?;
        let (value, rest) = rest.split_first_chunk::<32>().ok_or(too_short)?;
        let (gas_limit, rest) = rest.split_first_chunk::<8>().ok_or(too_short)?;
        let (creates, data) = rest.split_first().ok_or(too_short)?;
        Ok(Self {
            mint: U256::from_be_bytes(*mint),
            value: U256::from_be_bytes(*value),
            gas_limit: u64::from_be_bytes(*gas_limit),
            // The Go node takes any byte but zero for a creation.
            creates: *creates != 0,
            data: if data.is_empty() { Bytes::new() } else { owner.slice_ref(data) },
        })
    }
}

/// The EIP-2718 bytes of a deposit.
pub fn encode_deposit(deposit: &TxDeposit) -> Bytes {
    let mut bytes = alloc::vec::Vec::with_capacity(deposit.eip2718_encoded_length());
    deposit.encode_2718(&mut bytes);
    bytes.into()
}
