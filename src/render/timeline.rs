//! What ran when in a run, and what was waited for: pure, a report in and rows out. The drawing on
//! a terminal and the one in HTML are made of the same rows.
//!
//! All times come from the evidence, so that a recording shows the times of the run that was
//! recorded, and not those of its replay.

mod conversation;
mod rows;

use std::time::Duration;

use checks::report::Report;

/// Microseconds since the run began.
pub type Micros = u64;

/// A run, as rows of what ran when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Timeline {
    /// In the order in which they began; the parts of a row come directly after it.
    pub rows: Vec<Row>,
    /// When the last of them ended.
    pub end_us: Micros,
    /// How long the TCP connection to the server took, where one was made.
    pub connect_us: Option<Micros>,
    /// How many round trips to the server were waited for, at least: only what the evidence shows to
    /// have been a question and its answer counts.
    pub round_trips: u64,
}

/// Something that was looked at, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// 0 for what stands by itself, 1 for its parts, and so on.
    pub depth: usize,
    /// What it is.
    pub label: String,
    /// Who was waited for.
    pub whom: Whom,
    /// When somebody first asked for it.
    pub asked_us: Micros,
    /// When it began: until then it waited for what it needs.
    pub began_us: Micros,
    /// When it ended.
    pub ended_us: Micros,
    /// How it ended.
    pub end: End,
    /// How many answers from outside are known to have been waited for.
    pub answers: u64,
}

/// Who was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Files, programs and the system of this computer.
    ThisComputer,
    /// The agent, which may be far away.
    Agent,
    /// The resolver of the system, which asks name servers where it needs to.
    Resolver,
    /// Name servers.
    NameServers,
    /// The server, and the network up to it.
    Server,
    /// Routers on the way.
    Way,
    /// A jump host.
    JumpHost,
    /// Somebody outside who tells the public address.
    Outside,
}

/// How a row ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It was done, or the answer came.
    Done,
    /// No answer came in time.
    Silence,
    /// The time for the whole run was over, or somebody pressed Ctrl-C.
    Cut,
}

impl Whom {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::ThisComputer => "this computer",
            Self::Agent => "the agent",
            Self::Resolver => "the system's resolver",
            Self::NameServers => "name servers",
            Self::Server => "the server",
            Self::Way => "routers on the way",
            Self::JumpHost => "the jump host",
            Self::Outside => "somebody outside",
        }
    }

    /// Whether somebody else than this computer is waited for.
    #[must_use]
    pub const fn is_elsewhere(self) -> bool {
        !matches!(self, Self::ThisComputer | Self::Agent)
    }
}

impl End {
    /// In words, where it is worth one.
    #[must_use]
    pub const fn words(self) -> Option<&'static str> {
        match self {
            Self::Done => None,
            Self::Silence => Some("no answer"),
            Self::Cut => Some("cut off"),
        }
    }
}

impl Row {
    /// How long it took, once it had what it needs.
    #[must_use]
    pub const fn took_us(&self) -> Micros {
        self.ended_us.saturating_sub(self.began_us)
    }
}

impl Timeline {
    /// The timeline of a report; without rows where the evidence has no times.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let rows = rows::of(&report.case);
        let end_us = rows.iter().map(|row| row.ended_us).max().unwrap_or(0);
        if end_us == 0 {
            return Self::default();
        }
        let own = |row: &&Row| row.whom == Whom::Server && row.depth == 0;
        let connect_us = conversation::connect_us(&report.case);
        // Where two clocks contradict each other, neither is believed.
        let room = rows.iter().filter(own).map(|row| row.took_us().saturating_add(999)).max();
        let connect_us = connect_us.filter(|took| room.is_some_and(|room| *took <= room));
        let answers = rows.iter().filter(own).map(|row| row.answers).sum();
        // Without a connection, whoever answers need not be the server.
        let direct = report.case.attempts().is_some_and(|seen| seen.connected().is_some());
        let connected = direct || report.case.proxy().is_some();
        Self { rows, end_us, connect_us, round_trips: if connected { answers } else { 0 } }
    }

    /// Whether the row at this place has parts.
    #[must_use]
    pub fn has_parts(&self, place: usize) -> bool {
        let depth = |place: usize| self.rows.get(place).map_or(0, |row| row.depth);
        depth(place + 1) > depth(place)
    }

    /// What the whole comes down to, in sentences.
    #[must_use]
    pub fn summary(&self) -> String {
        let mut words = format!("All of it took {}.", time(self.end_us));
        let elsewhere = |(place, row): &(usize, &Row)| {
            row.whom.is_elsewhere() && !self.has_parts(*place) && row.took_us() > 0
        };
        let waits = self.rows.iter().enumerate().filter(elsewhere);
        if let Some((place, row)) = waits.max_by_key(|(_, row)| row.took_us()) {
            let of = self.rows.iter().take(place).rfind(|before| before.depth < row.depth);
            let of = of.filter(|_| row.depth > 0).map(|of| format!("{}: ", of.label));
            let what = format!("{}{}", of.unwrap_or_default(), row.label);
            let (took, whom) = (time(row.took_us()), row.whom.words());
            words.push_str(&format!(" The longest wait, {took}, was for {whom} ({what})."));
        }
        if self.round_trips > 0 {
            let times = match self.round_trips {
                1 => "once".to_owned(),
                2 => "twice".to_owned(),
                many => format!("{many} times"),
            };
            words.push_str(&format!(" An answer of the server was waited for at least {times}"));
            words.push_str(&match self.connect_us {
                Some(took) => format!("; the first, the TCP connection, took {}.", time(took)),
                None => ".".to_owned(),
            });
        }
        words
    }
}

/// Milliseconds as they are measured, in microseconds.
#[must_use]
pub fn micros(ms: f64) -> Micros {
    let lasted = Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default();
    Micros::try_from(lasted.as_micros()).unwrap_or(Micros::MAX)
}

/// A length of time, as exact as it is known and as short as it can be read.
#[must_use]
pub fn time(us: Micros) -> String {
    let tenths = |us: Micros, unit: Micros| {
        let tenths = us.saturating_mul(10).saturating_add(unit / 2) / unit;
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match us {
        0 => "0 ms".to_owned(),
        1..50 => "< 0.1 ms".to_owned(),
        // Most times are known in whole milliseconds: a zero behind the point would claim more.
        50..99_950 if !us.is_multiple_of(1000) => format!("{} ms", tenths(us, 1000)),
        50..999_500 => format!("{} ms", (us + 500) / 1000),
        _ => format!("{} s", tenths(us, 1_000_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_claim_no_more_than_is_known() {
        let table = [
            (0, "0 ms"),
            (7, "< 0.1 ms"),
            (170, "0.2 ms"),
            (12_303, "12.3 ms"),
            (16_000, "16 ms"),
            (99_949, "99.9 ms"),
            (99_951, "100 ms"),
            (999_499, "999 ms"),
            (999_501, "1.0 s"),
            (2_031_000, "2.0 s"),
        ];
        for (us, expected) in table {
            assert_eq!(time(us), expected, "{us}");
        }
    }
}
