//! The profiles that the documentation shows are profiles, and choose the hosts that they are for.

#![allow(clippy::unwrap_used, clippy::panic, reason = "this is a test")]

use checks::profile::Profile;

/// The blocks of TOML in a page.
fn blocks(page: &str) -> Vec<String> {
    use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag, TagEnd};
    let mut blocks = Vec::new();
    let mut inside = false;
    for event in Parser::new(page) {
        match event {
            Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(kind))) if &*kind == "toml" => {
                inside = true;
                blocks.push(String::new());
            }
            Event::End(TagEnd::CodeBlock) => inside = false,
            Event::Text(text) if inside => blocks.last_mut().unwrap().push_str(&text),
            _ => {}
        }
    }
    blocks
}

#[test]
fn every_example_is_a_profile() {
    let hosts = [
        ("example", "a.ssh.example.com"),
        ("github", "github.com"),
        ("gitlab", "altssh.gitlab.com"),
        ("upsun", "ssh.eu-5.platform.sh"),
        ("acquia", "shopdev.ssh.prod.acquia-sites.com"),
        ("pantheon", "appserver.dev.1c2d3e4f.drush.in"),
    ];
    let page = include_str!("../docs/profiles.md");
    let read = |block: &String| Profile::parse(block, "docs/profiles.md");
    let profiles: Vec<Profile> = blocks(page).iter().map(|b| read(b).unwrap()).collect();
    for (name, host) in hosts {
        let by_host: Vec<_> = profiles.iter().filter(|p| p.matches(host)).collect();
        let [profile] = by_host.as_slice() else { panic!("{host}: {by_host:?}") };
        assert_eq!(profile.name, name);
        for service in &profile.services {
            assert!(profile.of_service(&service.name).unwrap().matches(&service.host));
        }
    }
    assert_eq!(profiles.len(), hosts.len(), "each example is for a host that is tried here");
    let greets = |name: &str, words: &str| {
        profiles.iter().find(|p| p.name == name).unwrap().is_greeting(words)
    };
    assert!(greets("github", "Hi ada! You've successfully authenticated, but GitHub does not"));
    assert!(greets("gitlab", "Welcome to GitLab, @ada!"));
}
