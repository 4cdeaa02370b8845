//! Input that is broken or hostile: a clear word, no panic, and nothing that reaches the terminal.
//! What is true of every output is asserted by each run itself.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{scene::Scene, servers::play};

fn scene(name: &'static str) -> Option<Scene> {
    let mut scene = Scene::new(name)?;
    scene.identity("id");
    scene.timeout = "4s";
    Some(scene)
}

/// Runs against a server that says this and then waits.
fn says(scene: &Scene, bytes: impl Into<Vec<u8>>) -> super::examine::Examined {
    let bytes = bytes.into();
    let port = play(move |mut stream| {
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let _ = stream.read(&mut [0; 64]);
    });
    scene.examine(&[scene.at(port)])
}

#[test]
fn escape_sequences() {
    let Some(scene) = scene("escape_sequences") else { return };
    let cases: [&[u8]; 6] = [
        b"\x1b[2J\x1b]0;title\x07 gone\r\n",
        b"SSH-2.0-\x1b[31mred\r\n",
        b"SSH-2.0-a \x9b31m\x00\xff\r\n",
        b"\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\\r\nSSH-2.0-x\r\n",
        "SSH-2.0-\u{202e}gnp.exe\r\n".as_bytes(),
        b"<script>alert(1)</script>\r\n",
    ];
    for bytes in cases {
        says(&scene, bytes);
    }
}

#[test]
fn a_line_of_a_hundred_megabytes() {
    let Some(scene) = scene("a_line_of_a_hundred_megabytes") else { return };
    let port = play(|mut stream: TcpStream| {
        let block = vec![b'x'; 1 << 20];
        for _ in 0..100 {
            if stream.write_all(&block).is_err() {
                return;
            }
        }
    });
    let began = Instant::now();
    scene.examine(&[scene.at(port)]);
    // The limit of the run and of ssh beside it, and no more.
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_packet_that_says_that_it_is_huge() {
    let Some(scene) = scene("a_packet_that_says_that_it_is_huge") else { return };
    says(&scene, b"SSH-2.0-x\r\n\xff\xff\xff\xff\x04\x14aaaaaaaaaaaaaaaaaaaaaa".as_slice());
    says(&scene, b"SSH-2.0-x\r\n\x00\x00\x00\x01\x00".as_slice());
    says(&scene, b"SSH-2.0-x\r\n\x00\x00\x00\x00".as_slice());
}

#[test]
fn a_server_that_stops_after_each_number_of_bytes() {
    let Some(mut scene) = scene("a_server_that_stops_after_each_number_of_bytes") else { return };
    let sshd = scene.sshd(&[]);
    // What a real sshd sends until it waits for an answer.
    let mut stream = TcpStream::connect(("127.0.0.1", sshd.port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    stream.write_all(b"SSH-2.0-lab\r\n").unwrap();
    let mut all = Vec::new();
    let _ = stream.read_to_end(&mut all);
    assert!(all.len() > 500, "{}", all.len());
    for cut in [0, 1, 4, 8, 9, 20, 39, 41, 45, 46, 47, 60, 100, 300, all.len() - 1] {
        says(&scene, &all[..cut.min(all.len())]);
    }
}

#[test]
fn random_bytes() {
    let Some(scene) = scene("random_bytes") else { return };
    for seed in 0..8_u64 {
        // Any bytes do, and the same ones each time.
        let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
        let mut bytes = if seed % 2 == 0 { b"SSH-2.0-x\r\n".to_vec() } else { Vec::new() };
        for _ in 0..2000 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            bytes.push(state as u8);
        }
        says(&scene, bytes);
    }
}

#[test]
fn configurations_that_cannot_be_read() {
    let Some(scene) = scene("configurations_that_cannot_be_read") else { return };
    let binary: Vec<u8> = (0..4096_u32).map(|n| (n * 7 % 256) as u8).collect();
    scene.write("binary", binary, 0o600);
    scene.write("closed", "User x\n", 0o000);
    for file in ["binary", "closed", "nowhere"] {
        let words = ["-F".to_owned(), scene.word(file), "127.0.0.1".into()];
        let out = scene.run_without_config(&words);
        let text = String::from_utf8_lossy(&out.stdout).into_owned();
        assert!(matches!(out.status.code(), Some(1..=3)), "{file}: {text}");
        assert!(text.contains("ssh refuses its own configuration"), "{file}: {text}");
    }
}

#[test]
fn no_home_and_no_agent() {
    let Some(mut scene) = scene("no_home_and_no_agent") else { return };
    let sshd = scene.sshd(&[]);
    let words = [scene.at(sshd.port)];
    let options = scene.options();
    let mut command = scene.account.command(super::account::program());
    command.env_remove("HOME").env_remove("USER").args(options).args(words);
    let out = command.output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{text}");
}

#[test]
fn key_files_that_are_none() {
    let Some(mut scene) = scene("key_files_that_are_none") else { return };
    let sshd = scene.sshd(&[]);
    let noise: Vec<u8> = (0..100_000_u32).map(|n| (n * 31 % 251) as u8).collect();
    scene.write("noise", noise, 0o600);
    scene.write("huge", vec![b'-'; 5 << 20], 0o600);
    scene.write("closed", scene.read("id"), 0o000);
    for file in ["noise", "huge", "closed", "."] {
        let words =
            ["-i".into(), scene.word(file), "-oIdentitiesOnly=yes".into(), scene.at(sshd.port)];
        scene.examine(&words);
    }
}
