//! Real servers as child processes, which end when they are dropped.

use std::{
    fs::{File, read_to_string},
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// A running program and what it says.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts a program whose standard error goes to a file.
    pub fn start(mut command: Command, log: PathBuf) -> Self {
        let file = File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(file).spawn();
        Self { child: child.unwrap(), log }
    }

    pub fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(&self.log).unwrap()).into_owned()
    }

    /// Waits until the log has these words. Asking the port instead would be a connection more.
    pub fn wait_for(&mut self, words: &str) {
        let until = Instant::now() + Duration::from_secs(10);
        while !read_to_string(&self.log).unwrap_or_default().contains(words) {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none() && Instant::now() < until, "no {words:?}: {}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A port on loopback on which nobody listens now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Plays a server of our own to every connection, each in a thread; returns its port.
pub fn play(talk: impl Fn(TcpStream) + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let talk = std::sync::Arc::new(talk);
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let talk = std::sync::Arc::clone(&talk);
            thread::spawn(move || talk(stream));
        }
    });
    port
}

/// The path of a tool, or `None`, which skips a test by name, and fails it in CI.
pub fn tool(name: &str) -> Option<PathBuf> {
    let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/bin"];
    let found = folders.iter().map(|f| PathBuf::from(f).join(name)).find(|path| path.exists());
    if found.is_none() {
        skipped(&format!("{name} is not installed"));
    }
    found
}

/// Says why a test does not run. In CI that is a failure: a gate that tests nothing is none.
pub fn skipped(why: &str) {
    let test = thread::current().name().unwrap_or_default().to_owned();
    eprintln!("skipped: {test}: {why}");
    assert!(std::env::var("CI").is_err(), "{test}: {why}");
}
