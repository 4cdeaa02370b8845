//! Connections that start from an address that is chosen: the client has a second one, on a card
//! that leads nowhere.

use crate::{
    net::{Net, scenes::scenes},
    oracle::Expect::{NotReady, Ready},
    situations::args,
};

const SPARE: &str = "10.90.1.7";

/// Gives the client that address. Its packets leave by the way that the routing table knows.
fn spare(net: &mut Net) -> String {
    net.sshd(&[22, 443]);
    let near = net.name("near");
    net.at("client", &format!("ip link add spare type veth peer name other netns {near}"));
    net.at("near", "ip link set other up");
    net.at("client", &format!("ip addr add {SPARE}/32 dev spare"));
    net.at("client", "ip link set spare up");
    format!("{}@10.90.3.2", net.person.name)
}

fn is_dropped(net: &Net) {
    net.rule("server", "input", &format!("ip saddr {SPARE} tcp dport 22 drop"));
}

scenes! {
    address_of_another_card: Ready, [], |net| {
        let target = spare(net);
        args!["-b", SPARE, target]
    }
    /// The card only lends its address.
    card_that_leads_nowhere: Ready, [], |net| {
        let target = spare(net);
        args!["-B", "spare", target]
    }
    /// The other address of the client would be let in.
    address_that_the_server_drops: NotReady("filtered"), [], |net| {
        let target = spare(net);
        is_dropped(net);
        args!["-o", "ConnectTimeout=3", "-b", SPARE, target]
    }
    card_whose_address_the_server_drops: NotReady("filtered"), [], |net| {
        let target = spare(net);
        is_dropped(net);
        args!["-o", "ConnectTimeout=3", "-B", "spare", target]
    }
    card_without_address: NotReady("bind-address-unavailable"), ["BindInterface"], |net| {
        let target = spare(net);
        net.at("client", "ip addr flush dev spare");
        args!["-4", "-B", "spare", target]
    }
    /// A name that a filter of names sends nowhere is not the reason while nothing was sent.
    blocked_name_and_no_such_address: NotReady("bind-address-unavailable"), ["192.0.2.7"], |net| {
        spare(net);
        net.names(&["address=/shop.test/127.0.0.1", "local=/test/"]);
        args!["-b", "192.0.2.7", "ada@shop.test"]
    }
}
