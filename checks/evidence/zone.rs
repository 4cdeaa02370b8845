//! Addresses of one link, which are the same on every network: the zone says which one is meant, as
//! in `fe80::1%eth0` (RFC 4007, section 11).

use std::net::{IpAddr, SocketAddr, SocketAddrV6};

/// A host that is an address already, with a zone or without one. With a zone that is not there it is
/// no address, as for getaddrinfo(3).
#[must_use]
pub fn literal(host: &str) -> Option<IpAddr> {
    let (address, zone) = split(host);
    let address: IpAddr = address.parse().ok()?;
    let is_there = |zone| address.is_ipv6() && index(zone).is_some();
    zone.is_none_or(is_there).then_some(address)
}

/// Where a host is, in the zone that it was typed with.
#[must_use]
pub fn at(host: &str, address: IpAddr, port: u16) -> SocketAddr {
    match (address, split(host).1.and_then(index)) {
        (IpAddr::V6(address), Some(zone)) => SocketAddrV6::new(address, port, 0, zone).into(),
        _ => SocketAddr::new(address, port),
    }
}

/// The same place, at another port.
#[must_use]
pub fn with_port(mut place: SocketAddr, port: u16) -> SocketAddr {
    place.set_port(port);
    place
}

fn split(host: &str) -> (&str, Option<&str>) {
    host.split_once('%').map_or((host, None), |(address, zone)| (address, Some(zone)))
}

/// The number of an interface, which may be typed as one.
fn index(zone: &str) -> Option<u32> {
    #[cfg(unix)]
    let named = nix::net::if_::if_nametoindex(zone).ok();
    #[cfg(not(unix))]
    let named = None;
    named.or_else(|| zone.parse().ok()).filter(|number| *number != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_its_zone() {
        let link: IpAddr = "fe80::1".parse().unwrap();
        for (host, address) in [
            ("fe80::1", Some(link)),
            ("fe80::1%7", Some(link)),
            ("fe80::1%no-such-interface", None),
            ("192.0.2.1", Some("192.0.2.1".parse().unwrap())),
            ("192.0.2.1%7", None),
            ("host%7", None),
            ("host", None),
        ] {
            assert_eq!(literal(host), address, "{host}");
        }
        assert_eq!(at("fe80::1%7", link, 22).to_string(), "[fe80::1%7]:22");
        assert_eq!(at("fe80::1%no-such-interface", link, 22).to_string(), "[fe80::1]:22");
        assert_eq!(with_port(at("fe80::1%7", link, 22), 80).to_string(), "[fe80::1%7]:80");
    }
}
