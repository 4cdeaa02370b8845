//! Configuration: one clear target, and the user that the profile expects.

use crate::{
    case::Plan,
    check::{About, Check},
    command,
    evidence::{
        Evidence, Seen,
        configuration::{Configuration, Effective, Source, Unexpandable},
        machine::Machine,
    },
    finding::{Finding, Hint, Status},
    relay,
    target::odd::{self, Oddity},
    text,
    text::{Text, host, number, path, user},
};

mod settings;

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
        if let Source::Log { version, names_port } = &configuration.source {
            return of_log(e, version, *names_port).fact("profile", &profile.name);
        }
        let program = if plan.access.sftp().is_some() { "sftp" } else { "ssh" };
        let would = || text![program, " would log in as "];
        let goal = text![user(&e.user), " at ", host(&e.host), ", port ", number(e.port)];
        let mut finding = match profile.user_instead(&plan.access, e) {
            Some(wanted) => Finding::warn(would().then(text![
                user(&e.user),
                ", but ",
                logins(plan),
                user(wanted),
                "."
            ]))
            .hint(Hint::run("Name the user:", plan.client().user(wanted).command())),
            None => Finding::pass(would().then(goal.clone()).with(".")),
        };
        if let Some(no) = &e.unexpandable {
            finding = Finding::fail(unexpandable(no))
                .detail_all(no.lines.iter().map(|line| text!["ssh says: ", line]));
        }
        for odd in warnings(plan, e, configuration, machine.as_ref().ok()) {
            finding = match finding.status {
                Status::Pass => {
                    Finding::warn(odd.words).detail(would().then(goal.clone()).with("."))
                }
                _ => finding.detail(odd.words),
            };
            finding = finding.hint(odd.hint);
        }
        let expanded = odd::expanded(&plan.host).map(|full| full.to_string());
        if e.host != plan.host && expanded.as_ref() != Some(&e.host) {
            finding = finding.detail(text![
                "You typed ",
                host(&plan.host),
                "; the configuration makes it ",
                host(&e.host),
                "."
            ]);
        }
        finding = finding.detail_all(profile.note.iter().map(|note| text![note.clone()]));
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
        let keys = e.identity_files.iter().map(|f| text!["Key file: ", path(&f.path)]);
        let known = e.user_known_hosts_files.iter().map(|f| text!["Known hosts: ", path(f)]);
        // Beside a warning they would hide it.
        if finding.status == Status::Pass {
            finding = finding.detail_all(keys).detail_all(known);
        }
        finding
            .fact("identity_files", &e.identity_files)
            .fact("known_hosts_files", &e.user_known_hosts_files)
            .fact("host", &e.host)
            .fact("port", e.port)
            .fact("user", &e.user)
            .fact("profile", &profile.name)
            .fact("ssh_version", version(configuration))
            .fact("settings", settings::of(e))
            .fact("may_ask", plan.may_ask(e))
    }
}

/// The option that names such a file.
#[must_use]
pub fn option_of(no: &Unexpandable) -> &'static str {
    if no.certificate { "CertificateFile" } else { "IdentityFile" }
}

/// What is wrong with a name that `ssh` cannot fill in.
#[must_use]
pub fn unexpandable(no: &Unexpandable) -> Text {
    let start = text![option_of(no), " is ", path(&no.path), ", which ssh cannot fill in: "];
    start.then(match &no.variable {
        Some(name) => text!["the variable ", text::foreign(name), " is not set."],
        None => text!["it knows no such token."],
    })
}

/// What `ssh -V` prints, where there is one.
fn version(configuration: &Configuration) -> Option<&text::Foreign> {
    match &configuration.source {
        Source::Ssh { version } | Source::Log { version, .. } => Some(version),
        Source::Files => None,
    }
}

/// Who may log in here, as a profile says.
fn logins(plan: &Plan) -> &'static str {
    if plan.access.sftp().is_some() {
        "the SFTP access here has a user of its own, unless another one was agreed on: "
    } else {
        "logins here need the user "
    }
}

