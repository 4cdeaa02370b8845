//! A source with an OpenSSH of before version 9: the installed server, that says so, and the installed
//! `scp` as it spoke then.

use std::{fs, os::unix::fs::PermissionsExt};

use super::{READY, in_ends, says, situation};

/// The server with another version in its name. The length of the name stays, so it is the same program.
fn older(server: &mut [u8]) -> bool {
    let is_name = |bytes: &[u8]| bytes.starts_with(b"OpenSSH_9.") && bytes.get(11) == Some(&b'p');
    let places: Vec<_> = (0..server.len()).filter(|n| is_name(&server[*n..])).collect();
    for place in &places {
        server[place + 8..place + 11].copy_from_slice(b"8.4");
    }
    !places.is_empty()
}

#[test]
fn copies_with_an_older_scp() {
    let mut program = fs::read("/usr/sbin/sshd").unwrap();
    if !older(&mut program) {
        return crate::skip("copies_with_an_older_scp", "the installed sshd is not of version 9");
    }
    in_ends("copies_with_an_older_scp", |ends, key| {
        let folder = ends.world.server("older");
        fs::create_dir(&folder).unwrap();
        let (sshd, scp) = (folder.join("sshd"), folder.join("scp"));
        fs::write(&sshd, &program).unwrap();
        fs::write(&scp, "#!/bin/sh\nexec /usr/bin/scp -O \"$@\"\n").unwrap();
        for file in [&folder, &sshd, &scp] {
            fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
        }
        ends.sshd = sshd;
        let path = format!("SetEnv PATH={}:/usr/bin:/bin", folder.display());
        ends.serve("source", &key.public, &[&path], "");
        for name in ["my dump.sql", "it's $HOME.sql"] {
            ends.file("source", name, "new");
            situation("copy with an older scp", ends, &["--file", name], READY);
        }
        ends.sshd = "/usr/sbin/sshd".into();
        ends.serve("dest", &key.public, &["ForceCommand internal-sftp"], "");
        let name = "older scp and a destination that has SFTP alone";
        let expected = ("not-ready", Some("no-shell"));
        let report = situation(name, ends, &["--file", "hello.txt"], expected);
        says(&report, "put hello.txt");
    });
}
