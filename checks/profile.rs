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
    /// The separate SFTP access with a password.
    pub sftp: Option<SftpAccess>,
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
        for published in &profile.published_ranges {
            if let Err(words) = address_kind::range(published) {
                let at = toml_text.find(published.as_str()).unwrap_or(0);
                return Err(wrong(at, format!("`{published}` is no address range: {words}")));
            }
        }
        Ok(profile)
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
        assert_eq!(built_in_names(), ["akeneo", "git-forge", "generic"]);
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
