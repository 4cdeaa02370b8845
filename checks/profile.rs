//! Providers as data.

use std::{collections::BTreeMap, net::SocketAddr, sync::LazyLock};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::{access::Access, address_kind, evidence::configuration::Effective};

/// Facts about one provider's environments. One TOML file each; no code.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Name, as in `--profile akeneo`.
    pub name: String,
    /// Provider as people call it.
    pub title: String,
    /// Host patterns (`*`, `?`) that choose this profile.
    pub hosts: Vec<String>,
    /// The user that every login needs.
    pub user: Option<String>,
    /// The port that SSH listens on, where the provider says so.
    pub port: Option<u16>,
    /// Domain in which the environments are.
    pub domain: Option<String>,
    /// Ports that answer on a host that is up, to tell a closed SSH port from a host that is down.
    pub control_ports: Vec<u16>,
    /// Whom to ask.
    pub support: Option<String>,
    /// Address of the support.
    pub support_address: Option<String>,
    /// What is known about the provider's IP allow-list, a sentence.
    pub allow_list: Option<String>,
    /// What may be wrong with a key that is not RSA: a possibility, not a fact.
    pub key_type_note: Option<String>,
    /// Which hosts of this provider have no SSH.
    pub no_ssh_note: Option<String>,
    /// Pages of the provider.
    pub docs: Vec<String>,
    /// Host keys, as lines of a known_hosts file.
    pub known_host_keys: Vec<String>,
    /// Address ranges in which the provider says that its hosts are.
    pub published_ranges: Vec<String>,
    /// Name servers that tell from which address they are asked. None: those of `generic`.
    pub egress: Vec<Asker>,
    /// Wrong domains that people type, with the right one.
    pub misspelt_domains: BTreeMap<String, String>,
    /// Where keys and addresses are registered.
    pub portal: Option<Portal>,
    /// What a server says, in place of giving a shell, to those whom it lets in: a pattern of the
    /// crate `regex`. Without one there is a shell.
    pub greeting: Option<String>,
    /// What there is to know about it, a sentence.
    pub note: Option<String>,
    /// Further SSH services of the provider, as in `--service NAME`.
    pub services: Vec<Service>,
    /// The separate SFTP access with a password.
    pub sftp: Option<SftpAccess>,
}

/// An SSH service beside the environments, such as a repository of code. It is examined by a
/// profile of its own, which [`Profile::of_service`] makes of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Name, as in `--service repository`.
    pub name: String,
    /// As people call it.
    pub title: String,
    /// Its host.
    pub host: String,
    /// The user that every login needs.
    pub user: Option<String>,
    /// Its port; 22 where there is none.
    pub port: Option<u16>,
    /// What it says in place of giving a shell.
    pub greeting: Option<String>,
    /// What there is to know about it, a sentence.
    pub note: Option<String>,
    /// What is known about its IP allow-list, a sentence.
    pub allow_list: Option<String>,
    /// Host keys, as lines of a known_hosts file.
    pub known_host_keys: Vec<String>,
    /// Where its keys are registered, which may be another list than that of the environments.
    pub portal: Option<Portal>,
}

/// The provider's separate SFTP access.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SftpAccess {
    /// The user, unless another one was agreed on.
    pub user: Option<String>,
    /// Its folders as the shell user sees them, the most probable first; `{user}` stands for the
    /// SFTP user.
    pub folders: Vec<String>,
}

impl SftpAccess {
    /// The folders of this user.
    pub fn folders_of(&self, user: &str) -> impl Iterator<Item = String> {
        self.folders.iter().map(move |folder| folder.replace("{user}", user))
    }
}

/// The provider's web page on which keys and addresses are registered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Portal {
    /// Name.
    pub name: String,
    /// Address.
    pub url: String,
    /// Menus to a person's keys.
    pub key_path: Vec<String>,
    /// Menus to the keys of an environment.
    pub environment_key_path: Vec<String>,
    /// Menus to the IP allow-list of an environment.
    pub ip_path: Vec<String>,
    /// What the portal shows before something is active.
    pub pending: Vec<String>,
    /// What the portal shows when it is active.
    pub active: Vec<String>,
    /// How the portal shows a fingerprint.
    pub fingerprint_form: FingerprintForm,
    /// Who may add them.
    pub who: Option<String>,
    /// How long it takes.
    pub duration: Option<String>,
}

/// A name server that answers with the address from which it is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asker {
    /// Whose it is.
    pub whom: String,
    /// Address and port.
    pub server: SocketAddr,
    /// The name to ask for.
    pub question: String,
    /// How it answers.
    #[serde(default)]
    pub kind: AskerKind,
}

/// How such a name server answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AskerKind {
    /// With an A or AAAA record.
    #[default]
    Address,
    /// With the address as words, in a TXT record.
    Text,
}

