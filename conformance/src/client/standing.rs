//! Whether a client is certified.

use std::fmt;

use crate::case::Level;
use crate::report::{Judged, Report};
use crate::verdict::Verdict;

/// Whether a client is certified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Every MUST passed, and nothing of it was left out.
    Certified {
        /// How many SHOULD passed, and how many there are.
        should: (usize, usize),
        /// How many checks of a MUST are about verbs that the client does not know.
        n_unsupported: usize,
    },
    /// Something of a MUST did not pass.
    NotCertified {
        /// How many failed.
        n_failed: usize,
        /// How many were not exercised, or could not be judged.
        n_open: usize,
    },
    /// Not all of the certification was run, so it says nothing of the whole.
    Selection {
        /// How many checks were run.
        n_run: usize,
        /// How many there are.
        n_all: usize,
    },
}

/// Scenarios that nobody can do without: a client that does not know their verb is certified for nothing.
const INDISPENSABLE: &str = "order/shuffled-output/";

impl Standing {
    /// What a report comes to.
    pub fn of(report: &Report) -> Self {
        if !report.is_whole() {
            return Self::Selection { n_run: report.cases.len(), n_all: report.cases_in_suite };
        }
        let musts = || report.cases.iter().filter(|case| case.level == Level::Must);
        let n_failed =
            musts().filter(|case| matches!(case.verdict, Verdict::Failed | Verdict::Stale)).count();
        let is_open = |case: &&Judged| match case.verdict {
            Verdict::Passed | Verdict::Failed | Verdict::Stale => false,
            Verdict::Unsupported => case.id.starts_with(INDISPENSABLE),
            // A failure that is known is no pass.
            Verdict::KnownFailing | Verdict::NotExercised | Verdict::Error => true,
        };
        let n_open = musts().filter(is_open).count();
        if n_failed > 0 || n_open > 0 {
            return Self::NotCertified { n_failed, n_open };
        }
        let should: Vec<_> = report.cases.iter().filter(|case| case.level == Level::Should).collect();
        Self::Certified {
            should: (should.iter().filter(|case| case.verdict == Verdict::Passed).count(), should.len()),
            n_unsupported: musts().filter(|case| case.verdict == Verdict::Unsupported).count(),
        }
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Certified { should: (passed, all), n_unsupported } => {
                write!(f, "Certified: every MUST passed, and {passed} of {all} SHOULD.")?;
                if *n_unsupported > 0 {
                    write!(f, " {n_unsupported} checks are about what the client does not offer.")?;
                }
                Ok(())
            }
            Self::NotCertified { n_failed, n_open } => {
                write!(f, "Not certified: of the MUSTs {n_failed} failed, and {n_open} could not be judged.")
            }
            Self::Selection { n_run, n_all } => {
                write!(f, "A selection, which certifies nothing: {n_run} of {n_all} checks were run.")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::report;

    /// A whole report, in which everything passed but for some.
    fn whole(but: &[(&str, Verdict)]) -> Report {
        let mut report = report::report("a client", Level::Must, &[]);
        for (scenario, checks) in crate::client::choice::Choice::all().scenarios() {
            for (check, level) in checks {
                let id = crate::client::choice::id(scenario, check);
                let verdict = but
                    .iter()
                    .find(|(part, _)| id.starts_with(part))
                    .map_or(Verdict::Passed, |(_, verdict)| *verdict);
                report.cases.push(Judged {
                    id,
                    title: String::new(),
                    level,
                    requirement: String::new(),
                    evidence: Vec::new(),
                    verdict,
                    reason: String::new(),
                    mismatch: None,
                    left_behind: Vec::new(),
                    milliseconds: 0,
                    exchanges: Vec::new(),
                });
            }
        }
        report
    }

    fn told(but: &[(&str, Verdict)]) -> String {
        Standing::of(&whole(but)).to_string()
    }

    #[test]
    fn only_who_passes_every_must_of_all_of_it_is_certified() {
        assert!(told(&[]).starts_with("Certified: every MUST passed, and "));
        assert!(told(&[("webhook/verify", Verdict::Failed)]).starts_with("Certified"), "it is a SHOULD");
        assert!(
            told(&[("expired/partial/K8", Verdict::Failed)])
                .starts_with("Not certified: of the MUSTs 1 failed")
        );
        for verdict in [Verdict::NotExercised, Verdict::KnownFailing, Verdict::Error] {
            let told = told(&[("expired/partial/K8", verdict)]);
            assert_eq!(told, "Not certified: of the MUSTs 0 failed, and 1 could not be judged.", "{verdict}");
        }
    }

    #[test]
    fn what_a_client_does_not_offer_is_no_failure_unless_it_is_all() {
        let told_of = told(&[("cancelled/partial", Verdict::Unsupported)]);
        assert!(told_of.ends_with("8 checks are about what the client does not offer."), "{told_of}");
        assert!(told(&[("", Verdict::Unsupported)]).starts_with("Not certified"));
    }

    #[test]
    fn a_selection_certifies_nothing() {
        let mut report = whole(&[]);
        report.cases.pop();
        assert!(Standing::of(&report).to_string().starts_with("A selection, which certifies nothing: "));
    }
}
