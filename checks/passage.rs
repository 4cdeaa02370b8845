//! The way through a jump host or proxy command: whether it may be gone, how, and where it ends: pure.

use crate::{
    case::{Case, Plan},
    diagnosis,
    evidence::{
        Needed, Seen, Unseen,
        configuration::Effective,
        hop::Hop,
        proxy::{Exit, Launch, ProxyEnd, ProxyTrouble},
    },
    jump, relay,
    text::Foreign,
};

/// What to start, or what keeps it from being started.
///
/// # Errors
/// Why the way may not be gone: nobody asked for what it does, or it cannot lead anywhere.
pub fn launch(
    plan: &Plan,
    effective: &Effective,
    hop: Option<&Seen<Hop>>,
) -> Result<Result<Launch, ProxyTrouble>, Unseen> {
    if effective.proxy_jump.is_some() {
        let hop = hop.and_then(|hop| hop.as_ref().ok()).ok_or(Unseen::Needs(Needed::JumpHost))?;
        if shut(&hop.case) {
            return Err(Unseen::Needs(Needed::JumpHost));
        }
        if !plan.through {
            return Err(Unseen::Needs(Needed::Consent));
        }
        if shut(&hop.case.with_nobody()) {
            return Err(Unseen::Needs(Needed::NoQuestion));
        }
        let goal = format!("[{}]:{}", effective.host, effective.port);
        return Ok(Ok(Launch::Words(jump::command(&hop.case, &goal))));
    }
    let Some(command) = &effective.proxy_command else {
        return Err(Unseen::Needs(Needed::Proxy));
    };
    if effective.proxy_use_fdpass {
        let why = "the proxy command hands over a connection of its own (ProxyUseFdpass)";
        return Err(Unseen::Unable(why.into()));
    }
    let expanded = match jump::tokens(command, plan, effective) {
        Ok(expanded) => expanded,
        Err(letter) => return Ok(Err(ProxyTrouble::UnknownToken(letter))),
    };
    if !plan.through && !relay::is_plain(&expanded) {
        return Err(Unseen::Needs(Needed::Consent));
    }
    Ok(Ok(Launch::Shell(format!("exec {expanded}"))))
}

/// Whether a jump host certainly does not let in.
fn shut(hop: &Case) -> bool {
    diagnosis::diagnose(hop).is_some_and(|found| !found.id.is_inconclusive())
}

/// The innermost jump host: the one that is reached first, of those that stand before the target.
pub fn hops(case: &Case) -> Vec<&Case> {
    let mut hops = Vec::new();
    let mut at = case;
    while let Some(hop) = at.hop() {
        hops.push(&*hop.case);
        at = &hop.case;
    }
    hops.reverse();
    hops
}

/// What the command told about the way, in the words of `ssh` (channels.c, clientloop.c).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told<'e> {
    /// The jump host forbids it.
    Prohibited,
    /// The jump host could not connect: its system's words.
    NoConnection(&'e str),
    /// `ssh` itself could not get in at the jump host, or not to it.
    NotIn(&'e Foreign),
    /// An HTTP proxy answered with this code.
    HttpStatus(u16),
    /// Nothing that is known.
    Nothing,
}

impl ProxyEnd {
    /// What it told.
    #[must_use]
    pub fn told(&self) -> Told<'_> {
        for line in &self.said {
            let raw = line.raw();
            if let Some((_, why)) = raw.split_once("open failed: ") {
                return match why.split_once("connect failed: ") {
                    Some((_, words)) => Told::NoConnection(words),
                    None if why.starts_with("administratively prohibited") => Told::Prohibited,
                    None => Told::NotIn(line),
                };
            }
            if let Some(code) = http_status(raw) {
                return Told::HttpStatus(code);
            }
            let not_in = [
                "Permission denied (",
                "Host key verification failed",
                "ssh: Could not resolve hostname ",
                "ssh: connect to host ",
                "Connection closed by ",
                "Connection timed out during banner exchange",
            ];
            if not_in.iter().any(|words| raw.contains(words)) {
                return Told::NotIn(line);
            }
        }
        Told::Nothing
    }

    /// Whether `ssh` logged in at the jump host.
    #[must_use]
    pub fn logged_in(&self) -> bool {
        self.said.iter().any(|line| line.raw().contains("Authenticated to "))
    }

    /// Whether the jump host connected to the target.
    #[must_use]
    pub fn connected(&self) -> bool {
        self.said.iter().any(|line| line.raw().contains(": open confirm "))
    }

    /// Whether the key with which `ssh` logged in may not be used to go on (`restrict`,
    /// `no-port-forwarding` in authorized_keys): the server lists what the key may do.
    #[must_use]
    pub fn key_is_restricted(&self) -> bool {
        let options = |l: &&Foreign| l.raw().contains("key options:");
        let last = self.said.iter().rfind(options);
        last.is_some_and(|line| !line.raw().contains("port-forwarding"))
    }

    /// What people may want to read: no debugging lines.
    pub fn words(&self) -> impl Iterator<Item = &Foreign> {
        self.said.iter().filter(|line| {
            let raw = line.raw();
            !raw.starts_with("debug") && !raw.contains("Authenticated to ")
        })
    }

    /// Its exit code, where it ended by itself.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        match self.exit {
            Some(Exit::Code(code)) => Some(code),
            _ => None,
        }
    }
}