/// How a portal shows fingerprints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FingerprintForm {
    /// `SHA256:` and base64, as `ssh-keygen -l` prints it.
    #[default]
    Sha256,
    /// Colon-separated hexadecimal MD5 without prefix.
    Md5,
}

/// A profile file is not usable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{line}: {reason}")]
pub struct ProfileError {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl Profile {
    /// Reads a profile.
    ///
    /// # Errors
    /// With the line and the reason, where it is no profile.
    pub fn parse(toml_text: &str, file_name: &str) -> Result<Self, ProfileError> {
        let wrong = |at: usize, reason: String| ProfileError {
            file: file_name.to_owned(),
            line: toml_text.bytes().take(at).filter(|b| *b == b'\n').count() + 1,
            reason,
        };
        let profile: Self = toml::from_str(toml_text)
            .map_err(|e| wrong(e.span().map_or(0, |s| s.start), e.message().to_owned()))?;
        if profile.name.trim().is_empty() {
            return Err(wrong(0, "`name` is missing: every profile needs one".to_owned()));
        }
        for pattern in &profile.hosts {
            if let Err(e) = globset::Glob::new(pattern) {
                let at = toml_text.find(pattern.as_str()).unwrap_or(0);
                return Err(wrong(at, format!("`{pattern}` is not a host pattern: {}", e.kind())));
            }
        }
        let patterns = profile.services.iter().map(|service| &service.greeting);
        for pattern in patterns.chain([&profile.greeting]).flatten() {
            if let Err(e) = regex::Regex::new(pattern) {
                let at = toml_text.find(pattern.as_str()).unwrap_or(0);
                let why = e.to_string();
                let why = why.lines().last().unwrap_or("it does not parse").to_owned();
                return Err(wrong(at, format!("`{pattern}` is not a pattern: {why}")));
            }
        }
        for (place, service) in profile.services.iter().enumerate() {
            let nth = toml_text.match_indices("[[services]]").nth(place);
            let at = nth.map_or(0, |(at, _)| at);
            for (field, value) in [("name", &service.name), ("host", &service.host)] {
                if value.trim().is_empty() {
                    return Err(wrong(
                        at,
                        format!("`{field}` is missing: every service needs one"),
                    ));
                }
            }
            if profile.services.iter().take(place).any(|other| other.name == service.name) {
                return Err(wrong(at, format!("there are two services `{}`", service.name)));
            }
        }
        for published in &profile.published_ranges {
            if let Err(words) = address_kind::range(published) {
                let at = toml_text.find(published.as_str()).unwrap_or(0);
                return Err(wrong(at, format!("`{published}` is no address range: {words}")));
            }
        }
        Ok(profile)
    }

    /// The profile by which a service of this provider is examined: the provider's support and
    /// notes, and the host, user, port and portal of the service.
    #[must_use]
    pub fn of_service(&self, name: &str) -> Option<Self> {
        let service = self.services.iter().find(|service| service.name == name)?;
        Some(Self {
            name: format!("{}-{}", self.name, service.name),
            title: service.title.clone(),
            hosts: vec![globset::escape(&service.host)],
            user: service.user.clone(),
            port: service.port,
            control_ports: Vec::new(),
            support: self.support.clone(),
            support_address: self.support_address.clone(),
            allow_list: service.allow_list.clone(),
            key_type_note: self.key_type_note.clone(),
            docs: self.docs.clone(),
            known_host_keys: service.known_host_keys.clone(),
            egress: self.egress.clone(),
            portal: service.portal.clone(),
            greeting: service.greeting.clone(),
            note: service.note.clone(),
            ..Self::default()
        })
    }

    /// This profile and those of its services.
    #[must_use]
    pub fn with_services(self) -> Vec<Self> {
        let services: Vec<_> =
            self.services.iter().filter_map(|service| self.of_service(&service.name)).collect();
        std::iter::once(self).chain(services).collect()
    }

    /// Whether these words are what the server says to those whom it lets in.
    #[must_use]
    pub fn is_greeting(&self, words: &str) -> bool {
        let pattern = self.greeting.as_deref().and_then(|pattern| regex::Regex::new(pattern).ok());
        pattern.is_some_and(|pattern| pattern.is_match(words))
    }

    /// The ranges in which the provider says that its hosts are.
    #[must_use]
    pub fn ranges(&self) -> Vec<IpNet> {
        self.published_ranges.iter().filter_map(|r| address_kind::range(r).ok()).collect()
    }

    /// Who tells the public address of this network.
    #[must_use]
    pub fn askers(&self) -> &[Asker] {
        if self.egress.is_empty() { &GENERIC.egress } else { &self.egress }
    }

