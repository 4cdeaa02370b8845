//! What goes wrong with names, and with the addresses that they lead to: beside `ssh`, as everywhere.

use hickory_proto::{op::ResponseCode, rr::RecordType};

use super::{
    name_server::{Question, Say},
    scenes::scenes,
};
use crate::{
    oracle::Expect::{NotReady, Ready},
    situations::args,
};

/// Where the name server is: the far router.
const SERVER: &str = "10.90.2.2";

fn found(question: &Question) -> Say {
    match question.kind {
        RecordType::A => Say::Addresses(vec!["10.90.3.2"]),
        _ => Say::Addresses(Vec::new()),
    }
}

scenes! {
    // The way to the name server.
    port_of_the_name_server_is_closed: NotReady("no-name-server"), ["10.90.2.2:53", "closed"], |net| {
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    name_server_here_is_not_running: NotReady("no-name-server"), ["127.0.0.53:53", "systemd-resolved"], |net| {
        net.resolver(&["127.0.0.53"]);
        args!["ada@shop.test"]
    }
    no_name_server_is_named: NotReady("no-name-server"), ["resolv.conf"], |net| {
        net.etc("resolv.conf", "search test\noptions timeout:1 attempts:3\n");
        args!["ada@shop.test"]
    }
    list_of_name_servers_is_unreadable: NotReady("no-name-server"), ["chmod 644 /etc/resolv.conf"], |net| {
        net.resolver(&[SERVER]);
        net.etc_mode("resolv.conf", 0o600);
        args!["ada@shop.test"]
    }
    /// Without a list the C library asks this computer, and so do we.
    no_list_and_a_name_server_here: Ready, [], |net| {
        net.sshd(&[22]);
        net.name_server_at("127.0.0.1", "client", &["address=/shop.test/10.90.3.2"]);
        net.etc("resolv.conf", "options timeout:1 attempts:3\n");
        args![format!("{}@shop.test", net.person.name)]
    }
    name_server_is_in_no_network: NotReady("dns-timeout"), ["10.99.9.9:53", "not reachable"], |net| {
        net.at("client", "ip route add unreachable 10.99.9.9");
        net.resolver(&["10.99.9.9"]);
        args!["ada@shop.test"]
    }
    questions_are_forbidden_here: NotReady("local-firewall"), ["port 53", "10.90.2.2:53"], |net| {
        net.resolver(&[SERVER]);
        net.rule("client", "output", "udp dport 53 drop");
        args!["ada@shop.test"]
    }

    // What it answers.
    server_fails: NotReady("dns-server-failure"), ["SERVFAIL", "10.90.2.2:53"], |net| {
        net.own_name_server("far", SERVER, |_| Say::Code(ResponseCode::ServFail));
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    server_does_not_know_how: NotReady("dns-server-failure"), ["10.90.2.2:53"], |net| {
        net.own_name_server("far", SERVER, |_| Say::Code(ResponseCode::NotImp));
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    signatures_do_not_hold: NotReady("dnssec-invalid"), ["DNSSEC", "10.90.3.2"], |net| {
        net.own_name_server("far", SERVER, |question| {
            if question.unchecked { found(question) } else { Say::Code(ResponseCode::ServFail) }
        });
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    answer_is_cut_and_tcp_is_blocked: NotReady("dns-tcp-blocked"), ["TCP to port 53 of", "10.90.2.2"], |net| {
        net.own_name_server("far", SERVER, |question| {
            if question.tcp { found(question) } else { Say::Cut }
        });
        net.resolver(&[SERVER]);
        net.rule("far", "input", "tcp dport 53 reject with tcp reset");
        args!["ada@shop.test"]
    }
    answer_is_cut_and_fetched_by_tcp: Ready, [], |net| {
        net.sshd(&[22]);
        net.own_name_server("far", SERVER, |question| {
            if question.tcp { found(question) } else { Say::Cut }
        });
        net.resolver(&[SERVER]);
        args![format!("{}@shop.test", net.person.name)]
    }
    aliases_in_a_circle: NotReady("alias-broken"), ["circle", "one.test"], |net| {
        net.own_name_server("far", SERVER, |_| {
            Say::Aliases(vec!["two.test", "one.test"], ResponseCode::NoError, None)
        });
        net.resolver(&[SERVER]);
        args!["ada@one.test"]
    }
    alias_of_a_name_that_is_gone: NotReady("alias-broken"), ["machine7.hoster.test", "does not exist"], |net| {
        net.own_name_server("far", SERVER, |_| {
            Say::Aliases(vec!["machine7.hoster.test"], ResponseCode::NXDomain, None)
        });
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    alias_of_a_name_without_address: NotReady("alias-broken"), ["machine7.hoster.test", "no address"], |net| {
        net.own_name_server("far", SERVER, |_| {
            Say::Aliases(vec!["machine7.hoster.test"], ResponseCode::NoError, None)
        });
        net.resolver(&[SERVER]);
        args!["ada@shop.test"]
    }
    alias_that_works: Ready, [], |net| {
        net.sshd(&[22]);
        net.own_name_server("far", SERVER, |question| {
            let address = (question.kind == RecordType::A).then_some("10.90.3.2");
            Say::Aliases(vec!["machine7.hoster.test"], ResponseCode::NoError, address)
        });
        net.resolver(&[SERVER]);
        args![format!("{}@shop.test", net.person.name)]
    }
    silent_for_ipv6_questions: Ready, [], |net| {
        net.sshd(&[22]);
        net.own_name_server("far", SERVER, |question| match question.kind {
            RecordType::A => found(question),
            _ => Say::Nothing,
        });
        net.resolver(&[SERVER]);
        args![format!("{}@shop.test", net.person.name)]
    }
    first_name_server_does_not_know_it: NotReady("dns-disagreement"), ["10.90.2.1:53", "10.90.2.2", "decides"], |net| {
        net.name_server_at("10.90.2.1", "near", &["local=/test/"]);
        net.name_server_at("10.90.2.2", "far", &["address=/shop.test/10.90.3.2"]);
        net.resolver(&["10.90.2.1", "10.90.2.2"]);
        args!["ada@shop.test"]
    }
    first_name_server_fails_and_the_second_knows: Ready, [], |net| {
        net.sshd(&[22]);
        net.own_name_server("near", "10.90.2.1", |_| Say::Code(ResponseCode::ServFail));
        net.name_server_at("10.90.2.2", "far", &["address=/shop.test/10.90.3.2"]);
        net.resolver(&["10.90.2.1", "10.90.2.2"]);
        args![format!("{}@shop.test", net.person.name)]
    }

    // How this computer looks names up.
    name_servers_are_not_asked_for_hosts: NotReady("dns-not-used"), ["hosts: files", "10.90.3.2"], |net| {
        net.names(&["address=/shop.test/10.90.3.2"]);
        net.etc("nsswitch.conf", "passwd: files\nhosts: files\n");
        args!["ada@shop.test"]
    }
    name_of_the_local_link: NotReady("name-not-found"), ["mDNS"], |net| {
        net.names(&["local=/local/"]);
        args!["ada@pi.local"]
    }
    letters_outside_ascii: NotReady("target-invalid"), ["xn--bcher-kva.test"], |net| {
        net.names(&["address=/xn--bcher-kva.test/10.90.3.2", "local=/test/"]);
        args!["ada@bücher.test"]
    }

    // Search domains.
    short_name_with_a_search_domain: Ready, [], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.corp.test/10.90.3.2", "local=/test/", "local=/shop/"]);
        net.etc("resolv.conf", "options timeout:1 attempts:3\nsearch corp.test\nnameserver 10.90.2.2\n");
        args![format!("{}@shop", net.person.name)]
    }
    short_name_that_fits_twice: NotReady("refused-by-host"), ["git.corp.test", "several"], |net| {
        net.sshd(&[443]);
        net.names(&[
            "address=/git.corp.test/10.90.3.2",
            "address=/git.home.test/10.90.2.2",
            "local=/test/",
            "local=/git/",
        ]);
        net.etc(
            "resolv.conf",
            "options timeout:1 attempts:3\nsearch corp.test home.test\nnameserver 10.90.2.2\n",
        );
        args!["ada@git"]
    }

    // Answers that are no answers.
    every_name_is_the_same_host: NotReady("name-hijacked"), ["made up", "log in"], |net| {
        net.sshd(&[443]);
        net.names(&["address=/#/10.90.3.2"]);
        args!["ada@shop.example.com"]
    }
    domain_with_an_address_for_any_name: NotReady("refused-by-host"), ["slip", "name-not-found"], |net| {
        net.sshd(&[443]);
        net.names(&["address=/example.com/10.90.3.2", "address=/#/"]);
        args!["ada@shpo.example.com"]
    }
    filter_sends_the_name_nowhere: NotReady("name-blocked"), ["0.0.0.0", "filter"], |net| {
        net.names(&["address=/shop.test/0.0.0.0"]);
        args!["ada@shop.test"]
    }
    filter_sends_the_name_to_this_computer: NotReady("name-blocked"), ["127.0.0.1", "filter"], |net| {
        net.names(&["address=/shop.test/127.0.0.1"]);
        args!["ada@shop.test"]
    }
    proxy_program_makes_addresses_up: NotReady("fake-address"), ["198.18.0.71", "DIRECT"], |net| {
        net.names(&["address=/shop.test/198.18.0.71"]);
        net.rule("client", "output", "ip daddr 198.18.0.0/15 tcp dport 22 reject with tcp reset");
        args!["ada@shop.test"]
    }
    private_address_without_vpn: NotReady("private-address"), ["10.77.0.5", "No VPN is connected"], |net| {
        net.names(&["address=/git.corp.test/10.77.0.5"]);
        net.world.key("id_a", "ed25519");
        net.at("near", "ip route add unreachable 10.77.0.0/16");
        args!["ada@git.corp.test"]
    }
    private_address_and_silence: NotReady("private-address"), ["10.77.0.5"], |net| {
        net.names(&["address=/git.corp.test/10.77.0.5"]);
        net.rule("near", "forward", "ip daddr 10.77.0.5 drop");
        args!["-o", "ConnectTimeout=2", "ada@git.corp.test"]
    }
    /// In the network of the host itself, a VPN is not what is missing.
    private_address_of_this_link: NotReady("host-unreachable"), [], |net| {
        net.names(&["address=/nas.test/10.90.1.77"]);
        net.world.key("id_a", "ed25519");
        net.at("client", "sysctl -qw net.ipv4.neigh.right.mcast_solicit=1");
        args!["-o", "ConnectTimeout=8", "ada@nas.test"]
    }

    // Names near it.
    environment_with_a_slip: NotReady("name-not-found"), ["shop-staging.cloud.akeneo.com"], |net| {
        net.names(&["address=/shop-staging.cloud.akeneo.com/10.90.3.2", "local=/akeneo.com/"]);
        args!["akeneo@shop-stagging.cloud.akeneo.com"]
    }
    domain_with_a_slip: NotReady("name-not-found"), ["akeneo@shop.cloud.akeneo.com"], |net| {
        net.names(&["address=/shop.cloud.akeneo.com/10.90.3.2", "address=/#/"]);
        args!["akeneo@shop.cluod.akeneo.com"]
    }
    domain_without_its_first_part: NotReady("name-not-found"), ["akeneo@shop.cloud.akeneo.com"], |net| {
        net.names(&["address=/shop.cloud.akeneo.com/10.90.3.2", "address=/#/"]);
        args!["akeneo@shop.akeneo.com"]
    }
    name_near_one_that_was_used_before: NotReady("name-not-found"), ["web1.corp.test", "before"], |net| {
        net.names(&["address=/web1.corp.test/10.90.3.2", "local=/test/"]);
        let host = net.world.server_key("host", "ed25519");
        net.world.know(&format!("web1.corp.test,[web1.corp.test]:2222 {}", host.public));
        args!["ada@wbe1.corp.test"]
    }
    name_near_one_of_the_configuration: NotReady("name-not-found"), ["ssh configuration", "shop1"], |net| {
        net.names(&["address=/#/"]);
        net.world.write(".ssh/config", "Host shop1\n  HostName 10.90.3.2\n", 0o600);
        args!["ada@shpo1"]
    }
}

/// Where any name exists, none is suggested.
#[test]
fn a_domain_that_answers_for_any_name_gives_no_suggestion() {
    let name = "a_domain_that_answers_for_any_name_gives_no_suggestion";
    crate::in_a_network(name, |net| {
        net.names(&["address=/cloud.akeneo.com/10.90.3.2", "address=/#/"]);
        let (report, _) = net.preflight(&["akeneo@shop.akeneo.com".to_owned()]);
        assert_eq!(report["diagnosis"]["id"], "name-not-found", "{report:#}");
        let said = report["diagnosis"]["next_steps"].to_string();
        assert!(!said.contains("shop.cloud.akeneo.com"), "{report:#}");
    });
}

/// What only makes `ssh` slow is said, with the name server that does it.
#[test]
fn what_is_slow_or_odd_is_a_warning() {
    crate::in_a_network("what_is_slow_or_odd_is_a_warning", |net| {
        net.sshd(&[22]);
        net.own_name_server("far", SERVER, |question| match question.kind {
            RecordType::A => found(question),
            _ => Say::Nothing,
        });
        net.resolver(&[SERVER]);
        let (report, _) = net.preflight(&[format!("{}@shop.test", net.person.name)]);
        let dns = &report["checks"][1];
        assert_eq!((dns["id"].as_str(), dns["status"].as_str()), (Some("dns"), Some("warn")));
        assert!(dns["details"].to_string().contains("never for IPv6"), "{report:#}");
    });
}
