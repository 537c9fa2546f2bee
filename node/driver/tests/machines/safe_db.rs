//! The safe-head database against the Go node's rules.

use super::{block, config, hash};
use opal_driver::{SafeDb, SafeDbError, SafeDbLocation, SafeEntry};
use opal_types::{BlockId, ForkTimes, L2Ref};
use proptest::prelude::*;
use std::collections::BTreeMap;

fn memory() -> SafeDb {
    SafeDb::open(&SafeDbLocation::Memory, &config(ForkTimes::default())).unwrap()
}

fn entry(l1: u64, l2: u64) -> SafeEntry {
    SafeEntry { l1: BlockId { number: l1, hash: hash(9000 + l1) }, safe: block(l2).id() }
}

fn from_origin(l2: u64, l1_origin: u64) -> L2Ref {
    let l1_origin = BlockId { number: l1_origin, hash: hash(9000 + l1_origin) };
    L2Ref { l1_origin, ..block(l2) }
}

#[test]
fn the_answer_is_the_last_l1_block_that_made_blocks_safe() {
    let db = memory();
    assert_eq!(db.at(u64::MAX).unwrap(), None);
    for (l1, l2) in [(10, 3), (10, 5), (14, 9)] {
        db.record(entry(l1, l2));
    }
    for flushed in [false, true] {
        if flushed {
            db.flush().unwrap();
        }
        assert_eq!(db.at(9).unwrap(), None);
        assert_eq!(db.at(10).unwrap(), Some(entry(10, 5)));
        assert_eq!(db.at(13).unwrap(), Some(entry(10, 5)));
        assert_eq!(db.at(u64::MAX).unwrap(), Some(entry(14, 9)));
    }
}

#[test]
fn what_is_not_flushed_stands_before_what_is() {
    let db = memory();
    db.record(entry(10, 3));
    db.flush().unwrap();
    db.record(entry(10, 4));
    assert_eq!(db.at(10).unwrap(), Some(entry(10, 4)));
}

#[test]
fn a_reset_keeps_the_block_that_made_the_new_safe_head_safe() {
    let db = memory();
    for (l1, l2) in [(10, 3), (12, 6), (14, 9)] {
        db.record(entry(l1, l2));
    }
    db.reset(&from_origin(5, 9)).unwrap();
    assert_eq!(db.at(u64::MAX).unwrap(), Some(SafeEntry { safe: block(5).id(), ..entry(12, 5) }));
    assert_eq!(db.at(11).unwrap(), Some(entry(10, 3)));
}

#[test]
fn a_reset_to_before_the_first_entry_leaves_nothing() {
    let db = memory();
    db.record(entry(10, 3));
    db.record(entry(12, 6));
    db.reset(&from_origin(2, 8)).unwrap();
    assert_eq!(db.at(u64::MAX).unwrap(), None);
}

#[test]
fn a_reset_to_the_newest_safe_head_changes_nothing() {
    let db = memory();
    for (l1, l2) in [(10, 3), (12, 6)] {
        db.record(entry(l1, l2));
    }
    db.reset(&from_origin(6, 9)).unwrap();
    assert_eq!(db.at(u64::MAX).unwrap(), Some(entry(12, 6)));
    db.reset(&from_origin(7, 9)).unwrap();
    assert_eq!(db.at(u64::MAX).unwrap(), Some(entry(12, 6)));
}

#[test]
fn entries_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let location = SafeDbLocation::Folder(folder.path().join("safe"));
    let config = config(ForkTimes::default());
    let db = SafeDb::open(&location, &config).unwrap();
    db.record(entry(10, 3));
    db.flush().unwrap();
    db.record(entry(11, 4));
    drop(db);
    let db = SafeDb::open(&location, &config).unwrap();
    assert_eq!(db.at(u64::MAX).unwrap(), Some(entry(10, 3)), "what was not flushed is lost");
}

#[test]
fn a_database_of_another_chain_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let location = SafeDbLocation::Folder(folder.path().to_owned());
    let mut config = config(ForkTimes::default());
    drop(SafeDb::open(&location, &config).unwrap());
    config.l2_chain_id = 902;
    let error = SafeDb::open(&location, &config).unwrap_err();
    assert!(
        matches!(error, SafeDbError::OtherChain { wanted_id: 902, found_id: 901, .. }),
        "{error}"
    );
}

proptest! {
    #[test]
    fn it_answers_like_a_plain_map(
        steps in prop::collection::vec((0_u64..40, 0_u64..60, any::<bool>()), 1..40),
    ) {
        let db = memory();
        let mut map = BTreeMap::new();
        let (mut l1, mut l2) = (0, 0);
        for (up, more, flush) in steps {
            l1 += up % 3;
            l2 += more % 5;
            db.record(entry(l1, l2));
            map.insert(l1, entry(l1, l2));
            if flush {
                db.flush().unwrap();
            }
            for number in 0..=l1 + 1 {
                let wanted = map.range(..=number).next_back().map(|(_, it)| *it);
                prop_assert_eq!(db.at(number).unwrap(), wanted);
            }
        }
    }
}
