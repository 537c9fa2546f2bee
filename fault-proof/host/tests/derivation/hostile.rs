//! What becomes of each kind of hostile batcher behaviour under Holocene, beside what became of it in the Go node.
//!
//! **Invariant:** every kind in the file is in the table, with all reasons for which anything of it was dropped.

use super::derive;
use lzma_rust2::XzReader;
use opal_derive::Item;
use opal_harness::Vectors;
use opal_host::Replay;
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::Read,
    path::Path,
};

/// How many of the blocks that the injector sent became safe within three L1 blocks. Blocks in their place do not
/// tell: what is dropped is sent again by the next kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Becomes {
    All,
    Part,
    Nothing,
}
use Becomes::{All, Nothing, Part};

/// Kind, what becomes of it, and rule and name of each reason for which something was dropped. Where a frame comes
/// long after its channel (the file's "late-close"), the kind that was sent meanwhile has "D13 NoChannel": so it is
/// with setcode-tx, zlib-trailing and, in part, last-frame-first.
const KINDS: [(&str, Becomes, &[&str]); 37] = [
    ("normal-singular", All, &[]),
    ("multi-frame-one-tx", All, &[]),
    ("altogether-bad-frames", All, &["D2 MalformedFrames", "D28 AltDaCommitment"]),
    ("reverse-frames", Nothing, &["D13 NoChannel"]),
    ("wrong-sender", Nothing, &["D1 OtherSender"]),
    ("interleaved", Nothing, &["D13 ChannelAbandoned", "D13 FrameOutOfOrder", "D13 Gap"]),
    ("span", All, &[]),
    ("duplicates", All, &["D13 FrameOutOfOrder", "D9 Past"]),
    ("late-open", Nothing, &["D13 ChannelAbandoned"]),
    (
        "truncated-channel",
        Part,
        &["D13 ChannelAbandoned", "D5 RestUnreadable", "D5 UnreadableChannel"],
    ),
    ("batches-reversed", Nothing, &["D13 Gap"]),
    (
        "bad-batches",
        Part,
        &[
            "D14 DepositsOnly",
            "D9 EmptyTransaction",
            "D9 EpochTooFar",
            "D9 ForbiddenType",
            "D9 OtherEpochHash",
            "D9 OtherParent",
            "D9 Past",
        ],
    ),
    ("span-overlap", All, &["D9 Past"]),
    ("invalid-payload", Part, &["D14 DepositsOnly"]),
    ("brotli", All, &[]),
    ("blobs", All, &[]),
    ("blob-bad", All, &["D23 MalformedBlob"]),
    ("split-tx-across-blocks", All, &[]),
    ("past-then-new", All, &["D9 Past"]),
    ("two-channels-one-tx", All, &["D13 Gap", "D9 Past"]),
    ("span-bad-middle", All, &[]),
    ("setcode-tx", Nothing, &["D1 TransactionType", "D13 NoChannel"]),
    ("zlib-trailing", All, &["D13 NoChannel"]),
    ("unclosed-then-new", Part, &["D13 ChannelAbandoned", "D13 NoChannel"]),
    ("last-frame-first", Nothing, &["D13 FrameOutOfOrder", "D13 NoChannel"]),
    ("span-span", All, &[]),
    ("after-close", All, &["D13 FrameOutOfOrder", "D13 NoChannel"]),
    ("span-bad-origin", Nothing, &["D9 OtherEpochHash"]),
    ("span-bad-parent", Nothing, &["D9 OtherParent"]),
    ("drop-tx", Part, &[]),
    ("span-drop-tx", Part, &["D13 RestOfSpan", "D14 DepositsOnly"]),
    ("wrong-nonce-tx", Part, &["D14 DepositsOnly"]),
    ("span-wrong-nonce-tx", Part, &["D13 RestOfSpan", "D14 DepositsOnly"]),
    ("span-gap", Part, &["D13 Gap"]),
    ("time-shift", Part, &["D13 Gap"]),
    ("span-overlap-differs", Nothing, &["D10 OverlapDiffers"]),
    ("empty-span-tail", All, &["D9 Past"]),
];

/// A line of the file: what was sent, or what had become of it.
#[derive(Deserialize)]
struct Line {
    kind: String,
    after: Option<String>,
    l1_head: u64,
    safe: Option<u64>,
    to: Option<u64>,
}

fn lines(file: &Path) -> Vec<Line> {
    let mut text = String::new();
    XzReader::new(File::open(file).unwrap(), true).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Rule and name of everything dropped in L1 blocks `after..=to`. Config logs are other traffic.
fn reasons(derived: &Replay, after: u64, to: u64) -> BTreeSet<String> {
    let notes = derived.notes.iter().filter(|note| (after + 1..=to).contains(&note.l1.number));
    let notes = notes.filter(|note| !matches!(note.item, Item::ConfigLog(_)));
    notes
        .map(|note| {
            let name = format!("{:?}", note.reason);
            let name = name.split(' ').next().unwrap().to_owned();
            format!("{} {name}", note.reason.rule())
        })
        .collect()
}

#[test]
fn each_kind_of_hostile_batcher_does_what_it_did_to_the_go_node() {
    let Some(vectors) = Vectors::for_test("derivation::recordings") else { return };
    for file in vectors.files() {
        vectors.path(&file);
    }
    let file = vectors.path("derivation/h-inject-holocene/actions.jsonl.xz");
    let (_, derived) = derive(file.parent().unwrap());
    let safe_at = |l1| derived.safe_heads.at(l1).unwrap().1.number;
    let mut found = BTreeMap::<String, (Becomes, BTreeSet<String>)>::new();
    let mut sent: Option<Line> = None;
    let mut late = Vec::new();
    for line in lines(&file) {
        if line.kind != "result" {
            sent = Some(line);
            continue;
        }
        let sent = sent.take().unwrap();
        assert_eq!(line.after.as_ref(), Some(&sent.kind));
        let (before, after) = (safe_at(sent.l1_head), safe_at(line.l1_head));
        // The Go node may still have been reading, never ahead.
        for (l1, wanted) in [(sent.l1_head, sent.safe), (line.l1_head, line.safe)] {
            if Some(safe_at(l1)) != wanted {
                late.push((sent.kind.clone(), l1, wanted.unwrap(), safe_at(l1)));
            }
        }
        let becomes = match after {
            _ if after == sent.to.unwrap() => All,
            _ if after > before => Part,
            _ => Nothing,
        };
        let entry = found.entry(sent.kind).or_insert((becomes, BTreeSet::new()));
        entry.0 = entry.0.max(becomes);
        entry.1.extend(reasons(&derived, sent.l1_head, line.l1_head));
    }
    // It fetched the first blobs after the injector had looked; its safe heads by L1 block say when.
    assert_eq!(late, [("blobs".to_owned(), 62, 61, 65), ("blob-bad".to_owned(), 62, 61, 65)]);
    let wanted = KINDS.iter().map(|(kind, becomes, reasons)| {
        let reasons = reasons.iter().map(|it| (*it).to_owned()).collect();
        ((*kind).to_owned(), (*becomes, reasons))
    });
    let wanted: BTreeMap<_, (Becomes, BTreeSet<String>)> = wanted.collect();
    assert_eq!(wanted.len(), KINDS.len(), "each kind once");
    assert_eq!(found, wanted);
    vectors.finish();
}
