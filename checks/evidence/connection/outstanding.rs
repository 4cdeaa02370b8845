//! What the other computer has not acknowledged: the system's own count, for a connection that is
//! silent.

use std::net::SocketAddr;

/// A connection by its two ends.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// Here.
    pub from: SocketAddr,
    /// There.
    pub to: SocketAddr,
}

impl Ends {
    /// The ends of a stream.
    #[must_use]
    pub fn of(stream: &tokio::net::TcpStream) -> Option<Self> {
        Some(Self { from: stream.local_addr().ok()?, to: stream.peer_addr().ok()? })
    }

    /// Bytes that were sent and not acknowledged (proc(5), /proc/net/tcp, tx_queue).
    #[cfg(target_os = "linux")]
    #[must_use]
    pub fn unacknowledged(&self) -> Option<u64> {
        let table = if self.from.is_ipv4() { procfs::net::tcp() } else { procfs::net::tcp6() };
        let same = |e: &procfs::net::TcpNetEntry| {
            e.local_address == self.from && e.remote_address == self.to
        };
        table.ok()?.into_iter().find(same).map(|entry| entry.tx_queue.into())
    }

    /// This system tells it to nobody.
    #[cfg(not(target_os = "linux"))]
    #[must_use]
    pub fn unacknowledged(&self) -> Option<u64> {
        None
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use tokio::io::AsyncWriteExt;

    #[tokio::test]
    async fn what_is_acknowledged_is_not_counted() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = tokio::net::TcpListener::bind(address).await else { continue };
            let to = listener.local_addr().unwrap();
            let mut stream = tokio::net::TcpStream::connect(to).await.unwrap();
            let ends = Ends::of(&stream).unwrap();
            stream.write_all(b"hello").await.unwrap();
            // Nobody reads, but the other end's system has it.
            assert_eq!(ends.unacknowledged(), Some(0), "{address}");
            drop((stream, listener));
        }
    }
}