/// The code that an HTTP proxy answered with, as the relays tell it.
fn http_status(line: &str) -> Option<u16> {
    let lower = line.to_ascii_lowercase();
    let marks = ["proxy returned status code ", "http return code: ", "http/1.0 ", "http/1.1 "];
    if let Some(rest) = marks.iter().find_map(|mark| Some(lower.split_once(mark)?.1)) {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        return digits.parse().ok();
    }
    // corkscrew and socat repeat the words that stand beside the code.
    lower.contains("proxy authentication required").then_some(407)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    fn end(lines: &[&str]) -> ProxyEnd {
        let said = lines.iter().map(|l| Foreign::from_bytes(l.as_bytes())).collect();
        ProxyEnd { exit: Some(Exit::Code(255)), said }
    }

    #[test]
    fn lines_are_understood() {
        let refused = end(&[
            "Authenticated to 127.0.0.1 ([127.0.0.1]:22) using \"publickey\".",
            "channel 0: open failed: connect failed: Connection refused",
            "stdio forwarding failed",
        ]);
        assert_eq!(refused.told(), Told::NoConnection("Connection refused"));
        assert!(refused.logged_in() && !refused.connected());
        assert_eq!(refused.words().count(), 2);
        for (line, told) in [
            ("channel 0: open failed: administratively prohibited: open failed", Told::Prohibited),
            ("Ncat: Proxy returned status code 403.", Told::HttpStatus(403)),
            (
                "nc: Proxy error: \"HTTP/1.1 407 Proxy Authentication Required\"",
                Told::HttpStatus(407),
            ),
            (
                "Proxy could not open connection to h: Proxy Authentication Required",
                Told::HttpStatus(407),
            ),
            ("a word", Told::Nothing),
        ] {
            assert_eq!(end(&[line]).told(), told, "{line}");
        }
        for line in ["ada@b: Permission denied (publickey).", "Host key verification failed."] {
            assert!(matches!(end(&[line]).told(), Told::NotIn(_)), "{line}");
        }
        assert!(
            end(&["debug1: Remote: /a:1: key options: agent-forwarding pty"]).key_is_restricted()
        );
        assert!(
            !end(&["debug1: Remote: /a:1: key options: port-forwarding pty"]).key_is_restricted()
        );
        assert!(!end(&[]).key_is_restricted());
    }

    #[test]
    fn what_may_log_in_needs_consent() {
        let mut plan = made::plan();
        let command =
            |line: &str| Effective { proxy_command: Some(line.into()), ..made::effective(22) };
        let told = |plan: &Plan, line: &str| launch(plan, &command(line), None);
        let shell = |line: &str| Ok(Ok(Launch::Shell(line.into())));
        assert_eq!(told(&plan, "nc %h %p"), shell("exec nc host.example.com 22"));
        let consent = Err(Unseen::Needs(Needed::Consent));
        assert_eq!(told(&plan, "ssh -W %h:%p j"), consent);
        assert_eq!(told(&plan, "nc %z"), Ok(Err(ProxyTrouble::UnknownToken('z'))));
        plan.through = true;
        assert_eq!(told(&plan, "ssh -W %h:%p j"), shell("exec ssh -W host.example.com:22 j"));
        let passes = Effective { proxy_use_fdpass: true, ..command("nc %h %p") };
        assert!(matches!(launch(&plan, &passes, None), Err(Unseen::Unable(_))));
        let jump = Effective { proxy_jump: Some("j".into()), ..made::effective(22) };
        assert_eq!(launch(&plan, &jump, None), Err(Unseen::Needs(Needed::JumpHost)));
    }
}
