//! What was found: a line for each thing that was looked at.
//!
//! **Invariant:** whoever finds something wrong says what to do about it.

use crate::exit::Exit;
use serde::Serialize;
use std::fmt;

/// How a thing is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Level {
    Ok,
    /// It works, but somebody will be surprised.
    Warn,
    /// It could not be looked at.
    Unknown,
    /// It will not work.
    Fail,
}

#[derive(Debug, Serialize)]
struct Finding {
    level: Level,
    subject: String,
    finding: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<String>,
}

/// Findings in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Report {
    findings: Vec<Finding>,
}

impl Report {
    pub(super) fn ok(&mut self, subject: &str, finding: impl Into<String>) {
        self.add(Level::Ok, subject, finding.into(), None);
    }

    pub(super) fn warn(
        &mut self,
        subject: &str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Level::Warn, subject, finding.into(), Some(advice.into()));
    }

    pub(super) fn fail(
        &mut self,
        subject: &str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Level::Fail, subject, finding.into(), Some(advice.into()));
    }

    pub(super) fn unknown(
        &mut self,
        subject: &str,
        finding: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(Level::Unknown, subject, finding.into(), Some(advice.into()));
    }

    /// Right or wrong by whether two values are equal.
    pub(super) fn equal<T: PartialEq + fmt::Display>(
        &mut self,
        subject: &str,
        (what, found): (&str, T),
        (whose, wanted): (&str, T),
        advice: &str,
    ) {
        if found == wanted {
            self.ok(subject, format!("{what} is {found}"));
        } else {
            self.fail(subject, format!("{what} is {found}, {whose} says {wanted}"), advice);
        }
    }

    fn add(&mut self, level: Level, subject: &str, finding: String, advice: Option<String>) {
        self.findings.push(Finding { level, subject: subject.to_owned(), finding, advice });
    }

    /// The worst of all findings.
    pub(super) fn level(&self) -> Level {
        self.findings.iter().map(|it| it.level).max().unwrap_or(Level::Unknown)
    }

    pub(super) fn exit(&self) -> Exit {
        match self.level() {
            Level::Ok | Level::Warn => Exit::Done,
            Level::Unknown => Exit::Undetermined,
            Level::Fail => Exit::Invalid,
        }
    }

    pub(super) fn to_json(&self) -> String {
        serde_json::json!({"level": self.level(), "findings": self.findings}).to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Finding { level, subject, finding, advice } in &self.findings {
            let level = match level {
                Level::Ok => "ok",
                Level::Warn => "warn",
                Level::Unknown => "?",
                Level::Fail => "fail",
            };
            writeln!(f, "{level:<5} {subject}: {finding}")?;
            if let Some(advice) = advice {
                writeln!(f, "      {advice}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn something_wrong_weighs_more_than_something_unknown() {
        let mut report = Report::default();
        report.ok("L1", "answers");
        assert_eq!(report.exit(), Exit::Done);
        report.unknown("beacon", "unreachable", "start it");
        assert_eq!(report.exit(), Exit::Undetermined);
        report.equal("L1", ("chain id", 1), ("the config", 900), "give another --l1");
        assert_eq!(report.exit(), Exit::Invalid);
        assert!(report.to_string().contains("fail  L1: chain id is 1, the config says 900"));
    }
}