    /// The user that this access needs here, where it is not the one that is sent. An SFTP access may
    /// have any user but the one of the login by key, and but one that nobody chose.
    #[must_use]
    pub fn user_instead(&self, access: &Access, effective: &Effective) -> Option<&str> {
        let sent = &effective.user;
        if access.sftp().is_none() {
            return self.user.as_deref().filter(|wanted| wanted != sent);
        }
        let wanted = self.sftp.as_ref()?.user.as_deref()?;
        let doubtful = self.user.as_ref() == Some(sent) || effective.user_is_local_default;
        (doubtful && wanted != sent).then_some(wanted)
    }

    /// Whether this is the user of one of the accesses.
    #[must_use]
    pub fn has_user(&self, name: &str) -> bool {
        let sftp = self.sftp.as_ref().and_then(|sftp| sftp.user.as_deref());
        self.user.as_deref() == Some(name) || sftp == Some(name)
    }

    /// Whether a host belongs to this profile.
    #[must_use]
    pub fn matches(&self, host: &str) -> bool {
        let host = normal(host);
        self.hosts.iter().any(|pattern| {
            globset::GlobBuilder::new(pattern)
                .case_insensitive(true)
                .build()
                .is_ok_and(|glob| glob.compile_matcher().is_match(&host))
        })
    }

    /// The first label of a host's name; `None` for an address or a name without a dot.
    #[must_use]
    pub fn short_name(&self, host: &str) -> Option<String> {
        let host = normal(host);
        if host.parse::<std::net::IpAddr>().is_ok() {
            return None;
        }
        let (first, rest) = host.split_once('.')?;
        (!first.is_empty() && !rest.is_empty()).then(|| first.to_owned())
    }
}

/// Menus, one after the other, as people follow them.
#[must_use]
pub fn menu(path: &[String]) -> String {
    path.join(" → ")
}

/// Names are compared without case and without the dot of the root.
pub(crate) fn normal(host: &str) -> String {
    host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase()
}

/// The last is for whatever no other matches.
static BUILT_IN: LazyLock<Vec<Profile>> = LazyLock::new(|| {
    [
        ("akeneo.toml", include_str!("profiles/akeneo.toml")),
        ("git-forge.toml", include_str!("profiles/git-forge.toml")),
        ("generic.toml", include_str!("profiles/generic.toml")),
    ]
    .into_iter()
    // A test holds that each of them parses.
    .filter_map(|(file, text)| Profile::parse(text, file).ok())
    .flat_map(Profile::with_services)
    .collect()
});
static GENERIC: LazyLock<Profile> =
    LazyLock::new(|| built_in("generic").cloned().unwrap_or_default());

/// The built-in profile of this name.
#[must_use]
pub fn built_in(name: &str) -> Option<&'static Profile> {
    BUILT_IN.iter().find(|p| p.name == name)
}

/// The built-in profiles.
#[must_use]
pub fn all_built_in() -> &'static [Profile] {
    &BUILT_IN
}

/// The names of the built-in profiles.
#[must_use]
pub fn built_in_names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|p| p.name.as_str()).collect()
}

