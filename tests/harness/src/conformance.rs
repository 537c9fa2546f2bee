//! `conformance.toml`: which test uses which vector file, and which crate will use the rest.
//!
//! **Invariant:** every file of the vectors folder belongs to exactly one set.

use serde::Deserialize;

/// The whole list.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Conformance {
    /// The sets in file order.
    pub set: Vec<Set>,
}

/// Files that are used by the same tests.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Set {
    /// Paths below the vectors folder. `*` stands for any characters but `/`, only in homogeneous
    /// sets.
    pub files: Vec<String>,
    /// Names of the tests that open each of these files (see `Vectors::for_test`).
    #[serde(default)]
    pub used: Vec<String>,
    /// Crates that will use these files, or further parts of them.
    #[serde(default)]
    pub later: Vec<String>,
}

impl Conformance {
    /// Reads the list of this workspace.
    pub fn read() -> Self {
        let path = crate::workspace_root().join("conformance.toml");
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }
}

impl Set {
    /// Whether this set has the file.
    pub fn has(&self, file: &str) -> bool {
        self.files.iter().any(|pattern| matches(pattern.as_bytes(), file.as_bytes()))
    }
}

/// Whether `name` has the shape of `pattern`, in which `*` is any run of characters but `/`.
pub(crate) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let Some((first, rest)) = pattern.split_first() else { return name.is_empty() };
    if *first == b'*' {
        let run = name.iter().take_while(|it| **it != b'/').count();
        return (0..=run).any(|length| matches(rest, &name[length..]));
    }
    name.split_first().is_some_and(|(head, tail)| head == first && matches(rest, tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), expected, "{pattern} {name}");
    }

    #[test]
    fn a_star_stands_for_any_run_inside_one_folder() {
        check("a/b.json", "a/b.json", true);
        check("a/b.json", "a/b.jsonl", false);
        check("a/*.json", "a/b.json", true);
        check("a/*.json", "a/.json", true);
        check("a/*.json", "a/b/c.json", false);
        check("a/*/c-*.json", "a/b/c-1.json", true);
        check("*", "a/b", false);
    }
}
