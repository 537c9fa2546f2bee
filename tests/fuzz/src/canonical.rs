//! Encodings of which there is one for each value: configs, attributes, tasks, roots, hints.

use opal_program::{BlockTask, Hint};
use opal_types::{Attributes, ChainConfig, L1Config, OutputRoot, SuperRoot, TransitionState};

pub(crate) fn configs(data: &[u8]) {
    if let Ok(config) = ChainConfig::from_rlp(data) {
        assert_eq!(config.to_rlp(), data, "a chain config");
    }
    if let Ok(config) = L1Config::from_rlp(data) {
        assert_eq!(config.to_rlp(), data, "an L1 config");
        for time in [0, 1_800_000_000, u64::MAX] {
            config.blob_base_fee(u64::MAX, time);
        }
    }
    if let Ok(attributes) = Attributes::from_rlp(data) {
        assert_eq!(attributes.to_rlp(), data, "attributes");
    }
    if let Ok(task) = BlockTask::decode(data) {
        assert_eq!(task.encode(), data, "a task");
    }
}

pub(crate) fn roots(data: &[u8]) {
    if let Ok(root) = OutputRoot::decode(data) {
        assert_eq!(root.encode(), data, "an output root");
    }
    if let Ok(root) = SuperRoot::decode(data) {
        assert_eq!(root.encode(), data, "a super root");
        let sorted = SuperRoot::new(root.timestamp(), root.chains().to_vec());
        assert!(sorted.is_err() || !root.is_sorted() || sorted == Ok(root));
    }
    if let Ok(state) = TransitionState::decode(data) {
        assert_eq!(state.encode(), data, "a transition state");
    }
}

pub(crate) fn hint(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Ok(hint) = Hint::decode(text) else { return };
    assert_eq!(Hint::decode(&hint.encode()), Ok(hint), "it survives the wire");
}
