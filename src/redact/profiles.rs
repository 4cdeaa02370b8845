//! Profiles: those inside the program are public, a person's own is not.

use checks::profile::Profile;

use super::{
    names::{Names, Thing},
    public,
};

/// What a person's own profile says about whom they work for.
pub(super) fn learn(profile: &Profile, names: &mut Names) {
    let public = public::profile(&profile.name);
    if public.is_none() {
        names.learn_word(Thing::Profile, &profile.name);
    }
    let is_own = |list: fn(&Profile) -> Vec<&str>, word: &&str| {
        !public.as_ref().is_some_and(|public| list(public).contains(word))
    };
    words(profile).into_iter().filter(|word| is_own(words, word)).for_each(|word| {
        names.learn_word(Thing::Text, word);
    });
    hosts(profile).into_iter().filter(|host| is_own(hosts, host)).for_each(|host| {
        names.learn_host(host);
    });
    profile.user.iter().for_each(|user| names.learn_user(user));
}

/// All words of a profile that may be shown.
fn words(profile: &Profile) -> Vec<&str> {
    let services = || profile.services.iter();
    let portals = profile.portal.iter().chain(services().filter_map(|of| of.portal.as_ref()));
    let portal = portals.flat_map(|portal| {
        let menus = [&portal.key_path, &portal.environment_key_path, &portal.ip_path];
        let states = [&portal.pending, &portal.active];
        let lists = menus.into_iter().chain(states).flatten();
        [&portal.name, &portal.url]
            .into_iter()
            .chain(&portal.who)
            .chain(&portal.duration)
            .chain(lists)
    });
    let notes = [
        &profile.support,
        &profile.support_address,
        &profile.allow_list,
        &profile.key_type_note,
        &profile.no_ssh_note,
        &profile.note,
    ];
    let of_services = services().flat_map(|of| {
        [&of.name, &of.title].into_iter().chain(&of.note).chain(&of.allow_list).chain(&of.greeting)
    });
    let notes = notes.into_iter().flatten().chain(of_services);
    let askers = profile.egress.iter().map(|asker| &asker.whom);
    let all = notes.chain(portal).chain(askers).chain(&profile.docs).chain([&profile.title]);
    all.map(String::as_str).collect()
}

fn hosts(profile: &Profile) -> Vec<&str> {
    let patterns = profile.hosts.iter().map(|host| host.trim_start_matches("*."));
    let domains = profile.domain.iter().chain(profile.misspelt_domains.keys()).map(String::as_str);
    let services = profile.services.iter().map(|service| service.host.as_str());
    let asked = profile.egress.iter().map(|asker| asker.question.as_str());
    let names =
        patterns.chain(services).chain(asked).filter(|host| !host.contains(['*', '?', '[', '\\']));
    names.chain(domains).collect()
}

/// The profile that is left in a report: its name is all that is shown of it.
pub(super) fn rewritten(profile: &Profile, names: &mut Names) -> Profile {
    match public::profile(&profile.name) {
        Some(public) => public,
        None => Profile { name: name(&profile.name, names), ..Profile::default() },
    }
}

/// The name of a profile.
pub(super) fn name(name: &str, names: &mut Names) -> String {
    if public::profile(name).is_some() { name.to_owned() } else { names.name(Thing::Profile, name) }
}
