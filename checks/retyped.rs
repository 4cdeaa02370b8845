//! The command line that was typed, shown again with one change: pure.
//!
//! A next step is to be pasted, so it has the options, the port and the configuration file that
//! the person typed, and the name as they know it.

use crate::{
    case::{Plan, setting},
    profile::built_in,
    text,
    text::{Command, Text, address, foreign, host, number, path, user},
};

/// `ssh` as it was typed, with changes.
#[derive(Debug, Clone)]
pub struct Retyped<'p> {
    plan: &'p Plan,
    /// `ssh`, or ourselves with an option of ours.
    program: Vec<Text>,
    /// Whether it is `sftp` or `scp`, which have fewer options and another one for the port.
    transfers: bool,
    changes: Vec<Text>,
    user: Option<String>,
    port: Option<u16>,
    host: Option<String>,
    /// Typed options that the change replaces, with the words that each takes.
    replaced: Vec<(&'static str, usize)>,
    /// Keys of typed `-o KEY=VALUE` that are left out.
    unset: Vec<String>,
}

/// The letters for AddressFamily.
const FAMILIES: [(&str, usize); 2] = [("-4", 0), ("-6", 0)];

/// Options of `ssh` that `sftp` and `scp` do not have, or use otherwise, with the words that each takes.
const NOT_OF_TRANSFERS: [(&str, usize); 29] = [
    ("-f", 0),
    ("-g", 0),
    ("-K", 0),
    ("-k", 0),
    ("-M", 0),
    ("-N", 0),
    ("-n", 0),
    ("-T", 0),
    ("-t", 0),
    ("-V", 0),
    ("-X", 0),
    ("-x", 0),
    ("-Y", 0),
    ("-y", 0),
    ("-a", 0),
    ("-q", 0),
    ("-B", 1),
    ("-b", 1),
    ("-D", 1),
    ("-e", 1),
    ("-I", 1),
    ("-L", 1),
    ("-m", 1),
    ("-P", 1),
    ("-R", 1),
    ("-S", 1),
    ("-W", 1),
    ("-w", 1),
    ("-Q", 1),
];

impl Plan {
    /// The program that makes the access in question, as it was typed.
    #[must_use]
    pub fn client(&self) -> Retyped<'_> {
        let sftp = self.access.sftp().is_some();
        Retyped {
            program: vec![if sftp { "sftp" } else { "ssh" }.into()],
            transfers: sftp,
            ..self.ssh()
        }
    }

    /// `scp` with the options that were typed for `ssh`, but without forwarding the agent, which scp
    /// between two hosts does not need.
    #[must_use]
    pub fn scp(&self) -> Retyped<'_> {
        Retyped { program: vec!["scp".into()], transfers: true, ..self.ssh() }.without("-A")
    }

    /// `ssh` as it was typed.
    #[must_use]
    pub fn ssh(&self) -> Retyped<'_> {
        Retyped {
            plan: self,
            program: vec!["ssh".into()],
            transfers: false,
            changes: Vec::new(),
            user: self.user.clone(),
            port: self.port,
            host: None,
            replaced: Vec::new(),
            unset: Vec::new(),
        }
    }
}

