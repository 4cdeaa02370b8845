//! What goes wrong on the way, and what the program has to say: beside `ssh`, as everywhere.

use std::fs;

use crate::{
    net::Net,
    oracle::{
        self,
        Expect::{self, NotReady, Ready},
    },
    situations::args,
    table,
};

/// `name: expected, words that the diagnosis must hold, |net| arguments;` is two tests: one on a
/// sound network, and one where five packets of a hundred are lost.
macro_rules! scenes {
    ($($(#[$doc:meta])* $name:ident: $expect:expr, $words:expr, |$net:ident| $body:block)*) => {
        $(
            $(#[$doc])*
            #[test]
            fn $name() {
                $crate::in_a_network(stringify!($name), |$net: &mut $crate::net::Net| {
                    let arguments: Vec<String> = $body;
                    $crate::net::scenes::compare(stringify!($name), $net, &arguments, $expect, &$words);
                });
            }
        )*
        mod with_loss {
            use super::*;
            $(
                #[test]
                fn $name() {
                    $crate::in_a_network(stringify!($name), |$net: &mut $crate::net::Net| {
                        let arguments: Vec<String> = $body;
                        $net.lose_packets();
                        let name = stringify!($name);
                        $crate::net::scenes::never_another_cause(name, $net, &arguments, $expect);
                    });
                }
            )*
        }
    };
}
pub(crate) use scenes;

/// On a link that loses packets the cause is the same one, or it is not found out.
pub fn never_another_cause(name: &str, net: &Net, arguments: &[String], expect: Expect) {
    // The system sends again after one, three and seven seconds; a short limit would make of each
    // lost packet a silent host.
    let patient = |word: &String| word.replace("ConnectTimeout=3", "ConnectTimeout=8");
    let arguments: Vec<_> = arguments.iter().map(patient).collect();
    let (report, _) = net.preflight(&arguments);
    let id = report["diagnosis"]["id"].as_str();
    let (_, cause, _) = expect.parts();
    println!("{name} with loss | {}", id.unwrap_or("ready"));
    let open = report["verdict"] == "inconclusive";
    // A first line that is lost is sent again in one large packet with what follows, so that on a
    // way that large packets do not pass nothing comes at all. The report names both then.
    let merged = cause == Some("handshake-stalled")
        && id == Some("silent-server")
        && report["diagnosis"]["also_possible"].to_string().contains("handshake-stalled");
    assert!(open || merged || id == cause, "{name}\n{report:#}");
}

/// Holds the program and `ssh` together in this network.
pub fn compare(name: &str, net: &Net, arguments: &[String], expect: Expect, words: &[&str]) {
    let (report, ended) = net.preflight(arguments);
    let ssh = net.ssh(arguments);
    let id = report["diagnosis"]["id"].as_str();
    let told = format!("{name}\nssh: {:?}, {}\n{report:#}", ssh.code(), ssh.last_line());
    println!("{name} | {} | {}", ssh.last_line(), id.unwrap_or("ready"));
    let (verdict, cause, code) = expect.parts();
    assert_eq!((report["verdict"].as_str(), id), (Some(verdict), cause), "{told}");
    assert_eq!(ended.code(), Some(code), "{told}");
    assert_eq!(verdict == "ready", ssh.code() == Some(0), "ssh is the oracle: {told}");
    oracle::really_says(&report, &ssh, &told);
    crate::explained::holds(name, &net.world, &ssh, &report);
    let said = report["diagnosis"].to_string();
    for word in words {
        assert!(said.contains(word), "{word:?} is not said: {told}");
    }
    table::row(name, &net.world, &ssh, id);
}

/// The first bytes of a TCP segment with the usual twelve bytes of options are "SSH-".
const STARTS_WITH_SSH: &str = "@th,256,32 0x5353482d";

const SERVER: &str = "10.90.3.2";

fn me(net: &Net) -> String {
    format!("{}@{SERVER}", net.person.name)
}

fn quick(net: &Net) -> Vec<String> {
    args!["-o", "ConnectTimeout=3", me(net)]
}

scenes! {
    nothing_in_the_way: Ready, [], |net| {
        net.sshd(&[22]);
        args![me(net)]
    }
    nothing_in_the_way_of_ipv6: Ready, [], |net| {
        net.sshd(&[22]);
        args![format!("{}@fd90:3::2", net.person.name)]
    }
    by_name: Ready, [], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.test/10.90.3.2", "local=/test/"]);
        args![format!("{}@shop.test", net.person.name)]
    }

    // Who refuses.
    nothing_listens: NotReady("refused-by-host"), ["3 hops away", "port 443"], |net| {
        net.sshd(&[443]);
        args![me(net)]
    }
    nothing_listens_at_all: NotReady("refused-by-host"), ["3 hops away"], |net| {
        net.sshd(&[2222]);
        args![me(net)]
    }
    nothing_listens_at_all_by_ipv6: NotReady("refused-by-host"), ["3 hops away"], |net| {
        net.sshd(&[2222]);
        args![format!("{}@fd90:3::2", net.person.name)]
    }
    firewall_of_the_host_refuses: NotReady("refused-by-host"), ["its own firewall"], |net| {
        net.sshd(&[22, 443]);
        net.rule("server", "input", "tcp dport 22 reject");
        args![me(net)]
    }
    firewall_on_the_way_resets: NotReady("refused-on-the-way"), ["2 hops away", "3 hops"], |net| {
        net.sshd(&[22, 443]);
        net.rule("near", "forward", "tcp dport 22 reject with tcp reset");
        args![me(net)]
    }
    firewall_on_the_way_forbids: NotReady("refused-on-the-way"), ["10.90.1.1", "not the host"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "tcp dport 22 reject with icmpx type admin-prohibited");
        args![me(net)]
    }
    firewall_on_the_way_forbids_ipv6: NotReady("refused-on-the-way"), ["fd90:1::1"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "tcp dport 22 reject with icmpx type admin-prohibited");
        args![format!("{}@fd90:3::2", net.person.name)]
    }
    /// The default of a firewall that rejects: it says "port unreachable", and ssh "refused".
    firewall_on_the_way_rejects: NotReady("refused-on-the-way"), ["10.90.2.2"], |net| {
        net.sshd(&[22]);
        net.rule("far", "forward", "tcp dport 22 reject");
        args![me(net)]
    }

    // Who drops.
    dropped_on_the_way: NotReady("filtered"), ["10.90.1.1", "1 hop,"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "ip daddr 10.90.3.2 drop");
        quick(net)
    }
    port_dropped_by_the_host: NotReady("filtered"), ["port 443", "10.90.2.2"], |net| {
        net.sshd(&[22, 443]);
        net.rule("server", "input", "tcp dport 22 drop");
        quick(net)
    }
    /// A provider that is known to have an allow-list, and a host that is up.
    address_is_not_on_the_list: NotReady("ip-not-allowed"), ["portal.akeneo.com", "port 443"], |net| {
        net.sshd(&[22, 443]);
        net.rule("server", "input", "tcp dport 22 drop");
        net.names(&["address=/shop.cloud.akeneo.com/10.90.3.2"]);
        args!["-o", "ConnectTimeout=3", "akeneo@shop.cloud.akeneo.com"]
    }
    nothing_comes_back_at_all: NotReady("filtered"), ["not even the first"], |net| {
        net.sshd(&[22]);
        net.rule("near", "input", "drop");
        net.rule("near", "output", "drop");
        net.rule("near", "forward", "drop");
        quick(net)
    }

    /// ssh marks its packets with a priority that this network does not like.
    priority_is_dropped: NotReady("qos-dropped"), ["IPQoS=none"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "ip dscp ef drop");
        args!["-o", "IPQoS=ef", "-o", "ConnectTimeout=3", me(net)]
    }

    // No way.
    host_is_down: NotReady("host-unreachable"), ["10.90.2.2"], |net| {
        net.at("server", "ip link set left down");
        net.world.key("id_a", "ed25519");
        // The last router asks for the host for some seconds before it gives up; not twice.
        net.at("far", "ip neigh replace 10.90.3.2 dev right nud failed");
        net.at("far", "sysctl -qw net.ipv4.neigh.right.mcast_solicit=1");
        args![me(net)]
    }
    router_has_no_route: NotReady("host-unreachable"), ["10.90.1.1", "no way"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("near", "ip route add unreachable 10.90.3.0/24");
        args![me(net)]
    }
    this_computer_has_no_route: NotReady("no-network"), ["no route"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route del default via 10.90.1.1");
        net.at("client", "ip -6 route del default via fd90:1::1");
        args![me(net)]
    }
    /// A host in the same network needs no route to another one.
    host_beside_and_no_other_network: NotReady("refused-by-host"), ["another computer"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route del default via 10.90.1.1");
        net.at("client", "ip -6 route del default via fd90:1::1");
        args![format!("{}@10.90.1.1", net.person.name)]
    }
    this_computer_forbids_it: NotReady("local-firewall"), ["own"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route add prohibit 10.90.3.2");
        args![me(net)]
    }

    /// Its own firewall answers in the router's place.
    this_computer_rejects_it: NotReady("local-firewall"), ["this computer itself"], |net| {
        net.sshd(&[22]);
        net.rule("client", "output", "tcp dport 22 reject");
        args![me(net)]
    }
    this_computer_leads_it_nowhere: NotReady("local-firewall"), ["ip route get 10.90.3.2"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route add blackhole 10.90.3.2");
        args![me(net)]
    }
    this_computer_calls_it_unreachable: NotReady("local-firewall"), ["ip route get"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route add unreachable 10.90.3.2");
        args![me(net)]
    }
    /// Nothing is told from here: only that not even the first router is heard of.
    this_computer_drops_it: NotReady("filtered"), ["not even the first"], |net| {
        net.sshd(&[22]);
        net.rule("client", "output", "tcp dport 22 drop");
        quick(net)
    }
    router_of_this_network_is_off: NotReady("host-unreachable"), ["ip neigh"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "ip route replace default via 10.90.1.77");
        net.at("client", "sysctl -qw net.ipv4.neigh.right.mcast_solicit=1");
        args![me(net)]
    }
    neighbour_is_off: NotReady("host-unreachable"), ["switch it on"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("client", "sysctl -qw net.ipv4.neigh.right.mcast_solicit=1");
        args![format!("{}@10.90.1.55", net.person.name)]
    }
    packets_go_in_a_circle: NotReady("host-unreachable"), ["circle"], |net| {
        net.world.key("id_a", "ed25519");
        net.at("far", "ip route add 198.51.100.0/24 via 10.90.2.1");
        net.at("near", "ip route add 198.51.100.0/24 via 10.90.2.2");
        args![format!("{}@198.51.100.9", net.person.name)]
    }
    no_way_back: NotReady("filtered"), ["10.90.2.2"], |net| {
        net.sshd(&[22]);
        net.at("server", "ip route del default via 10.90.3.1");
        quick(net)
    }
    link_local_without_network_card: NotReady("host-unreachable"), ["ip address"], |net| {
        net.world.key("id_a", "ed25519");
        args![format!("{}@fe80::1", net.person.name)]
    }
    /// What fail2ban does with an address that failed too often.
    address_is_banned: NotReady("refused-by-host"), ["ten minutes", "its own firewall"], |net| {
        net.sshd(&[22, 443]);
        net.rule("server", "input", "ip saddr 10.90.1.2 tcp dport 22 reject");
        args![me(net)]
    }
    /// A firewall that says nothing, and one behind it that would let through.
    every_port_is_refused_on_the_way: NotReady("refused-by-host"), ["refuses everything"], |net| {
        net.sshd(&[22, 443]);
        net.rule("near", "forward", "meta l4proto tcp reject with tcp reset");
        args![me(net)]
    }
    network_prohibited: NotReady("refused-on-the-way"), ["10.90.2.2"], |net| {
        net.sshd(&[22]);
        net.rule("far", "forward", "tcp dport 22 reject with icmp type net-prohibited");
        args![me(net)]
    }

    ports_of_this_computer_are_used_up: NotReady("system-error"), ["ss -s"], |net| {
        net.sshd(&[22]);
        net.at("client", "sysctl -qw net.ipv4.ip_local_reserved_ports=40000");
        net.ports("40000 40000");
        args![me(net)]
    }

    // Two families.
    ipv6_is_refused_and_ipv4_works: Ready, [], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.test/10.90.3.2", "address=/shop.test/fd90:3::2"]);
        net.rule("near", "forward", "ip6 daddr fd90:3::2 reject");
        args![format!("{}@shop.test", net.person.name)]
    }
    ipv6_alone_is_asked_for_and_does_not_work: NotReady("ipv6-broken"), ["ssh -4", "10.90.3.2"], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.test/10.90.3.2", "address=/shop.test/fd90:3::2"]);
        net.rule("near", "forward", "ip6 daddr fd90:3::2 reject");
        args!["-6", "-o", "ConnectTimeout=3", format!("{}@shop.test", net.person.name)]
    }
    ipv6_alone_and_no_route_for_it: NotReady("host-unreachable"), ["IPv6"], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.test/fd90:3::2", "local=/test/"]);
        net.at("client", "ip -6 route del default via fd90:1::1");
        net.at("client", "ip -6 addr del fd90:1::2/64 dev right");
        args![format!("{}@shop.test", net.person.name)]
    }

    // Let in, and then not through.
    large_packets_vanish: NotReady("handshake-stalled"), ["size"], |net| {
        net.sshd(&[22]);
        net.rule("far", "forward", "ip length > 600 drop");
        quick(net)
    }
    large_packets_to_the_server_vanish: NotReady("handshake-stalled"), ["lost on the way to it"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "iifname left ip length > 600 drop");
        quick(net)
    }
    large_packets_from_the_server_vanish: NotReady("handshake-stalled"), ["to you are lost"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "iifname right ip length > 600 drop");
        quick(net)
    }
    /// A firewall that lets the connection through, reads what is said, and cuts it.
    ssh_is_inspected_and_cut: NotReady("handshake-cut"), ["hotspot"], |net| {
        net.sshd(&[22]);
        net.rule("far", "forward", "tcp dport 22 ip length > 500 reject with tcp reset");
        args![me(net)]
    }
    /// It knows SSH by the client's first word, and resets.
    ssh_is_recognised_and_reset: NotReady("closed-before-banner"), ["handshake-cut"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", &format!("tcp dport 22 {STARTS_WITH_SSH} reject with tcp reset"));
        // The client always speaks before a server that is slow.
        net.freeze();
        args![me(net)]
    }
    /// It knows SSH by the client's first word, and drops it.
    ssh_is_recognised_and_dropped: NotReady("handshake-stalled"), ["inspect"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", &format!("tcp dport 22 {STARTS_WITH_SSH} drop"));
        quick(net)
    }
    /// Connections open, and nothing that is said in them passes.
    nothing_passes_after_the_opening: NotReady("silent-server"), ["drops what is said"], |net| {
        net.sshd(&[22]);
        net.rule("near", "forward", "tcp flags & psh == psh drop");
        quick(net)
    }
    server_is_stopped: NotReady("silent-server"), ["arrived there"], |net| {
        net.sshd(&[22]);
        net.freeze();
        quick(net)
    }

    // Whom the provider lets in.
    another_user_than_the_providers: NotReady("unexpected-user"), ["akeneo@shop"], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.cloud.akeneo.com/10.90.3.2", "local=/com/"]);
        let host = fs::read_to_string(net.world.server("host.pub")).unwrap();
        net.world.know(&format!("shop.cloud.akeneo.com {host}"));
        args!["nobody-here@shop.cloud.akeneo.com"]
    }

    // Names.
    no_such_name: NotReady("name-not-found"), ["10.90.2.2:53"], |net| {
        net.names(&["address=/shop.test/10.90.3.2", "local=/test/"]);
        args!["ada@shpo.test"]
    }
    no_such_environment_but_its_neighbour: NotReady("name-not-found"), ["shop-staging.cloud"], |net| {
        net.names(&["address=/shop-staging.cloud.akeneo.com/10.90.3.2", "local=/akeneo.com/"]);
        args!["akeneo@shop.cloud.akeneo.com"]
    }
    short_name_of_an_environment: NotReady("short-name-outside"), ["shop-staging.cloud"], |net| {
        net.names(&["address=/shop-staging.cloud.akeneo.com/10.90.3.2", "local=/shop-staging/", "local=/com/"]);
        args!["akeneo@shop-staging"]
    }
    name_without_address: NotReady("name-has-no-address"), [], |net| {
        net.names(&["txt-record=shop.test,hello", "local=/test/"]);
        args!["ada@shop.test"]
    }
    name_server_refuses: NotReady("dns-server-failure"), ["10.90.2.2:53"], |net| {
        // dnsmasq that knows nobody to ask answers REFUSED.
        net.names(&[]);
        args!["ada@shop.test"]
    }
    name_server_is_silent: NotReady("dns-timeout"), ["10.90.2.2:53"], |net| {
        net.resolver(&["10.90.2.2"]);
        net.rule("far", "input", "udp dport 53 drop; tcp dport 53 drop");
        args!["ada@shop.test"]
    }
    hosts_file_is_old: NotReady("hosts-file-override"), ["/etc/hosts", "10.90.3.2"], |net| {
        net.sshd(&[22]);
        net.names(&["address=/shop.test/10.90.3.2"]);
        net.etc("hosts", "127.0.0.1 localhost\n10.90.2.2 shop.test\n");
        args!["ada@shop.test"]
    }
    name_servers_disagree: NotReady("dns-disagreement"), ["10.90.2.1:53", "10.90.2.2:53"], |net| {
        net.sshd(&[22]);
        net.name_server_at("10.90.2.1", "near", &["address=/shop.test/10.90.2.2"]);
        net.name_server_at("10.90.2.2", "far", &["address=/shop.test/10.90.3.2"]);
        net.resolver(&["10.90.2.1", "10.90.2.2"]);
        args!["ada@shop.test"]
    }
}
