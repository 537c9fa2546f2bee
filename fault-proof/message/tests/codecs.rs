//! Properties of messages: what is written is read again, and bytes of anybody are refused or read.
//!
//! **Invariant:** the seed is fixed, so that a run can be repeated.

use alloy_eips::eip2930::{AccessList, AccessListItem};
use alloy_primitives::{Address, B256, Log, LogData, U256};
use opal_message::{
    Access, AccessError, CROSS_L2_INBOX, Checksum, EXECUTING_MESSAGE_EVENT, EntryKind, Identifier,
    Message, read_access_list,
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngAlgorithm, RngSeed},
};

fn config() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(5),
        ..Config::default()
    }
}

prop_compose! {
    fn message()(
        origin in any::<[u8; 20]>(),
        numbers in any::<(u64, u32, u64)>(),
        chain_id in any::<[u8; 32]>(),
        narrow in any::<bool>(),
        payload_hash in any::<[u8; 32]>(),
    ) -> Message {
        let chain_id = U256::from_be_bytes(chain_id);
        let identifier = Identifier {
            origin: Address::new(origin),
            block_number: numbers.0,
            log_index: numbers.1,
            timestamp: numbers.2,
            chain_id: if narrow { chain_id >> 192 } else { chain_id },
        };
        Message { identifier, payload_hash: B256::new(payload_hash) }
    }
}

fn executing_log(message: &Message) -> Log {
    let at = message.identifier;
    let words = [
        at.origin.into_word(),
        B256::from(U256::from(at.block_number)),
        B256::from(U256::from(at.log_index)),
        B256::from(U256::from(at.timestamp)),
        B256::from(at.chain_id),
    ];
    let topics = vec![EXECUTING_MESSAGE_EVENT, message.payload_hash];
    let data = LogData::new_unchecked(topics, words.concat().into());
    Log { address: CROSS_L2_INBOX, data }
}

/// Entries of any kind, most of them well formed.
fn entry() -> impl Strategy<Value = B256> {
    (any::<[u8; 32]>(), 0u8..5, 0usize..10).prop_map(|(mut word, kind, dirty)| {
        word[0] = kind;
        let padding = if kind == 2 { 8 } else { 4 };
        word[1..padding].fill(0);
        if dirty < padding && dirty > 0 {
            word[dirty] = 1;
        }
        B256::new(word)
    })
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_executed_message_is_read_from_its_log(message in message()) {
        prop_assert_eq!(Message::from_log(&executing_log(&message)), Ok(Some(message)));
    }

    #[test]
    fn every_field_of_a_message_is_in_its_checksum(message in message(), bit in 0usize..32) {
        let mut others = [message; 6];
        others[0].identifier.origin.0[bit % 20] ^= 1;
        others[1].identifier.block_number ^= 1 << bit;
        others[2].identifier.log_index ^= 1 << bit;
        others[3].identifier.timestamp ^= 1 << bit;
        others[4].identifier.chain_id ^= U256::from(1) << (bit * 8);
        others[5].payload_hash.0[bit] ^= 1;
        for other in others {
            prop_assert_ne!(other.checksum(), message.checksum());
        }
        prop_assert_eq!(Checksum::from_word(message.checksum().word()), Some(message.checksum()));
        prop_assert_eq!(Checksum::from_word(message.payload_hash).is_some(),
            message.payload_hash[0] == EntryKind::Checksum.byte());
    }

    #[test]
    fn announced_messages_are_read_wherever_the_list_is_cut(
        messages in vec(message(), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let accesses: Vec<_> = messages.iter().map(Access::from).collect();
        let entries: Vec<_> = accesses.iter().flat_map(Access::entries).collect();
        let (first, second) = entries.split_at(cut.index(entries.len() + 1));
        let item = |address, entries: &[B256]| AccessListItem {
            address,
            storage_keys: entries.to_vec(),
        };
        // The tuple of another contract is nobody's message.
        let list = AccessList(vec![
            item(CROSS_L2_INBOX, first),
            item(Address::ZERO, &[B256::ZERO]),
            item(CROSS_L2_INBOX, second),
        ]);
        prop_assert_eq!(read_access_list(&list), Ok(accesses));
        let whole = messages.iter().map(|it| Access::from(it).entries().len());
        let starts: Vec<_> = whole.scan(0, |at, it| { *at += it; Some(*at) }).collect();
        let half = AccessList(vec![item(CROSS_L2_INBOX, first)]);
        let ended = matches!(read_access_list(&half), Err(AccessError::Ended { .. }));
        prop_assert_eq!(ended, !first.is_empty() && !starts.contains(&first.len()));
    }

    #[test]
    fn any_entries_are_taken_or_left_alone(entries in vec(entry(), 0..6)) {
        let mut rest = entries.as_slice();
        while let before @ [_, ..] = rest {
            let Ok(access) = Access::take(&mut rest) else {
                prop_assert_eq!(rest, before);
                break;
            };
            let taken = &before[..before.len() - rest.len()];
            // A second entry that says nothing is accepted and not written.
            let idle = taken[1].0[1..] == [0; 31];
            let written = access.entries();
            prop_assert!(written == taken || (idle && written == [taken[0], taken[2]]));
        }
    }

    #[test]
    fn any_log_is_a_message_or_an_error_or_neither(
        message in message(),
        at in 0usize..160,
        flip in 1u8..,
        length in 0usize..200,
    ) {
        let mut log = executing_log(&message);
        let mut data = log.data.data.to_vec();
        data[at] ^= flip;
        log.data.data = data.clone().into();
        let padding = [0..12, 32..56, 64..92, 96..120].iter().any(|it| it.contains(&at));
        match Message::from_log(&log) {
            Ok(Some(other)) => prop_assert!(!padding && other != message),
            found => prop_assert!(padding && found.is_err()),
        }
        data.resize(length, 0);
        log.data.data = data.into();
        prop_assert!(length == 160 || Message::from_log(&log).is_err());
        log.address = Address::ZERO;
        prop_assert_eq!(Message::from_log(&log), Ok(None));
    }
}
