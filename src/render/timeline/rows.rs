//! From the facts of a case to rows.
//!
//! A fact's time begins when it is first asked for, so that it includes the wait for what it needs.
//! What each fact needs is said here once more, in the order of `checks::evidence`: a row begins
//! when the last of these has ended.

use checks::{
    case::{Case, Observed},
    evidence::{
        Unseen,
        egress::{Egress, NoAddress},
        name_servers::{Answer as Told, AnswerCode, NameServer, NameServers},
        traceroute::{Answer, Traceroute},
    },
    text::printable,
};

use crate::redact::shown_with_port;

use super::{End, Micros, Row, Whom, conversation};

/// The rows of a case.
pub fn of(case: &Case) -> Vec<Row> {
    let mut rows = Rows::default();
    let machine = rows.add("This computer", Whom::ThisComputer, &case.machine, &[]);
    let configuration =
        rows.add("Configuration", Whom::ThisComputer, &case.configuration, &[machine]);
    // An address needs no question.
    let is_address = case.resolution().is_some_and(|seen| seen.literal);
    let resolver = if is_address { Whom::ThisComputer } else { Whom::Resolver };
    let asks_nobody = case.name_servers().is_some_and(|seen| seen.servers.is_empty());
    let servers = if asks_nobody { Whom::ThisComputer } else { Whom::NameServers };
    let resolution = rows.add("Name resolution", resolver, &case.resolution, &[configuration]);
    let name_servers = rows.add("Name servers", servers, &case.name_servers, &[configuration]);
    rows.fill(case.name_servers().map(questions));
    let needs = [configuration, resolution, name_servers];
    rows.add("Similar names", servers, &case.nearby, &needs);
    let name = case.hop().map_or("", |hop| &hop.case.plan.input);
    let label = format!("Jump host {}", printable(name));
    let hop = rows.add(label.trim_end(), Whom::JumpHost, &case.hop, &[configuration]);
    rows.nest(case.hop().map_or_else(Vec::new, |hop| of(&hop.case)));
    let program = case.proxy().map_or("proxy command", |proxy| &proxy.program);
    let label = format!("Start of {}", printable(program));
    let proxy = rows.add(&label, Whom::ThisComputer, &case.proxy, &[configuration, hop]);
    let attempts =
        rows.add("TCP connection", Whom::Server, &case.attempts, &[configuration, resolution]);
    rows.fill(case.attempts().map(conversation::attempts));
    rows.add("Path search", Whom::Way, &case.traceroute, &[attempts]);
    rows.fill(case.traceroute().map(|way| Filling::answers(from_the_way(way))));
    rows.add("Made-up names", servers, &case.made_up_names, &[attempts, name_servers]);
    let source =
        rows.add("Own address", Whom::ThisComputer, &case.source, &[configuration, resolution]);
    rows.add("Public address", Whom::Outside, &case.egress, &[source]);
    rows.fill(case.egress().map(|seen| Filling::answers(from_outside(seen))));
    let known = rows.add("Known hosts", Whom::ThisComputer, &case.known_hosts, &[configuration]);
    let identities = rows.add("Key files", Whom::ThisComputer, &case.identities, &[configuration]);
    let agent = rows.add("SSH agent", Whom::Agent, &case.agent, &[configuration]);
    let needs = [attempts, proxy, known];
    let handshake = rows.add("SSH handshake", Whom::Server, &case.handshake, &needs);
    rows.fill(case.handshake().map(conversation::handshake));
    rows.add("End of the command", Whom::ThisComputer, &case.proxy_end, &[proxy, handshake]);
    let needs = [handshake, agent];
    let for_host = rows.add("SSH agent, for this host", Whom::Agent, &case.agent_for_host, &needs);
    let needs = [handshake, known, identities, agent, for_host];
    let queries = rows.add("Key questions", Whom::Server, &case.queries, &needs);
    rows.fill(case.queries().map(conversation::queries));
    let login = rows.add("Login", Whom::Server, &case.login, &[queries]);
    rows.fill(case.login().map(conversation::login));
    rows.add("Agent, seen from there", Whom::Server, &case.forwarding, &[login]);
    rows.fill(case.forwarding().map(conversation::forwarding));
    let password =
        rows.add("Login with a password", Whom::Server, &case.password_login, &[handshake, known]);
    rows.add("SFTP", Whom::Server, &case.sftp, &[password]);
    rows.in_order()
}

/// What is known of a row when its fact was seen. Its times count from the begin of the row.
pub struct Filling {
    /// How it ended.
    pub end: End,
    /// Answers that are known to have been waited for.
    pub answers: u64,
    /// How long it took, where that is known to less than a millisecond.
    pub lasted_us: Micros,
    /// What it is made of.
    pub parts: Vec<Row>,
}

impl Filling {
    /// A number of answers, and nothing more.
    fn answers(answers: usize) -> Self {
        Self { end: End::Done, answers: answers as u64, lasted_us: 0, parts: Vec::new() }
    }
}

/// A part that begins at a time and ends at another.
pub fn part(label: String, whom: Whom, (from, to): (Micros, Micros), end: End) -> Row {
    Row { depth: 0, label, whom, asked_us: from, began_us: from, ended_us: to, end, answers: 0 }
}

