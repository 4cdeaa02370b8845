//! A stream that listens in: what the SSH library reads is heard by the [`Trail`] first.

use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Instant,
};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::trail::Trail;
use crate::evidence::connection::OsError;

/// The trail, shared between the stream, the library's callbacks and the one who waits.
#[derive(Debug, Clone)]
pub struct SharedTrail {
    trail: Arc<Mutex<Trail>>,
    began: Instant,
    hung_up: CancellationToken,
}

impl SharedTrail {
    /// An empty trail whose clock starts now.
    pub fn new() -> Self {
        Self { trail: Arc::default(), began: Instant::now(), hung_up: CancellationToken::new() }
    }
    /// The trail. A panic of another holder leaves it readable: it only ever grows.
    pub fn lock(&self) -> MutexGuard<'_, Trail> {
        self.trail.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Microseconds since the connection.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
    /// Ends the stream from this side: the library's task sees an error and goes away.
    pub fn hang_up(&self) {
        self.hung_up.cancel();
    }
}

/// A stream with an ear.
pub struct Tap<S> {
    stream: S,
    trail: SharedTrail,
    hung_up: Pin<Box<WaitForCancellationFutureOwned>>,
    /// Heard, and not yet read by the library.
    pending: Vec<u8>,
    /// A reset that writing met: the system tells it once, and reading then sees a plain end.
    reset: Option<OsError>,
}

impl<S> Tap<S> {
    /// Listens in on a stream.
    pub fn new(stream: S, trail: SharedTrail) -> Self {
        let hung_up = Box::pin(trail.hung_up.clone().cancelled_owned());
        Self { stream, trail, hung_up, pending: Vec::new(), reset: None }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Tap<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.pending.is_empty() {
                let count = self.pending.len().min(out.remaining());
                let rest = self.pending.split_off(count);
                out.put_slice(&self.pending);
                self.pending = rest;
                return Poll::Ready(Ok(()));
            }
            if self.hung_up.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
            let mut space = [0u8; 16 * 1024];
            let mut buffer = ReadBuf::new(&mut space);
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer));
            let at_us = self.trail.now_us();
            let reset = self.reset.clone();
            let heard = {
                let mut trail = self.trail.lock();
                match read {
                    Err(error) => {
                        trail.end(Some(OsError::of("read", &error)), at_us);
                        return Poll::Ready(Err(error));
                    }
                    Ok(()) if buffer.filled().is_empty() => {
                        trail.end(reset, at_us);
                        return Poll::Ready(Ok(()));
                    }
                    Ok(()) => trail.hear(buffer.filled(), at_us),
                }
            };
            match heard {
                Ok(released) => self.pending = released,
                Err(stop) => {
                    return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, stop)));
                }
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Tap<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match ready!(Pin::new(&mut self.stream).poll_write(cx, bytes)) {
            // A server that has no room says why and closes. A write that fails on the closed
            // connection must not keep us from reading what it said; the end is told by reading.
            Err(error) => {
                if error.kind() == io::ErrorKind::ConnectionReset {
                    self.reset = Some(OsError::of("write", &error));
                }
                Poll::Ready(Ok(bytes.len()))
            }
            Ok(count) => {
                self.trail.lock().sent(count);
                Poll::Ready(Ok(count))
            }
        }
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::{connection::OsErrorKind, handshake::HandshakeEnd};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// The system tells writing of the reset, and reading of nothing but an end.
    struct ResetOnWrite;

    impl AsyncRead for ResetOnWrite {
        fn poll_read(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &mut ReadBuf<'_>,
        ) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    impl AsyncWrite for ResetOnWrite {
        fn poll_write(
            self: Pin<&mut Self>,
            _: &mut Context<'_>,
            _: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        }
        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    #[tokio::test]
    async fn a_reset_that_writing_met_is_told() {
        let trail = SharedTrail::new();
        let mut tap = Tap::new(ResetOnWrite, trail.clone());
        tap.write_all(b"SSH-2.0-x\r\n").await.unwrap();
        assert_eq!(tap.read(&mut [0; 8]).await.unwrap(), 0);
        let ended = trail.lock().ended().cloned();
        assert!(matches!(ended, Some(HandshakeEnd::Failed(e))
            if e.kind == OsErrorKind::ConnectionReset));
    }
}
