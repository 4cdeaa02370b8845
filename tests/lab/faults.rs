//! What no real server does on demand: names that do not exist, ports that are closed, servers
//! that are none.

use std::{
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
    time::Duration,
};

use checks::diagnosis::Id;

use super::{
    examine::situation,
    scene::Scene,
    servers::{free_port, play},
};

const IDENTIFICATION: &[u8] = b"SSH-2.0-OpenSSH_9.2\r\n";

/// Talks to a server that a closure plays.
fn server(scene: &mut Scene, talk: impl Fn(TcpStream) + Send + Sync + 'static) -> Vec<String> {
    let port = play(talk);
    scene.identity("id");
    vec![scene.at(port)]
}

fn swallow(mut stream: &TcpStream) {
    let mut heard = [0; 4096];
    while stream.read(&mut heard).is_ok_and(|n| n > 0) {}
}

/// Ends with a reset: what was heard stays unread.
fn reset(stream: TcpStream) {
    socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
}

situation!(
    nothing_listens,
    |s| {
        s.identity("id");
        vec![s.at(free_port())]
    },
    |found| { found.fails_with(Id::RefusedByHost) }
);

#[test]
fn name_does_not_exist() {
    let Some(scene) = Scene::new("name_does_not_exist") else { return };
    let found = scene.examine(&["no-such-host.invalid".into()]);
    // Where the machine that runs this has no name server, that is what is found.
    let id = found.report["diagnosis"]["id"].as_str().unwrap();
    if !["no-network", "dns-timeout", "dns-server-failure"].contains(&id) {
        found.fails_with(Id::NameNotFound);
    }
}

situation!(
    web_server,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n<html>");
            let _ = stream.shutdown(Shutdown::Write);
            swallow(&stream);
        })
    },
    |found| { found.fails_with(Id::NotSsh) }
);

situation!(
    mail_server,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(b"220 mail.example ESMTP Postfix\r\n");
            swallow(&stream);
        })
    },
    |found| { found.fails_with(Id::NotSsh) }
);

situation!(closes_at_once, |s| { server(&mut s, drop) }, |found| {
    found.fails_with(Id::ClosedBeforeBanner);
});

situation!(
    resets_at_once,
    |s| {
        server(&mut s, |stream| {
            thread::sleep(Duration::from_millis(50));
            reset(stream);
        })
    },
    |found| { found.fails_with(Id::ClosedBeforeBanner) }
);

situation!(
    says_nothing,
    |s| {
        s.set("ConnectTimeout 2");
        server(&mut s, |stream| swallow(&stream))
    },
    |found| { found.fails_with(Id::SilentServer) }
);

situation!(
    tarpit,
    |s| {
        s.set("ConnectTimeout 2");
        server(&mut s, |mut stream| {
            while stream.write_all(b"3a8f01c2\r\n").is_ok() {
                thread::sleep(Duration::from_millis(50));
            }
        })
    },
    |found| { found.fails_with(Id::Tarpit) }
);

situation!(
    too_many_connections,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(b"Exceeded MaxStartups\r\n");
        })
    },
    |found| { found.fails_with(Id::ServerOverloaded) }
);

situation!(
    ssh_of_the_last_century,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(b"SSH-1.5-1.2.27\n");
            swallow(&stream);
        })
    },
    |found| { found.fails_with(Id::ProtocolTooOld) }
);

situation!(
    silent_after_its_identification,
    |s| {
        s.set("ConnectTimeout 2");
        server(&mut s, |mut stream| {
            let _ = stream.write_all(IDENTIFICATION);
            swallow(&stream);
        })
    },
    |found| { found.fails_with(Id::HandshakeStalled) }
);

situation!(
    closes_after_its_identification,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(IDENTIFICATION);
            let mut heard = [0; 64];
            let _ = stream.read_exact(&mut heard);
            let _ = stream.shutdown(Shutdown::Both);
        })
    },
    |found| { found.fails_with(Id::HandshakeCut) }
);

situation!(
    resets_in_the_exchange_of_keys,
    |s| {
        server(&mut s, |mut stream| {
            let _ = stream.write_all(IDENTIFICATION);
            let mut heard = [0; 64];
            let _ = stream.read_exact(&mut heard);
            reset(stream);
        })
    },
    |found| { found.fails_with(Id::HandshakeCut) }
);