impl Retyped<'_> {
    /// With a flag such as `-v`.
    #[must_use]
    pub fn flag(mut self, flag: &'static str) -> Self {
        if matches!(flag, "-4" | "-6") {
            self.replaced.extend(FAMILIES);
        }
        if !self.plan.ssh_options.iter().any(|typed| typed == flag) {
            self.changes.push(flag.into());
        }
        self
    }

    /// Without a flag that was typed.
    #[must_use]
    pub fn without(mut self, flag: &'static str) -> Self {
        self.replaced.push((flag, 0));
        self
    }

    /// With `-o KEY=VALUE`. It stands before what was typed, since `ssh` takes the first value.
    #[must_use]
    pub fn set(mut self, option: impl Into<Text>) -> Self {
        let option = option.into();
        // ssh has these as letters too, and a letter counts more than -o (ssh.c, main).
        match option.plain().split('=').next() {
            Some("AddressFamily") => self.replaced.extend(FAMILIES),
            Some("Ciphers") => self.replaced.push(("-c", 1)),
            Some("MACs") => self.replaced.push(("-m", 1)),
            _ => {}
        }
        self.with("-o", option)
    }

    /// Without what was typed as `-o KEY=VALUE`, or as its letter.
    #[must_use]
    pub fn unset(mut self, key: &str) -> Self {
        if key.eq_ignore_ascii_case("ProxyJump") {
            self.replaced.push(("-J", 1));
        }
        self.unset.push(key.to_owned());
        self
    }

    /// With `-i FILE`.
    #[must_use]
    pub fn identity(self, file: &str) -> Self {
        self.with("-i", path(file))
    }

    /// With an option that takes a word.
    #[must_use]
    pub fn with(mut self, option: &'static str, word: impl Into<Text>) -> Self {
        self.changes.extend([option.into(), word.into()]);
        self
    }

    /// With this one key and no other: in place of those that were typed, and without the other
    /// keys of the agent.
    #[must_use]
    pub fn only_identity(mut self, file: &str) -> Self {
        self.replaced.push(("-i", 1));
        self.set("IdentitiesOnly=yes").identity(file)
    }

    /// As a run of ours, perhaps with an option, and with what was typed of our own and matters.
    #[must_use]
    pub fn preflight(mut self, option: Option<&'static str>) -> Self {
        self.program = vec!["ssh-preflight".into()];
        self.program.extend(self.plan.access.sftp().map(|_| "sftp".into()));
        self.transfers = false;
        self.program.extend(option.map(Text::from));
        if self.plan.login && option != Some("--login") {
            self.program.push("--login".into());
        }
        for range in &self.plan.allowed {
            self.program.extend(["--allowed".into(), address(range).into()]);
        }
        let named = self.plan.profile.as_ref().map(|p| p.name.as_str());
        let own = |name: &&str| self.plan.own_profiles.iter().any(|p| p.name == *name);
        let named = named.filter(|name| built_in(name).is_some() || own(name));
        let file = self.plan.profile_file.as_ref().map(|file| path(file).into());
        if let Some(profile) = file.or_else(|| named.map(|name| name.to_owned().into())) {
            self.program.extend(["--profile".into(), profile]);
        }
        self
    }

    /// As a run of ours, with none of our own options.
    #[must_use]
    pub fn examined(mut self) -> Self {
        self.program = vec!["ssh-preflight".into()];
        self
    }

    /// As another user.
    #[must_use]
    pub fn user(mut self, name: &str) -> Self {
        self.user = Some(name.to_owned());
        self
    }

    /// At another port.
    #[must_use]
    pub fn port(mut self, port: u16) -> Self {
        self.port = Some(port);
        self
    }

    /// At another host.
    #[must_use]
    pub fn host(mut self, name: &str) -> Self {
        self.host = Some(name.to_owned());
        self
    }

    /// The program and its options; no port and no host.
    #[must_use]
    pub fn options(self) -> Command {
        let mut words = self.program;
        words.extend(self.changes);
        let (mut is_path, mut skip) = (false, 0);
        let mut typed = self.plan.ssh_options.iter().peekable();
        while let Some(option) = typed.next() {
            let is_unset =
                |word: &&String| self.unset.iter().any(|key| setting(word, key).is_some());
            if skip > 0 {
                skip -= 1;
            } else if option == "-o" && typed.peek().is_some_and(is_unset) {
                skip = 1;
            } else if let Some((_, takes)) = self.replaced.iter().find(|(o, _)| o == option) {
                skip = *takes;
            } else if self.transfers
                && let Some((_, takes)) = NOT_OF_TRANSFERS.iter().find(|(o, _)| o == option)
            {
                skip = *takes;
            } else {
                words.push(if is_path { path(option).into() } else { foreign(option).into() });
                is_path = matches!(option.as_str(), "-F" | "-i");
            }
        }
        Command(words)
    }

    /// The command.
    #[must_use]
    pub fn command(mut self) -> Command {
        let (port, name) = (self.port, self.user.take());
        let to = host(self.host.as_ref().unwrap_or(&self.plan.host));
        let option = if self.transfers { "-P" } else { "-p" };
        let Command(mut words) = self.options();
        if let Some(port) = port {
            words.extend([option.into(), number(port).into()]);
        }
        words.push(match name {
            Some(name) => text![user(name), "@", to],
            None => to.into(),
        });
        Command(words)
    }
}

