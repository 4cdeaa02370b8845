//! The local address that a connection uses. No packet is sent to find out.

use std::{
    collections::BTreeSet,
    net::{IpAddr, SocketAddr, UdpSocket},
};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use socket2::{Domain, Socket, Type};

use super::{
    Seen, Unseen, configuration::Effective, connection::OsError, local_end::local_end, zone,
};
use crate::case::TimeLimits;

/// Where connections to the host start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// For each address of the host.
    pub ways: Vec<Way>,
    /// Interfaces of tunnels (VPNs) that are up here and have an address.
    pub tunnels: Vec<String>,
}

/// The way to one address, as far as this computer decides it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// Where to.
    pub to: IpAddr,
    /// The local address that the routing table gives, or why there is none.
    pub from: Result<IpAddr, OsError>,
    /// The interface that has the local address.
    pub interface: Option<String>,
    /// Whether that interface is a tunnel.
    pub tunnel: bool,
    /// Whether the address is in the network of that interface, so that no router is needed.
    pub on_link: bool,
}

/// How many addresses of the host are looked at.
const MOST: usize = 8;

/// Asks the routing table.
pub async fn observe(effective: Effective, to: Vec<IpAddr>, limits: TimeLimits) -> Seen<Source> {
    let mut ends = Vec::new();
    for to in to.into_iter().take(MOST) {
        ends.push((to, local_end(&effective, to, limits).await));
    }
    let look = move || {
        let interfaces = interfaces();
        let way = |(to, end)| way(&effective, to, end, &interfaces);
        let ways = ends.into_iter().map(way).collect();
        // Each is there once for each of its addresses.
        let tunnels = interfaces.iter().filter(|i| i.tunnel).map(|i| i.name.clone());
        let tunnels: BTreeSet<_> = tunnels.collect();
        Source { ways, tunnels: tunnels.into_iter().collect() }
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| Unseen::Crashed)
}

/// An interface that is up, with one of its addresses.
#[derive(Debug)]
struct Interface {
    name: String,
    address: IpAddr,
    network: Option<IpNet>,
    tunnel: bool,
}

fn way(
    effective: &Effective,
    to: IpAddr,
    end: Result<Option<SocketAddr>, OsError>,
    interfaces: &[Interface],
) -> Way {
    let from = end.and_then(|end| local_address(effective, to, end));
    let at = from.as_ref().ok().and_then(|from| interfaces.iter().find(|i| i.address == *from));
    Way {
        to,
        interface: at.map(|i| i.name.clone()),
        tunnel: at.is_some_and(|i| i.tunnel),
        on_link: at.and_then(|i| i.network).is_some_and(|network| network.contains(&to)),
        from,
    }
}

/// Connecting a UDP socket asks the routing table and sends nothing.
fn local_address(
    effective: &Effective,
    to: IpAddr,
    end: Option<SocketAddr>,
) -> Result<IpAddr, OsError> {
    let socket = Socket::new(Domain::for_address(SocketAddr::new(to, 0)), Type::DGRAM, None)
        .map_err(|e| OsError::of("socket", &e))?;
    if let Some(end) = end {
        socket.bind(&end.into()).map_err(|e| OsError::of("bind", &e))?;
    }
    let socket = UdpSocket::from(socket);
    let to = zone::at(&effective.host, to, effective.port);
    socket.connect(to).map_err(|e| OsError::of("connect", &e))?;
    Ok(socket.local_addr().map_err(|e| OsError::of("getsockname", &e))?.ip())
}

/// All addresses of this computer, with their interfaces.
#[cfg(unix)]
fn interfaces() -> Vec<Interface> {
    use nix::net::if_::InterfaceFlags;
    let Ok(all) = nix::ifaddrs::getifaddrs() else { return Vec::new() };
    all.filter(|i| i.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|i| {
            let address = ip(&i.address?)?;
            let mask = i.netmask.as_ref().and_then(ip);
            let network = mask.and_then(|mask| IpNet::with_netmask(address, mask).ok());
            // VPNs, and nothing that people call a network otherwise, have two ends.
            let tunnel = i.flags.contains(InterfaceFlags::IFF_POINTOPOINT);
            // macOS keeps tunnels of its own that only have such addresses.
            let of_link = matches!(address, IpAddr::V6(a) if a.is_unicast_link_local());
            let name = i.interface_name;
            Some(Interface { name, address, network, tunnel: tunnel && !of_link })
        })
        .collect()
}

#[cfg(unix)]
fn ip(storage: &nix::sys::socket::SockaddrStorage) -> Option<IpAddr> {
    let four = storage.as_sockaddr_in().map(|a| IpAddr::V4(a.ip()));
    four.or_else(|| storage.as_sockaddr_in6().map(|a| IpAddr::V6(a.ip())))
}

/// Interfaces are not listed on this system; the local address still says much.
#[cfg(not(unix))]
fn interfaces() -> Vec<Interface> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    #[tokio::test]
    async fn the_way_to_this_computer_starts_on_it() {
        let to = vec!["127.0.0.1".parse().unwrap()];
        let source = observe(made::effective(22), to, TimeLimits::default()).await.unwrap();
        let way = &source.ways[0];
        assert_eq!(way.from, Ok("127.0.0.1".parse().unwrap()));
        assert!(!way.tunnel);
        #[cfg(target_os = "linux")]
        assert_eq!(way.interface.as_deref(), Some("lo"));
    }

    #[tokio::test]
    async fn a_local_address_that_is_not_here_is_told() {
        let effective =
            Effective { bind_address: Some("192.0.2.77".into()), ..made::effective(22) };
        let to = vec!["127.0.0.1".parse().unwrap()];
        let source = observe(effective, to, TimeLimits::default()).await.unwrap();
        assert_eq!(source.ways[0].from.as_ref().unwrap_err().operation, "bind");
    }
}
