//! From which address a connection comes: behind the NAT of the first router.

use std::sync::atomic::{AtomicBool, Ordering};

use super::{
    Net,
    name_server::Say,
    scenes::{compare, scenes},
};
use crate::{
    oracle::Expect::{NotReady, Ready},
    situations::args,
};

/// The client's address, as everybody behind the first router sees it.
const PUBLIC: &str = "203.0.113.7";

/// An address of the server that is no private one.
const HOST: &str = "198.51.100.9";

fn with_public_address(net: &mut Net) {
    net.at("server", &format!("ip addr add {HOST}/32 dev lo"));
    net.at("near", &format!("ip route add {HOST}/32 via 10.90.2.2"));
    net.at("far", &format!("ip route add {HOST}/32 via 10.90.3.2"));
}

/// A NAT at the first router, and a name server behind it that tells who asks; a profile names it.
fn behind_nat(net: &mut Net) -> String {
    with_public_address(net);
    net.at("near", &format!("ip addr add {PUBLIC}/32 dev lo"));
    net.at("far", &format!("ip route add {PUBLIC}/32 via 10.90.2.1"));
    net.nat("near", &format!("ip saddr 10.90.1.0/24 snat ip to {PUBLIC}"));
    net.own_name_server("server", "10.90.3.2", |_| Say::WhoAsks);
    profile(net, "10.90.3.2:53")
}

fn profile(net: &Net, server: &str) -> String {
    let text = format!(
        "name = \"lab\"\n[[egress]]\nwhom = \"The lab\"\nserver = \"{server}\"\nquestion = \"me.test\"\n"
    );
    net.world.write("lab.toml", text, 0o644);
    net.world.home().join("lab.toml").display().to_string()
}

/// The check of that name.
fn check<'r>(report: &'r serde_json::Value, id: &str) -> &'r serde_json::Value {
    report["checks"].as_array().unwrap().iter().find(|c| c["id"] == id).unwrap()
}

/// Options of ours, which `ssh` does not get.
fn told(net: &Net, ours: &[&str], ssh: &[String]) -> serde_json::Value {
    let ours = ours.iter().map(|word| (*word).to_owned());
    net.preflight(&ours.chain(ssh.iter().cloned()).collect::<Vec<_>>()).0
}

fn me(net: &Net) -> Vec<String> {
    args!["-o", "ConnectTimeout=3", format!("{}@{HOST}", net.person.name)]
}

scenes! {
    how_to_find_the_address_is_said: NotReady("filtered"), ["ssh-preflight --egress"], |net| {
        net.sshd(&[22]);
        with_public_address(net);
        net.rule("near", "forward", "tcp dport 22 drop");
        me(net)
    }
}

#[test]
fn the_public_address_is_told_by_whom_the_profile_names() {
    crate::in_a_network("the_public_address_is_told_by_whom_the_profile_names", |net| {
        net.sshd(&[22]);
        let profile = behind_nat(net);
        let report = told(net, &["--egress", "--profile", &profile], &me(net));
        let check = check(&report, "egress");
        assert_eq!((&report["verdict"], &check["status"]), (&"ready".into(), &"pass".into()));
        let said = check.to_string();
        for word in ["10.90.1.2, a private address", "The lab sees 203.0.113.7", "10.90.3.2:53"] {
            assert!(said.contains(word), "{word}: {report:#}");
        }
    });
}

#[test]
fn the_ranges_prove_it_or_rule_it_out() {
    crate::in_a_network("the_ranges_prove_it_or_rule_it_out", |net| {
        net.sshd(&[22]);
        let profile = behind_nat(net);
        net.rule("far", "forward", "tcp dport 22 drop");
        let told = |allowed: &str| {
            let ours = ["--egress", "--profile", &profile, "--allowed", allowed];
            let report = told(net, &ours, &me(net));
            (report["diagnosis"].clone(), check(&report, "egress")["status"].clone())
        };
        let (diagnosis, status) = told("192.0.2.0/24,198.51.100.4");
        assert_eq!((&diagnosis["id"], status), (&"ip-not-allowed".into(), "warn".into()));
        let said = diagnosis.to_string();
        assert!(said.contains("Please allow 203.0.113.7/32"), "{diagnosis:#}");
        assert!(said.contains("in none of the ranges"), "{diagnosis:#}");
        let (diagnosis, status) = told("203.0.113.0/24");
        assert_eq!((&diagnosis["id"], status), (&"filtered".into(), "pass".into()));
        assert!(diagnosis.to_string().contains("is not the reason"), "{diagnosis:#}");
        assert!(!diagnosis["also_possible"].to_string().contains("ip-not-allowed"));
    });
}

/// Nobody outside is asked unless the person says so; and a private address is no fault.
#[test]
fn nobody_is_asked_without_the_option() {
    static ASKED: AtomicBool = AtomicBool::new(false);
    crate::in_a_network("nobody_is_asked_without_the_option", |net| {
        with_public_address(net);
        net.sshd(&[22]);
        net.own_name_server("server", "10.90.3.2", |_| {
            ASKED.store(true, Ordering::SeqCst);
            Say::WhoAsks
        });
        let profile = profile(net, "10.90.3.2:53");
        let report = told(net, &["--profile", &profile], &me(net));
        let status = &check(&report, "egress")["status"];
        assert_eq!((&report["verdict"], status), (&"ready".into(), &"pass".into()));
        assert!(!ASKED.load(Ordering::SeqCst));
        told(net, &["--egress", "--profile", &profile], &me(net));
        assert!(ASKED.load(Ordering::SeqCst));
    });
}

/// A name server that cannot be asked takes nothing away from the rest.
#[test]
fn nobody_tells_the_address() {
    crate::in_a_network("nobody_tells_the_address", |net| {
        with_public_address(net);
        net.sshd(&[22]);
        let profile = profile(net, "10.90.3.2:53");
        let report = told(net, &["--egress", "--profile", &profile], &me(net));
        let check = check(&report, "egress");
        assert_eq!((&report["verdict"], &check["status"]), (&"ready".into(), &"pass".into()));
        assert!(check.to_string().contains("cannot be asked: Connection refused"), "{report:#}");
        compare("nobody_tells_the_address", net, &me(net), Ready, &[]);
    });
}