/// The built-in profile for a host: the one whose patterns match, else `generic`.
#[must_use]
pub fn built_in_for(host: &str) -> &'static Profile {
    BUILT_IN.iter().find(|p| p.matches(host)).unwrap_or(&GENERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_ones_parse() {
        assert_eq!(built_in_names(), ["akeneo", "akeneo-repository", "git-forge", "generic"]);
        assert_eq!(built_in_for("Distribution.akeneo.com").port, Some(443));
        for host in ["a-staging.cloud.akeneo.com", "A.Cloud.Akeneo.com.", "a.akeneo.cloud.com"] {
            assert_eq!(built_in_for(host).name, "akeneo", "{host}");
        }
        assert_eq!(built_in_for("github.com").user.as_deref(), Some("git"));
        for host in ["cloud.akeneo.com.evil.org", "github.com.evil.org", "a", ""] {
            assert_eq!(built_in_for(host).name, "generic", "{host}");
        }
    }

    #[test]
    fn a_wrong_profile_is_told_with_its_line() {
        let e = Profile::parse("name = \"a\"\nusr = 1\n", "a.toml").unwrap_err();
        assert_eq!((e.file.as_str(), e.line), ("a.toml", 2));
        assert!(e.to_string().contains("usr"), "{e}");
        assert_eq!(Profile::parse("name=\"a\"\nhosts=[\"[\"]", "f").unwrap_err().line, 2);
        assert!(Profile::parse("", "f").is_err());
    }

    #[test]
    fn a_range_that_is_none_is_told_with_its_line() {
        let wrong = Profile::parse("name = \"a\"\npublished_ranges = [\"10.0.0.0/99\"]", "f");
        assert_eq!(wrong.unwrap_err().line, 2);
        let right = Profile::parse("name = \"a\"\npublished_ranges = [\"10.0.0.0/9\"]", "f");
        assert_eq!(right.unwrap().ranges().len(), 1);
    }

    #[test]
    fn somebody_tells_the_public_address_in_each_family() {
        for profile in all_built_in() {
            for ipv4 in [true, false] {
                let of_family = |a: &&Asker| a.server.is_ipv4() == ipv4;
                assert_eq!(profile.askers().iter().filter(of_family).count(), 2);
            }
        }
    }

    #[test]
    fn a_service_is_a_profile_of_its_own() {
        let akeneo = built_in("akeneo").unwrap();
        let repository = akeneo.of_service("repository").unwrap();
        assert_eq!(Some(&repository), built_in("akeneo-repository"));
        assert_eq!((repository.user.as_deref(), repository.port), (Some("git"), Some(443)));
        assert_ne!(
            repository.portal.as_ref().map(|p| &p.environment_key_path),
            akeneo.portal.as_ref().map(|p| &p.environment_key_path)
        );
        assert_eq!(akeneo.of_service("nothing"), None);
    }

    #[test]
    fn greetings() {
        let greets = |profile: &str, words: &str| built_in(profile).unwrap().is_greeting(words);
        let gitolite = "hello alex, this is git@distribution running gitolite3 v3.6 on git 2.1\n";
        assert!(greets("akeneo-repository", gitolite));
        assert!(greets("akeneo-repository", &format!("a notice\n{gitolite}")));
        assert!(!greets("akeneo-repository", "I said hello, but not gitolite"));
        let github = "Hi alex! You've successfully authenticated, but GitHub does not provide shell access.\n";
        assert!(greets("git-forge", github));
        assert!(greets("git-forge", "Welcome to GitLab, @alex!\n"));
        assert!(!greets("git-forge", "Permission denied\n") && !greets("akeneo", gitolite));
    }

    #[test]
    fn a_wrong_service_is_told_with_its_line() {
        for (text, line, word) in [
            ("name = \"a\"\n[[services]]\nname = \"s\"\n", 2, "`host`"),
            ("name = \"a\"\n[[services]]\nhost = \"s\"\n", 2, "`name`"),
            ("name = \"a\"\n[[services]]\nname = \"s\"\nhots = \"h\"\n", 4, "hots"),
            ("name = \"a\"\ngreeting = \"(\"\n", 2, "not a pattern"),
            (
                "name=\"a\"\n[[services]]\nname=\"s\"\nhost=\"h\"\n[[services]]\nname=\"s\"\nhost=\"i\"\n",
                5,
                "two services",
            ),
        ] {
            let wrong = Profile::parse(text, "f").unwrap_err();
            assert_eq!(wrong.line, line, "{wrong}");
            assert!(wrong.to_string().contains(word), "{wrong}");
        }
    }

    #[test]
    fn each_access_has_its_user() {
        use crate::evidence::made;
        let akeneo = built_in("akeneo").unwrap();
        let sftp = Access::Sftp(crate::access::SftpWish::default());
        for (access, sent, local, expected) in [
            (&Access::Shell, "akeneo", false, None),
            (&Access::Shell, "akeneosftp", false, Some("akeneo")),
            (&sftp, "akeneosftp", false, None),
            (&sftp, "akeneo", false, Some("akeneosftp")),
            (&sftp, "supplier", false, None),
            (&sftp, "ada", true, Some("akeneosftp")),
        ] {
            let mut effective = made::effective(22);
            effective.user = sent.into();
            effective.user_is_local_default = local;
            assert_eq!(akeneo.user_instead(access, &effective), expected, "{sent}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_changed_profile_panics(at in 0usize..6000, cut in 0usize..40, new in "\\PC{0,20}") {
            let text = include_str!("profiles/akeneo.toml");
            let starts: Vec<_> = text.char_indices().map(|(place, _)| place).collect();
            let at = starts[at % starts.len()];
            let end = starts.iter().copied().find(|n| *n >= at + cut).unwrap_or(text.len());
            let changed = format!("{}{new}{}", &text[..at], &text[end..]);
            match Profile::parse(&changed, "f") {
                Ok(profile) => {
                    let used = crate::near_names::Used::default();
                    _ = crate::near_names::candidates(&profile, &new, &used);
                }
                Err(wrong) => assert!((1..=changed.lines().count() + 1).contains(&wrong.line)),
            }
        }

        #[test]
        fn no_input_panics(text in ".*", host in ".*") {
            let _ = Profile::parse(&text, "f");
            let _ = built_in_for(&host).short_name(&host);
        }
    }
}