/// The questions to each name server, all of which are asked at once.
fn questions(seen: &NameServers) -> Filling {
    let is_answer = |told: &&Told| {
        !matches!(
            told.code,
            AnswerCode::Timeout | AnswerCode::Unreachable(_) | AnswerCode::NotAName
        )
    };
    let server = |server: &NameServer| {
        let told = [&server.a, &server.aaaa];
        let answers = told.into_iter().filter(is_answer).count() as u64;
        let took_ms = told.iter().map(|told| told.took_ms).max().unwrap_or(0);
        let end = if answers > 0 { End::Done } else { End::Silence };
        let times = (0, took_ms.saturating_mul(1000));
        Row { answers, ..part(shown_with_port(server.server), Whom::NameServers, times, end) }
    };
    let parts: Vec<_> = seen.servers.iter().map(server).collect();
    let answers = parts.iter().map(|part| part.answers).sum();
    let silent = !parts.is_empty() && answers == 0;
    let end = if silent { End::Silence } else { End::Done };
    // One server is the row itself.
    Filling { end, answers, lasted_us: 0, parts: if parts.len() > 1 { parts } else { Vec::new() } }
}

fn from_the_way(way: &Traceroute) -> usize {
    let of_controls = way.controls.iter().flat_map(|control| {
        control.probes.iter().map(|probe| &probe.answer).chain([&control.answer])
    });
    let all = way.probes.iter().map(|probe| &probe.answer).chain(&way.again).chain(of_controls);
    all.filter(|answer| !matches!(answer, Answer::Silence | Answer::Failed(_))).count()
}

fn from_outside(egress: &Egress) -> usize {
    let told = |sees: &Result<_, NoAddress>| matches!(sees, Ok(_) | Err(NoAddress::Other(..)));
    egress.asked.iter().filter(|asked| told(&asked.sees)).count()
}

/// A row with its parts.
#[derive(Default)]
struct Rows {
    /// Each row with its parts after it.
    groups: Vec<Vec<Row>>,
    /// Whether the fact that was added last has a row.
    open: bool,
}

impl Rows {
    /// Adds the row of a fact, where it was looked at, and tells when it ended.
    fn add<T>(
        &mut self,
        label: &str,
        whom: Whom,
        fact: &Option<Observed<T>>,
        needs: &[Option<Micros>],
    ) -> Option<Micros> {
        self.open = false;
        let fact = fact.as_ref()?;
        let end = match &fact.seen {
            Ok(_) => End::Done,
            Err(Unseen::OutOfTime | Unseen::Interrupted | Unseen::Abandoned | Unseen::Crashed) => {
                End::Cut
            }
            Err(_) => return None,
        };
        let asked_us = fact.started_ms.saturating_mul(1000);
        let ended_us = asked_us.saturating_add(fact.duration_ms.saturating_mul(1000));
        // What ended later was not waited for.
        let needs = needs.iter().flatten().filter(|need| **need <= ended_us);
        let began_us = needs.copied().fold(asked_us, Micros::max);
        let label = label.to_owned();
        let row = Row { depth: 0, label, whom, asked_us, began_us, ended_us, end, answers: 0 };
        self.groups.push(vec![row]);
        self.open = true;
        Some(ended_us)
    }

    /// Says more about the row that was added last.
    fn fill(&mut self, filling: Option<Filling>) {
        let group = self.groups.last_mut().filter(|_| self.open);
        let (Some(Filling { end, answers, lasted_us, parts }), Some(group)) = (filling, group)
        else {
            return;
        };
        let Some(row) = group.first_mut() else { return };
        // The times of facts are whole milliseconds, cut off; those of parts are exact, and none
        // of them is outside of its row.
        let latest = row.ended_us.saturating_add(999);
        let within = |us: Micros| row.began_us.saturating_add(us).min(latest);
        let place = |part: Row| Row {
            depth: part.depth + 1,
            asked_us: within(part.asked_us),
            began_us: within(part.began_us),
            ended_us: within(part.ended_us),
            ..part
        };
        let parts: Vec<_> = parts.into_iter().map(place).collect();
        let ends = parts.iter().map(|part| part.ended_us).chain([within(lasted_us)]);
        let ended_us = ends.fold(row.ended_us, Micros::max);
        (row.end, row.answers, row.ended_us) = (end, answers, ended_us);
        group.extend(parts);
    }

    /// The rows of a jump host, examined meanwhile, below the row that was added last. Where it was
    /// examined for another target before, its times are not of this run.
    fn nest(&mut self, rows: Vec<Row>) {
        let Some(group) = self.groups.last_mut().filter(|_| self.open) else { return };
        let Some(row) = group.first() else { return };
        let latest = row.ended_us.saturating_add(999);
        if rows.iter().all(|part| row.asked_us <= part.asked_us && part.ended_us <= latest) {
            group.extend(rows.into_iter().map(|part| Row { depth: part.depth + 1, ..part }));
        }
    }

    fn in_order(mut self) -> Vec<Row> {
        self.groups.sort_by_key(|group| group.first().map(|row| row.began_us));
        self.groups.into_iter().flatten().collect()
    }
}