/// What a log tells of it.
fn of_log(e: &Effective, version: &text::Foreign, names_port: bool) -> Finding {
    let place = match names_port {
        true => text![host(&e.host), ", port ", number(e.port), "."],
        false => text![host(&e.host), "."],
    };
    let finding = Finding::pass(if e.user.is_empty() {
        text!["The log is about a connection to "].then(place)
    } else {
        text!["The log is about a login as ", user(&e.user), " at "].then(place)
    });
    let finding = match version.is_empty() {
        true => finding,
        false => finding.detail(text!["It was printed by ", version, "."]),
    };
    let finding = match &e.proxy_command {
        Some(_) => finding.detail("The connection goes through a jump host or a proxy command."),
        None => finding,
    };
    let port = names_port.then_some(e.port);
    finding.fact("host", &e.host).fact("port", port).fact("user", &e.user)
}

/// What works as it stands, and will surprise somebody.
fn warnings(
    plan: &Plan,
    effective: &Effective,
    configuration: &Configuration,
    machine: Option<&Machine>,
) -> Vec<Oddity> {
    let mut found = odd::all(plan, effective);
    found.extend(machine.and_then(other_user));
    found.extend(machine.and_then(other_home));
    for file in &configuration.files {
        if let Some(why) = &file.unreadable {
            let words = text![
                "ssh passes over ",
                path(&file.path),
                ", which it cannot read (",
                text::foreign(why),
                "): nothing that stands there counts."
            ];
            let hint = Hint::run(
                "See whose it is. If it is yours, make it so again with chown and chmod 600:",
                command!["ls", "-l", path(&file.path)],
            );
            found.push(Oddity { words, hint });
        }
    }
    found
}

/// Root by sudo has keys, an agent and a configuration of its own.
fn other_user(machine: &Machine) -> Option<Oddity> {
    let name = machine.sudo_user.as_ref()?;
    Some(Oddity {
        words: text![
            "This runs under sudo: ssh uses the keys and the configuration of root, not those of ",
            user(name),
            ", and no agent."
        ],
        hint: Hint::advice("Run it without sudo, as you would run ssh."),
    })
}

/// OpenSSH asks the user database for the home, and not the environment.
fn other_home(machine: &Machine) -> Option<Oddity> {
    let (home, variable) = (machine.home.as_ref()?, machine.home_variable.as_ref()?);
    let words = text![
        "ssh uses the home directory ",
        path(home),
        ", not $HOME, which is ",
        path(variable),
        ": the keys and the configuration there do not count."
    ];
    let hint = Hint::advice(text![
        "Put them into ",
        path(format!("{home}/.ssh")),
        ", or name them with -F and -i.",
    ]);
    machine.home_variable_has_ssh.then_some(Oddity { words, hint })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{configuration::ConfigFile, made};

    fn judged(effective: Effective, files: Vec<ConfigFile>, machine: Machine) -> Finding {
        let source = Source::Ssh { version: text::Foreign::default() };
        let configuration = Ok(Configuration { source, effective: Ok(effective), files });
        Config::judge(&made::plan(), (&configuration, &Ok(machine)))
    }

    #[test]
    fn what_will_surprise_somebody_is_a_warning() {
        let home = || Machine {
            home: Some("/root".into()),
            home_variable: Some("/home/ada".into()),
            home_variable_has_ssh: true,
            ..Machine::default()
        };
        let file = ConfigFile {
            path: "/root/.ssh/config".into(),
            owner: None,
            mode: None,
            unreadable: Some("Permission denied".into()),
        };
        let sudo = Machine { sudo_user: Some("ada".into()), ..Machine::default() };
        let plain = || made::effective(22);
        let odd = Effective { user: "ada@corp".into(), ..plain() };
        for (finding, said) in [
            (judged(plain(), vec![], Machine::default()), None),
            (judged(plain(), vec![], Machine { home_variable_has_ssh: false, ..home() }), None),
            (judged(plain(), vec![], home()), Some("not $HOME")),
            (judged(plain(), vec![file], Machine::default()), Some("passes over")),
            (judged(plain(), vec![], sudo), Some("not those of ada")),
            (judged(odd, vec![], Machine::default()), Some("of several @")),
        ] {
            let summary = finding.summary.plain();
            match said {
                None => assert_eq!(finding.status, Status::Pass, "{summary}"),
                Some(said) => {
                    assert_eq!(finding.status, Status::Warn, "{summary}");
                    assert!(summary.contains(said), "{summary}");
                    assert_eq!(finding.hints.len(), 1);
                    assert!(finding.details[0].plain().contains("ssh would log in as"));
                }
            }
        }
    }
}
