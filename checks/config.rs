//! Configuration: one clear target, and the user that the profile expects.

use crate::{
    case::Plan,
    check::{About, Check},
    evidence::{
        Evidence, Seen,
        configuration::{Configuration, Source},
        machine::Machine,
    },
    finding::{Finding, Hint},
    relay, text,
    text::{host, number, path, user},
};

/// Configuration.
pub struct Config;

impl Check for Config {
    const ABOUT: About = About { id: "config", title: "Configuration" };
    type Facts<'e> = (&'e Seen<Configuration>, &'e Seen<Machine>);

    async fn observe(evidence: &Evidence) -> Self::Facts<'_> {
        (evidence.configuration().await, evidence.machine().await)
    }

    fn judge(plan: &Plan, (configuration, machine): Self::Facts<'_>) -> Finding {
        let configuration = match configuration {
            Ok(configuration) => configuration,
            Err(why) => return Finding::unseen(why),
        };
        let e = match &configuration.effective {
            Ok(effective) => effective,
            Err(refusal) => {
                return Finding::fail("ssh refuses its configuration or its options.")
                    .detail_all(refusal.lines.iter().map(|line| text!["ssh says: ", line]))
                    .hint(Hint::advice("Correct what ssh names here; it connects nowhere before."))
                    .fact("exit", refusal.exit);
            }
        };
        let profile = plan.profile_for(&e.host);
        let goal = text![user(&e.user), " at ", host(&e.host), ", port ", number(e.port)];
        let wanted = profile.user.as_ref().filter(|wanted| **wanted != e.user);
        let mut finding = match wanted {
            Some(wanted) => Finding::warn(text![
                "ssh would log in as ",
                user(&e.user),
                ", but logins here need the user ",
                user(wanted),
                "."
            ])
            .hint(Hint::run("Name the user:", plan.ssh().user(wanted).command())),
            None => Finding::pass(text!["ssh would log in as "].then(goal).with(".")),
        };
        if e.host != plan.host {
            finding = finding.detail(text![
                "You typed ",
                host(&plan.host),
                "; the configuration makes it ",
                host(&e.host),
                "."
            ]);
        }
        if let Some(jump) = &e.proxy_jump {
            finding = finding.detail(text!["The connection goes through ", host(jump), "."]);
        } else if let Some(command) = &e.proxy_command {
            let program = text::foreign(relay::program(command));
            finding =
                finding.detail(text!["The connection goes through the command ", program, "."]);
        }
        if configuration.source == Source::Files {
            finding =
                finding.detail("No OpenSSH client was found: the files were read without it.");
        }
        if let Ok(Machine { home: Some(home), home_variable: Some(variable), .. }) = machine {
            finding = finding.detail(text![
                "ssh uses the home directory ",
                path(home),
                ", not $HOME, which is ",
                path(variable),
                "."
            ]);
        }
        for file in &configuration.files {
            if let Some(why) = &file.unreadable {
                finding = finding.detail(text![
                    "ssh passes over ",
                    path(&file.path),
                    ", which cannot be read: ",
                    text::foreign(why),
                    "."
                ]);
            }
        }
        let keys = e.identity_files.iter().map(|f| text!["Key file: ", path(&f.path)]);
        let known = e.user_known_hosts_files.iter().map(|f| text!["Known hosts: ", path(f)]);
        finding
            .detail_all(keys)
            .detail_all(known)
            .fact("host", &e.host)
            .fact("port", e.port)
            .fact("user", &e.user)
            .fact("profile", &profile.name)
    }
}
