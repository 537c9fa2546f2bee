//! What nodes, messages and claims carry: gossiped payloads, interop messages, chain sets in images.

use super::input::Input;
use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{B256, Log, LogData};
use opal_message::{Access, CROSS_L2_INBOX, Message, read_access_list};
use opal_program::{SECTION_BYTES, SECTION_MAGIC, fill_section, read_section};
use opal_types::{ChainSet, PayloadEnvelope, PayloadVersion};

const VERSIONS: [PayloadVersion; 4] =
    [PayloadVersion::V1, PayloadVersion::V2, PayloadVersion::V3, PayloadVersion::V4];

/// The first byte chooses the version.
pub(crate) fn payload(data: &[u8]) {
    let mut input = Input(data);
    let version = VERSIONS[usize::from(input.number() % 4)];
    if let Ok(envelope) = PayloadEnvelope::decode(version, input.0) {
        assert_eq!(envelope.encode().as_deref(), Ok(input.0), "one encoding for each payload");
    }
}

/// Words: topics and data of a log, and entries of an access list.
pub(crate) fn message(data: &[u8]) {
    let words: Vec<B256> = data.as_chunks::<32>().0.iter().map(B256::from).collect();
    let topics = words.iter().take(data.len() % 5).copied().collect();
    let content = data.to_vec().into();
    let log = Log { address: CROSS_L2_INBOX, data: LogData::new_unchecked(topics, content) };
    if let Ok(Some(message)) = Message::from_log(&log) {
        let access = Access::from(&message);
        let entries = access.entries();
        assert_eq!(Access::take(&mut &entries[..]), Ok(access), "what a message announces");
    }
    let item = AccessListItem { address: CROSS_L2_INBOX, storage_keys: words.clone() };
    if let Ok(accesses) = read_access_list(&AccessList(vec![item])) {
        assert!(accesses.len() <= words.len(), "each access has an entry");
    }
}

/// A chain set, bare and in an image's section.
pub(crate) fn chain_set(data: &[u8]) {
    let mut section = vec![0; SECTION_BYTES];
    section[..SECTION_MAGIC.len()].copy_from_slice(&SECTION_MAGIC);
    for (place, byte) in section.iter_mut().skip(SECTION_MAGIC.len()).zip(data) {
        *place = *byte;
    }
    let _ = read_section(&section);
    let Ok(set) = ChainSet::from_rlp(data) else { return };
    assert_eq!(set.to_rlp(), data, "a chain set");
    let mut section = vec![0; SECTION_BYTES];
    section[..SECTION_MAGIC.len()].copy_from_slice(&SECTION_MAGIC);
    if fill_section(&mut section, &set).is_ok() {
        assert_eq!(read_section(&section), Ok(Some(set)));
    }
}
