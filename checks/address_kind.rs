//! What an address says about where it is valid: pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde::Serialize;

/// Where an address is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum AddressKind {
    /// This computer itself.
    Loopback,
    /// No address at all (0.0.0.0, ::): what filters of names answer.
    Unspecified,
    /// A private network (RFC 1918).
    Private,
    /// Between a provider and its customers, behind its NAT (RFC 6598); VPNs use it as well.
    CarrierNat,
    /// A private network of IPv6 (RFC 4193).
    UniqueLocal,
    /// This link alone (RFC 3927, RFC 4291).
    LinkLocal,
    /// For benchmarks (RFC 2544): no host has it, and proxy programs make it up.
    Benchmark,
    /// Anywhere.
    Public,
}

const CARRIER: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(100, 64, 0, 0), 10);
const BENCHMARK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 15);
const UNIQUE_LOCAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7);

impl AddressKind {
    /// The kind of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            a if a.is_loopback() => Self::Loopback,
            a if a.is_unspecified() => Self::Unspecified,
            IpAddr::V4(a) if a.is_private() => Self::Private,
            IpAddr::V4(a) if CARRIER.contains(&a) => Self::CarrierNat,
            IpAddr::V4(a) if BENCHMARK.contains(&a) => Self::Benchmark,
            IpAddr::V4(a) if a.is_link_local() => Self::LinkLocal,
            IpAddr::V6(a) if UNIQUE_LOCAL.contains(&a) => Self::UniqueLocal,
            IpAddr::V6(a) if a.is_unicast_link_local() => Self::LinkLocal,
            _ => Self::Public,
        }
    }

    /// Whether only those in some network can use it, and everybody may have the same one.
    #[must_use]
    pub const fn is_inside(self) -> bool {
        matches!(self, Self::Private | Self::CarrierNat | Self::UniqueLocal | Self::LinkLocal)
    }

    /// A noun phrase for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Loopback => "this computer itself",
            Self::Unspecified => "no real address",
            Self::Private => "a private address",
            Self::CarrierNat => "an address between a provider and its customers (carrier NAT)",
            Self::UniqueLocal => "a private IPv6 address",
            Self::LinkLocal => "an address of this link alone",
            Self::Benchmark => "an address that no real host has",
            Self::Public => "a public address",
        }
    }
}

/// One address as a range.
#[must_use]
pub fn alone(address: IpAddr) -> IpNet {
    IpNet::from(address)
}

/// Reads a range: an address with a prefix (`203.0.113.0/24`), or one address.
///
/// # Errors
/// What a range looks like.
pub fn range(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    let one = text.parse::<IpAddr>().map(alone);
    one.or_else(|_| text.parse::<IpNet>())
        .map_err(|_| "a range looks like 203.0.113.0/24 or 2001:db8::/32".to_owned())
}

/// The first range that holds an address.
#[must_use]
pub fn holding(ranges: &[IpNet], address: IpAddr) -> Option<IpNet> {
    ranges.iter().find(|range| range.contains(&address)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds() {
        use AddressKind::*;
        for (address, kind) in [
            ("127.0.0.53", Loopback),
            ("::1", Loopback),
            ("0.0.0.0", Unspecified),
            ("::", Unspecified),
            ("10.1.2.3", Private),
            ("172.31.255.255", Private),
            ("172.32.0.0", Public),
            ("100.63.255.255", Public),
            ("100.64.0.1", CarrierNat),
            ("100.127.255.255", CarrierNat),
            ("198.17.255.255", Public),
            ("198.19.255.255", Benchmark),
            ("169.254.1.1", LinkLocal),
            ("fe80::1", LinkLocal),
            ("fd90:3::2", UniqueLocal),
            ("fe00::1", Public),
            ("2001:db8::1", Public),
            ("::ffff:10.0.0.1", Private),
        ] {
            assert_eq!(AddressKind::of(address.parse().unwrap()), kind, "{address}");
        }
    }

    #[test]
    fn ranges() {
        assert_eq!(range("203.0.113.7").unwrap().to_string(), "203.0.113.7/32");
        assert_eq!(range(" 2001:db8::/32 ").unwrap().to_string(), "2001:db8::/32");
        for wrong in ["", "203.0.113.0/33", "office", "203.0.113.0-9"] {
            assert!(range(wrong).is_err(), "{wrong}");
        }
        let ranges = ["192.0.2.0/24", "2001:db8::/32"].map(|r| range(r).unwrap());
        let held = |address: &str| holding(&ranges, address.parse().unwrap()).is_some();
        assert!(held("192.0.2.255") && held("2001:db8::9"));
        assert!(!held("192.0.3.0") && !held("2001:db9::9"));
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in ".*") {
            let _ = range(&text);
        }
    }
}
