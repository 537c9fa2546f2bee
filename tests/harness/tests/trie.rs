//! The sparse trie against the public trie sets.
//!
//! **Invariant:** every case is run.

use alloy_primitives::{hex, keccak256};
use opal_execute::{NoNodes, Trie};
use opal_harness::Vectors;
use serde_json::{Map, Value};

/// What a set does to a trie: key and value, or `None` to remove the key.
type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// The sets write hex with 0x and anything else as text.
fn bytes(text: &str) -> Vec<u8> {
    let text_bytes = || text.as_bytes().to_vec();
    text.strip_prefix("0x").map_or_else(text_bytes, |digits| hex::decode(digits).expect(text))
}

/// The changes of a case: a list of pairs in order, or an object in any order.
fn changes(case: &Value) -> Changes {
    match &case["in"] {
        Value::Object(pairs) => {
            pairs.iter().map(|(key, value)| (bytes(key), value.as_str().map(bytes))).collect()
        }
        Value::Array(pairs) => pairs
            .iter()
            .map(|pair| (bytes(pair[0].as_str().expect("a key")), pair[1].as_str().map(bytes)))
            .collect(),
        other => panic!("{other}"),
    }
}

/// Makes the changes one by one; takes the root in between so that later changes meet hashed nodes too.
#[track_caller]
fn check(name: &str, changes: &Changes, root: &str) {
    for rooted_between in [false, true] {
        let mut trie = Trie::empty();
        for (key, value) in changes {
            let done = match value {
                Some(value) => trie.insert(key, value.clone().into(), &mut NoNodes),
                None => trie.remove(key, &mut NoNodes),
            };
            done.expect(name);
            if rooted_between {
                trie.root();
            }
        }
        assert_eq!(trie.root().to_string(), root, "{name}");
    }
}

#[test]
fn tries_have_the_roots_of_the_sets() {
    let Some(vectors) = Vectors::for_test("trie::roots") else { return };
    let mut ran = 0;
    for file in vectors.files() {
        let set = file.rsplit('/').next().expect("a name").trim_end_matches(".json").to_owned();
        let hashed = set.to_lowercase().contains("secure");
        let any_order = !set.starts_with("trietest");
        for (case_name, case) in vectors.json::<Map<String, Value>>(&file) {
            let name = format!("{set}/{case_name}");
            let root = case["root"].as_str().expect("a root");
            let mut changes = changes(&case);
            if hashed {
                for (key, _) in &mut changes {
                    *key = keccak256(&*key).to_vec();
                }
            }
            ran += 1;
            check(&name, &changes, root);
            if any_order {
                changes.reverse();
                check(&name, &changes, root);
            }
        }
    }
    assert_eq!(ran, 25);
    vectors.finish();
}
