//! Host short name: what a copy's second hop needs.

use crate::{
    arrival::{self, Arrival},
    case::Plan,
    check::{About, Check},
    evidence::{Evidence, Seen, login::Login},
    finding::Finding,
    text,
    text::host,
};

/// Host short name.
pub struct ShortName;

/// What is judged.
pub struct Facts<'e> {
    name: String,
    /// A real login, where one was asked for.
    login: Option<&'e Seen<Login>>,
}

impl Check for ShortName {
    const ABOUT: About = About { id: "short-name", title: "Host short name" };
    type Facts<'e> = Facts<'e>;

    fn applies(plan: &Plan) -> bool {
        // A server that greets in place of giving a shell is no end of a copy.
        plan.access.sftp().is_none() && plan.profile_for(&plan.host).greeting.is_none()
    }

    async fn observe(evidence: &Evidence) -> Facts<'_> {
        let plan = evidence.plan();
        let name =
            evidence.effective().await.map_or_else(|_| plan.host.clone(), |e| e.host.clone());
        let login = if plan.login { Some(evidence.login().await) } else { None };
        Facts { name, login }
    }

    fn judge(plan: &Plan, Facts { name, login }: Facts<'_>) -> Finding {
        let by_name = plan.profile_for(&name).short_name(&name);
        let login = login.and_then(|login| login.as_ref().ok());
        match (login.and_then(arrival::of), by_name) {
            (Some(Arrival::Shell { name: Some(there), .. }), by_name) => told(there, by_name),
            (_, Some(short)) => Finding::pass(text!["By its name, the short name is ", host(&short), "."])
                .detail("A copy between environments names its destination so. What `hostname` prints there is what counts: --login asks for it.")
                .fact("short_name", short),
            (_, None) => Finding::skip("An address or a name without a dot has no short name."),
        }
    }
}

/// The host itself said it.
fn told(there: &str, by_name: Option<String>) -> Finding {
    let detail = "A copy between environments names its destination so.";
    let is_guess = by_name.as_ref().is_none_or(|guess| guess.eq_ignore_ascii_case(there));
    let finding = if is_guess {
        Finding::pass(text!["The host calls itself ", host(there), "."])
    } else {
        let guess = by_name.unwrap_or_default();
        Finding::pass(text!["The host calls itself ", host(there), ", and not ", host(guess), "."])
            .detail("That is what `hostname` printed there, so it counts, and not the name that you typed.")
    };
    finding.detail(detail).fact("short_name", there).fact("told_by_host", true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        evidence::{
            login::{Run, RunEnd},
            made,
        },
        text::Foreign,
    };

    #[test]
    fn what_the_host_says_counts_more_than_its_name() {
        let login = |printed: &str| {
            let session = Run {
                stdout: Foreign::from_bytes(printed.as_bytes()),
                end: RunEnd::Exited(0),
                ..Run::default()
            };
            Ok(Login { session: Some(session), ..Login::open_door() })
        };
        let judged = |login: Option<&Seen<Login>>| {
            let name = "web.example.com".to_owned();
            ShortName::judge(&made::plan(), Facts { name, login }).summary.plain()
        };
        assert_eq!(judged(None), "By its name, the short name is web.");
        assert_eq!(judged(Some(&login("web\n"))), "The host calls itself web.");
        let other = judged(Some(&login("ip-10-0-0-1\n")));
        assert_eq!(other, "The host calls itself ip-10-0-0-1, and not web.");
        // What no host is called like is not believed.
        assert_eq!(judged(Some(&login("two words\n"))), "By its name, the short name is web.");
    }
}
