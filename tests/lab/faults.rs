//! Servers that do one thing wrong, on this computer alone.

use std::{
    io::{ErrorKind, Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

/// A server that ends with its owner.
pub struct Fault {
    pub port: u16,
    over: Arc<AtomicBool>,
    seen: Arc<AtomicUsize>,
}

impl Fault {
    /// Starts a server that behaves like this on each connection. The flag says that the test is
    /// over.
    pub fn start(behaves: impl Fn(TcpStream, &AtomicBool) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (over, seen) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (is_over, count, behaves) = (Arc::clone(&over), Arc::clone(&seen), Arc::new(behaves));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if is_over.load(Ordering::Relaxed) {
                    return;
                }
                count.fetch_add(1, Ordering::Relaxed);
                // A client that went away must not block its thread for ever.
                let _ = stream.set_write_timeout(Some(Duration::from_secs(5)));
                let (is_over, behaves) = (Arc::clone(&is_over), Arc::clone(&behaves));
                thread::spawn(move || behaves(stream, &is_over));
            }
        });
        Self { port, over, seen }
    }

    /// A server between client and `sshd` that cuts after so many bytes of the server.
    pub fn cut_after(bytes: usize, port: u16) -> Self {
        Self::start(move |client, _| cut(&client, bytes, port))
    }

    /// A server that says this and then nothing more.
    pub fn says(bytes: Vec<u8>) -> Self {
        Self::start(move |mut stream, _| {
            let _ = stream.write_all(&bytes);
            let _ = stream.shutdown(Shutdown::Write);
            let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
            while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
        })
    }

    /// How many connections were made by now.
    pub fn connections(&self) -> usize {
        self.seen.load(Ordering::Relaxed)
    }
}

impl Drop for Fault {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", self.port));
    }
}

/// Waits until the client has spoken, and leaves what it said unread: closing now sends a reset.
fn await_client(stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let _ = stream.peek(&mut [0]);
}

fn say(mut stream: &TcpStream, words: &[u8]) -> bool {
    stream.write_all(words).is_ok()
}

/// Reads until the client goes, so that it sees an orderly end and no reset.
fn linger(mut stream: &TcpStream) {
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
    let mut rest = [0; 4096];
    while stream.read(&mut rest).is_ok_and(|n| n > 0) {}
}

fn hold(over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        thread::sleep(Duration::from_millis(20));
    }
}

pub fn closes_at_once(stream: TcpStream, _: &AtomicBool) {
    linger(&stream);
}
pub fn silent(stream: TcpStream, over: &AtomicBool) {
    hold(over);
    drop(stream);
}
pub fn http(stream: TcpStream, _: &AtomicBool) {
    say(&stream, b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\nContent-Length: 0\r\n\r\n");
    linger(&stream);
}
pub fn tarpit(stream: TcpStream, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) && say(&stream, b"x7Qp\r\n") {
        thread::sleep(Duration::from_millis(1));
    }
}
pub fn ssh_one(stream: TcpStream, _: &AtomicBool) {
    say(&stream, b"SSH-1.5-OldServer\n");
    linger(&stream);
}
pub fn garbage(stream: TcpStream, _: &AtomicBool) {
    let bytes: Vec<u8> =
        (0..4096_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    say(&stream, &bytes);
    linger(&stream);
}
pub fn overloaded(stream: TcpStream, _: &AtomicBool) {
    say(&stream, b"Exceeded MaxStartups\r\n");
    linger(&stream);
}
pub fn reset_after_banner(stream: TcpStream, _: &AtomicBool) {
    say(&stream, b"SSH-2.0-OpenSSH_9.2\r\n");
    await_client(&stream);
}
pub fn silent_after_banner(stream: TcpStream, over: &AtomicBool) {
    say(&stream, b"SSH-2.0-OpenSSH_9.2\r\n");
    hold(over);
}
/// A line of 100 MB with no end.
pub fn endless_line(stream: TcpStream, over: &AtomicBool) {
    let piece = vec![b'A'; 1 << 20];
    for _ in 0..100 {
        if over.load(Ordering::Relaxed) || !say(&stream, &piece) {
            return;
        }
    }
    linger(&stream);
}
/// Words that would clear the screen, set the title and turn the direction of writing.
pub fn escapes(stream: TcpStream, _: &AtomicBool) {
    let words = "\x1b[2J\x1b]0;owned\x07\x1b[31mAll is well\u{202e}\u{9b}31m\r\n\
                 SSH-2.0-\x1b[5mOpenSSH_9.2\x1b[0m \x1b]8;;http://example.com\x07x\r\n";
    say(&stream, words.as_bytes());
    linger(&stream);
}

/// Passes words on, and cuts after so many bytes of the server. A reset, not a close: what the
/// client says last is left unread.
fn cut(client: &TcpStream, bytes: usize, port: u16) {
    let Ok(server) = TcpStream::connect(("127.0.0.1", port)) else { return };
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let _ = from.set_read_timeout(Some(Duration::from_millis(50)));
    let done = Arc::new(AtomicBool::new(false));
    let is_done = Arc::clone(&done);
    let passes = thread::spawn(move || pass(&from, &to, &is_done));
    let mut left = bytes;
    let mut buffer = [0; 4096];
    while left > 0 {
        let room = left.min(buffer.len());
        match (&server).read(&mut buffer[..room]) {
            Ok(0) | Err(_) => break,
            Ok(n) => {
                if (&mut &*client).write_all(&buffer[..n]).is_err() {
                    break;
                }
                left -= n;
            }
        }
    }
    done.store(true, Ordering::Relaxed);
    let _ = passes.join();
    let _ = client.set_read_timeout(Some(Duration::from_millis(300)));
    let _ = client.peek(&mut [0]);
    let _ = server.shutdown(Shutdown::Both);
}

fn pass(mut from: &TcpStream, mut to: &TcpStream, done: &AtomicBool) {
    let mut buffer = [0; 4096];
    while !done.load(Ordering::Relaxed) {
        match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(n) if to.write_all(&buffer[..n]).is_ok() => {}
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => return,
        }
    }
}

/// A mail server (RFC 5321, section 3.1).
pub fn mail(mut stream: TcpStream, over: &AtomicBool) {
    let _ = stream.write_all(b"220 mail.example ESMTP Postfix\r\n");
    silent(stream, over);
}

/// Ends the conversation in order after the identification.
pub fn closes_after_banner(mut stream: TcpStream, _: &AtomicBool) {
    let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n");
    let _ = stream.read_exact(&mut [0; 64]);
    let _ = stream.shutdown(Shutdown::Write);
    while stream.read(&mut [0; 4096]).is_ok_and(|n| n > 0) {}
}
