//! T26: wrong data are detected by their hashes; data that are missing are no verdict. A recording is all there ever
//! is, so nobody waits for it: the caller is told the key.
//!
//! **Invariant:** a damaged recording gives the blocks of the sound one, or none.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use opal_harness::{files_below, workspace_root};
use opal_host::{Recording, Replay, ReplayOptions, first_difference, replay};
use std::{fs, path::Path};
use tempfile::TempDir;

/// What the shipped recording says of L1.
const DATA: [&str; 2] = ["blobs.jsonl", "l1.jsonl"];

/// Replays a folder; an error is its text.
fn derive(folder: &Path) -> Result<(Recording, Replay), String> {
    let recording = Recording::open(folder).map_err(|error| error.to_string())?;
    recording.check_blobs().map_err(|error| error.to_string())?;
    let options = ReplayOptions { explain: false, finality_depth: 16 };
    let derived = replay(&recording, options, &mut |_| {}).map_err(|error| error.to_string())?;
    Ok((recording, derived))
}

/// A copy of the shipped recording.
fn copy() -> TempDir {
    let shipped = workspace_root().join("tests/recordings/first");
    let folder = TempDir::new().unwrap();
    for file in files_below(&shipped, &[]) {
        fs::copy(shipped.join(&file), folder.path().join(&file)).unwrap();
    }
    folder
}

/// Places of hex digits of long values in a line.
fn digits(line: &str) -> Vec<usize> {
    let is_hex = |it: &(usize, char)| it.1.is_ascii_hexdigit();
    let places: Vec<_> = line.char_indices().filter(is_hex).map(|(at, _)| at).collect();
    places.into_iter().filter(|at| line[..*at].contains("0x")).collect()
}

#[test]
fn wrong_data_is_detected_and_missing_data_waits() {
    let sound = copy();
    let (_, expected) = derive(sound.path()).unwrap();
    let mut refused = 0;
    for file in DATA {
        let folder = copy();
        let path = folder.path().join(file);
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<_> = text.lines().collect();
        for (number, line) in lines.iter().enumerate() {
            let places = digits(line);
            for at in places.iter().step_by(places.len().div_ceil(3).max(1)) {
                let digit = if line.as_bytes()[*at] == b'1' { "2" } else { "1" };
                let wrong = format!("{}{digit}{}", &line[..*at], &line[at + 1..]);
                let mut damaged = lines.clone();
                damaged[number] = &wrong;
                fs::write(&path, damaged.join("\n")).unwrap();
                match derive(folder.path()) {
                    Err(_) => refused += 1,
                    Ok((recording, derived)) => {
                        assert_eq!(derived.safe, expected.safe, "{file} line {}", number + 1);
                        let difference = first_difference(&recording, &derived);
                        assert!(difference.is_none(), "{file} line {}: {difference:?}", number + 1);
                    }
                }
            }
        }
    }
    assert!(refused > 20, "{refused} of the damaged recordings are refused");
    let folder = copy();
    fs::write(folder.path().join("blobs.jsonl"), "").unwrap();
    let missing = derive(folder.path()).unwrap_err();
    assert!(missing.contains("has no blob 0x01"), "{missing}");
}