#[cfg(test)]
mod tests {
    use crate::evidence::made;

    #[test]
    fn what_was_typed_stays() {
        let mut plan = made::plan();
        plan.host = "h".into();
        plan.user = Some("u".into());
        plan.port = Some(2222);
        plan.ssh_options = ["-F", "my config", "-6", "-A"].map(str::to_owned).to_vec();
        let said = |retyped: super::Retyped<'_>| retyped.command().plain();
        assert_eq!(said(plan.ssh()), "ssh -F 'my config' -6 -A -p 2222 u@h");
        assert_eq!(said(plan.ssh().flag("-4").port(22)), "ssh -4 -F 'my config' -A -p 22 u@h");
        assert_eq!(
            said(plan.ssh().set("IdentitiesOnly=yes").identity("id").user("x").host("y")),
            "ssh -o IdentitiesOnly=yes -i id -F 'my config' -6 -A -p 2222 x@y"
        );
        assert!(!said(plan.ssh().set("AddressFamily=any")).contains("-6"));
        plan.allowed = vec![crate::address_kind::range("192.0.2.0/24").unwrap()];
        plan.profile = crate::profile::built_in("akeneo").cloned();
        assert_eq!(
            said(plan.ssh().preflight(Some("--egress")).host("y")),
            "ssh-preflight --egress --allowed 192.0.2.0/24 --profile akeneo -F 'my config' -6 -A \
             -p 2222 u@y"
        );
        // The profile of a file is not known by its name.
        plan.profile = Some(crate::profile::Profile { name: "mine".into(), ..Default::default() });
        assert!(!said(plan.ssh().preflight(None)).contains("--profile"));
        plan.profile_file = Some("./my file.toml".into());
        assert!(said(plan.ssh().preflight(None)).contains("--profile './my file.toml'"));
        plan.profile_file = None;
        plan.ssh_options = ["-i", "a", "-A", "-i", "b"].map(str::to_owned).to_vec();
        let one = "ssh -o IdentitiesOnly=yes -i c -A -p 2222 u@h";
        assert_eq!(said(plan.ssh().only_identity("c")), one);
        plan.ssh_options =
            ["-J", "j", "-o", "proxyjump j", "-o", "A=b"].map(str::to_owned).to_vec();
        assert_eq!(said(plan.ssh().unset("ProxyJump")), "ssh -o A=b -p 2222 u@h");
        plan.access = crate::access::Access::Sftp(Default::default());
        plan.ssh_options = ["-F", "c", "-X", "-L", "1:h:2", "-4"].map(str::to_owned).to_vec();
        assert_eq!(said(plan.client().flag("-v")), "sftp -v -F c -4 -P 2222 u@h");
        plan.profile = None;
        let again =
            "ssh-preflight sftp --through --allowed 192.0.2.0/24 -F c -X -L 1:h:2 -4 -p 2222 u@h";
        assert_eq!(said(plan.client().preflight(Some("--through"))), again);
        plan.access = crate::access::Access::Shell;
        plan.ssh_options = ["-c", "x", "-m", "y"].map(str::to_owned).to_vec();
        assert_eq!(said(plan.ssh().set("Ciphers=+z")), "ssh -o Ciphers=+z -m y -p 2222 u@h");
    }
}
