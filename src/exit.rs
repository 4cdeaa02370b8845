//! Exit codes: a contract with scripts.

use checks::{
    finding::Status,
    report::{Report, Verdict},
};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: it will work, perhaps with warnings.
    Ready,
    /// 3: it could not be found out.
    Inconclusive,
    /// 1: it will not work.
    NotReady,
    /// 2: the command line, or a file of ours, is wrong.
    Usage,
}

impl Exit {
    /// The number.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ready => 0,
            Self::NotReady => 1,
            Self::Usage => 2,
            Self::Inconclusive => 3,
        }
    }

    /// What one report ends with; with `fail_on_warn`, a warning counts as a failure.
    #[must_use]
    pub fn of(report: &Report, fail_on_warn: bool) -> Self {
        Self::for_verdict(report.verdict, report.worst(), fail_on_warn)
    }

    /// What a verdict ends with, where the worst of its checks is this.
    #[must_use]
    pub fn for_verdict(verdict: Verdict, worst: Status, fail_on_warn: bool) -> Self {
        match verdict {
            Verdict::NotReady => Self::NotReady,
            Verdict::Inconclusive => Self::Inconclusive,
            Verdict::Ready if fail_on_warn && worst >= Status::Warn => Self::NotReady,
            Verdict::Ready => Self::Ready,
        }
    }

    /// The worse of two: 1 over 3 over 0.
    #[must_use]
    pub fn worst(self, other: Self) -> Self {
        let rank = |exit| match exit {
            Self::Ready => 0,
            Self::Inconclusive => 1,
            Self::NotReady => 2,
            Self::Usage => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// The worst verdict of several: not ready over inconclusive over ready.
#[must_use]
pub fn worst_verdict(reports: &[Report]) -> Verdict {
    let any = |verdict| reports.iter().any(|r| r.verdict == verdict);
    if any(Verdict::NotReady) {
        Verdict::NotReady
    } else if any(Verdict::Inconclusive) || reports.is_empty() {
        Verdict::Inconclusive
    } else {
        Verdict::Ready
    }
}

#[cfg(test)]
mod tests {
    use super::Exit;

    #[test]
    fn one_over_three_over_zero() {
        let all = [Exit::Ready, Exit::Inconclusive, Exit::NotReady];
        assert_eq!(all.into_iter().fold(Exit::Ready, Exit::worst).code(), 1);
        assert_eq!(Exit::Ready.worst(Exit::Inconclusive).code(), 3);
        assert_eq!(Exit::Inconclusive.worst(Exit::Ready).code(), 3);
    }
}
