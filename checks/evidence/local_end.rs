//! The local end of a connection: the address that BindAddress or BindInterface names, found as `ssh`
//! finds it (`sshconnect.c`, ssh_create_socket).
//!
//! BindInterface only chooses the address of that interface. Which interface the packets leave by
//! is still for the routing table to say, so nothing here ties a socket to one.

use std::net::{IpAddr, SocketAddr};

use super::{
    configuration::{AddressFamily, Effective},
    connection::{OsError, OsErrorKind},
    resolution, zone,
};
use crate::case::TimeLimits;

/// The address to bind to before connecting there; none where the system is to choose. Where both
/// are set, BindAddress counts.
///
/// # Errors
/// That nothing of that name has an address of the family of the target.
pub async fn local_end(
    effective: &Effective,
    to: IpAddr,
    limits: TimeLimits,
) -> Result<Option<SocketAddr>, OsError> {
    if let Some(name) = &effective.bind_address {
        return of_name(name, to, limits).await.map(Some);
    }
    let Some(interface) = &effective.bind_interface else { return Ok(None) };
    of_interface(interface, to.is_ipv4()).map(Some)
}

async fn of_name(name: &str, to: IpAddr, limits: TimeLimits) -> Result<SocketAddr, OsError> {
    let family = if to.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    // No name server stands in here: the name is one of this computer.
    let found = resolution::look_up(name, family, &[], limits).await;
    let found = found.map_err(|error| unavailable(GETADDRINFO, error.message))?;
    let first = found.first().map(|address| zone::at(name, *address, 0));
    first.ok_or_else(|| unavailable(GETADDRINFO, "no addrs".to_owned()))
}

/// The call that fails where BindAddress is no address of the target's family.
pub const GETADDRINFO: &str = "getaddrinfo";
/// The call that fails where BindInterface has no address of the target's family.
pub const GETIFADDRS: &str = "getifaddrs";

fn unavailable(operation: &str, message: String) -> OsError {
    let kind = OsErrorKind::AddressNotAvailable;
    OsError { operation: operation.to_owned(), errno: None, kind, message }
}

/// The first address of an interface that is up; loopback and link-local addresses only where there
/// is no other (`sshconnect.c`, check_ifaddrs).
#[cfg(unix)]
fn of_interface(interface: &str, ipv4: bool) -> Result<SocketAddr, OsError> {
    use nix::net::if_::InterfaceFlags;
    let all = nix::ifaddrs::getifaddrs().map_err(|e| OsError::of(GETIFADDRS, &e.into()))?;
    let up = all
        .filter(|i| i.interface_name == interface && i.flags.contains(InterfaceFlags::IFF_UP))
        .filter_map(|i| end(&i.address?))
        .filter(|end| end.is_ipv4() == ipv4);
    preferred(up.collect()).ok_or_else(|| unavailable(GETIFADDRS, NONE_SUITABLE.to_owned()))
}

/// Where interfaces are not listed, `ssh` cannot bind to one either.
#[cfg(not(unix))]
fn of_interface(_interface: &str, _ipv4: bool) -> Result<SocketAddr, OsError> {
    Err(unavailable(GETIFADDRS, NONE_SUITABLE.to_owned()))
}

/// `ssh`'s words.
const NONE_SUITABLE: &str = "no suitable addresses";

fn preferred(ends: Vec<SocketAddr>) -> Option<SocketAddr> {
    let is_local = |end: &SocketAddr| match end.ip() {
        IpAddr::V4(ip) => ip == std::net::Ipv4Addr::LOCALHOST,
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    };
    ends.iter().find(|end| !is_local(end)).or_else(|| ends.first()).copied()
}

#[cfg(unix)]
fn end(storage: &nix::sys::socket::SockaddrStorage) -> Option<SocketAddr> {
    let four = storage.as_sockaddr_in().map(|a| SocketAddr::new(a.ip().into(), 0));
    let six = |a: &nix::sys::socket::SockaddrIn6| {
        std::net::SocketAddrV6::new(a.ip(), 0, 0, a.scope_id()).into()
    };
    four.or_else(|| storage.as_sockaddr_in6().map(six))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::made;

    async fn end_of(address: Option<&str>, interface: Option<&str>, to: &str) -> String {
        let effective = Effective {
            bind_address: address.map(str::to_owned),
            bind_interface: interface.map(str::to_owned),
            ..made::effective(22)
        };
        match local_end(&effective, to.parse().unwrap(), TimeLimits::default()).await {
            Ok(end) => end.map_or("any".to_owned(), |end| end.to_string()),
            Err(error) => {
                assert_eq!(error.kind, OsErrorKind::AddressNotAvailable);
                error.operation
            }
        }
    }

    #[tokio::test]
    async fn the_end_that_the_configuration_names() {
        assert_eq!(end_of(None, None, "192.0.2.1").await, "any");
        assert_eq!(end_of(Some("192.0.2.7"), None, "192.0.2.1").await, "192.0.2.7:0");
        assert_eq!(end_of(Some("::1"), None, "127.0.0.1").await, GETADDRINFO);
        assert_eq!(end_of(None, Some("no-such-card"), "127.0.0.1").await, GETIFADDRS);
        assert_eq!(end_of(Some("127.0.0.1"), Some("none"), "127.0.0.1").await, "127.0.0.1:0");
        #[cfg(target_os = "linux")]
        assert_eq!(end_of(None, Some("lo"), "127.0.0.1").await, "127.0.0.1:0");
    }

    #[test]
    fn addresses_of_this_computer_alone_come_last() {
        let best = |ends: &str| {
            let ends = ends.split(' ').map(|ip| SocketAddr::new(ip.parse().unwrap(), 0));
            preferred(ends.collect()).unwrap().ip().to_string()
        };
        assert_eq!(best("fe80::1 2001:db8::1"), "2001:db8::1");
        assert_eq!(best("127.0.0.1 192.0.2.1"), "192.0.2.1");
        assert_eq!(best("fe80::1"), "fe80::1");
        assert_eq!(preferred(Vec::new()), None);
    }
}
