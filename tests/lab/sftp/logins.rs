//! Whether a password may be tried, whether it is taken, and whether a session opens.

use super::{
    account::{at, data, password_file, script, serve, start, with_account},
    oracle::{Asked, compare, forget, listing, typed},
};
use crate::{
    oracle::{program, with_config},
    world::until,
};

/// What most situations have.
fn asked(name: &str, port: u16) -> Asked<'_> {
    Asked { name, port, password: None, ssh: &[], own: &[], expected: None }
}

/// One server for all that does not depend on it.
#[test]
fn passwords_that_are_right_wrong_or_not_tried() {
    with_account("passwords_that_are_right_wrong_or_not_tried", |w, a| {
        std::fs::write(data(w).join("a.csv"), "1").unwrap();
        let port = serve(w, &["MaxAuthTries 1", "KbdInteractiveAuthentication no"]);
        let wrong = "not the password";

        let told = compare(w, a, &asked("sftp offered and not tried", port));
        let check = told["checks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(check["id"], "sftp");
        assert!(check["summary"].as_str().unwrap().contains("none was tried"), "{check:#}");
        let right = Asked { password: Some(&a.password), ..asked("sftp with the password", port) };
        let told = compare(w, a, &right);
        let check = told["checks"].as_array().unwrap().last().unwrap().clone();
        assert_eq!(check["evidence"]["home"], data(w).display().to_string(), "{check:#}");
        assert_eq!(check["evidence"]["folders"][0][1], 1, "{check:#}");
        assert_eq!(told["target"]["access"], "sftp");

        let expected = Some("password-wrong");
        let name = "sftp with a wrong password";
        // It is cut off at once here, which is an answer too.
        compare(w, a, &Asked { password: Some(wrong), expected, ..asked(name, port) });

        let expected = Some("password-disabled");
        let name = "sftp where nobody may be asked";
        let ssh = &["-o", "BatchMode=yes"];
        compare(w, a, &Asked { password: Some(&a.password), ssh, expected, ..asked(name, port) });
    });
}

#[test]
fn the_password_comes_from_where_it_was_put_and_goes_nowhere_else() {
    with_account("the_password_comes_from_where_it_was_put_and_goes_nowhere_else", |w, a| {
        let port = serve(w, &[]);
        let target = with_config(w, &at(a, port)).join(" ");
        let file = password_file(w, &a.password);
        let file = file.display();
        for line in [
            format!("\"$PREFLIGHT\" sftp --password-file {file} {target}"),
            format!("\"$PREFLIGHT\" sftp --password-file - {target} < {file}"),
            format!("PW=$(cat {file}) \"$PREFLIGHT\" sftp --password-env PW {target}"),
        ] {
            let ended = typed(w, &line);
            assert_eq!(ended.code(), Some(0), "{line}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stdout.contains("Ready: sftp gets in as"), "{}", ended.stdout);
            assert!(!ended.stdout.contains(&a.password));
            until("the login", || w.sshd_log().contains("Accepted password"));
            forget(w);
        }
        for (line, words) in [
            (format!("sftp --password x {target}"), "on the command line"),
            (format!("sftp --password=x {target}"), "on the command line"),
            (format!("sftp --ask-password {target}"), "no terminal"),
            (format!("sftp --password-env NOT_SET {target}"), "not set"),
            (format!("sftp --password-file /nowhere {target}"), "the path of a FILE"),
            (format!("sftp --password-file /dev/zero {target}"), "too long"),
            (format!("sftp --write-test {target}"), "need a login"),
            (format!("sftp --password-file {file} --password-env PW {target}"), "one way"),
            (format!("sftp --password-file {file} a b"), "one target"),
            (format!("sftp --only portal {target}"), "leave out the word sftp"),
            (format!("--only sftp {target}"), "ssh-preflight sftp"),
            (format!("--write-test {target}"), "ssh-preflight sftp"),
            ("sftp -P 2222 u@h".to_owned(), "-p 2222"),
        ] {
            let ended = typed(w, &format!("\"$PREFLIGHT\" {line}"));
            assert_eq!(ended.code(), Some(2), "{line}: {}{}", ended.stdout, ended.stderr);
            assert!(ended.stderr.contains(words), "{line}: {}", ended.stderr);
        }
        assert!(!w.sshd_log().contains("Connection from "), "nothing was connected to");
    });
}

/// While it runs, the list of processes is read: the password is in no command line.
#[test]
fn the_password_is_in_no_list_of_processes() {
    with_account("the_password_is_in_no_list_of_processes", |w, a| {
        let slow = script(w, "slow", "sleep 1; exec /usr/lib/openssh/sftp-server");
        let port = serve(w, &[&format!("ForceCommand {slow}")]);
        let file = password_file(w, &a.password).display().to_string();
        let mut command = w.command(program());
        command.args(["sftp", "--password-file", &file]).args(with_config(w, &at(a, port)));
        let out = std::process::Stdio::null;
        let mut child = command.stdout(out()).stderr(out()).spawn().unwrap();
        let mut looked = 0;
        while child.try_wait().unwrap().is_none() {
            for entry in std::fs::read_dir("/proc").unwrap().flatten() {
                let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).into_owned();
                assert!(!line.contains(&a.password), "{line}");
            }
            looked += 1;
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        assert!(looked > 3, "it ran long enough to be looked at");
    });
}

#[test]
fn servers_without_this_access() {
    with_account("servers_without_this_access", |w, a| {
        let expected = Some("sftp-unavailable");
        let port = serve(w, &["PasswordAuthentication no", "KbdInteractiveAuthentication no"]);
        let name = "sftp user without a password login";
        compare(w, a, &Asked { password: Some(&a.password), expected, ..asked(name, port) });

        let port = start(w, &[]);
        let name = "sftp is not on the server";
        compare(w, a, &Asked { password: Some(&a.password), expected, ..asked(name, port) });

        // ssh tries keyboard-interactive first, and is cut off there.
        let port = serve(w, &["MaxAuthTries 1"]);
        let name = "sftp server that bears one attempt and offers two ways";
        compare(w, a, &Asked { password: Some(&a.password), expected, ..asked(name, port) });

        let expected = Some("password-not-enough");
        let port = serve(w, &["AuthenticationMethods password,publickey"]);
        let name = "sftp with a password and a key";
        compare(w, a, &Asked { password: Some(&a.password), expected, ..asked(name, port) });
    });
}

/// PAM asks the question; the answer is the password.
#[test]
fn a_password_that_is_asked_for() {
    with_account("a_password_that_is_asked_for", |w, a| {
        if !std::path::Path::new("/etc/pam.d/sshd").exists() {
            return crate::skip("a_password_that_is_asked_for", "there is no PAM for sshd");
        }
        let settings =
            ["UsePAM yes", "KbdInteractiveAuthentication yes", "PasswordAuthentication no"];
        let port = serve(w, &settings);
        let name = "sftp where the server asks for the password";
        compare(w, a, &Asked { password: Some(&a.password), ..asked(name, port) });
        let expected = Some("password-wrong");
        let name = "sftp where the server asks and the answer is wrong";
        compare(w, a, &Asked { password: Some("no"), expected, ..asked(name, port) });
    });
}

#[test]
fn sessions_that_are_none() {
    with_account("sessions_that_are_none", |w, a| {
        let greet = script(w, "greet", "echo Hello from the start-up file");
        let rows = [
            (format!("ForceCommand {greet}"), "sftp behind a greeting", "sftp-noise"),
            ("ForceCommand /bin/false".to_owned(), "sftp behind another command", "sftp-closed"),
            (
                "Subsystem sftp /nowhere/sftp-server".to_owned(),
                "sftp program is missing",
                "sftp-closed",
            ),
            (
                format!("ChrootDirectory {}", data(w).display()),
                "sftp locked into a folder of its own",
                "sftp-closed",
            ),
        ];
        for (setting, name, id) in rows {
            let own = setting.starts_with("Subsystem");
            let other = if own { "PermitTTY no" } else { "Subsystem sftp internal-sftp" };
            let port = start(w, &[&setting, other]);
            let expected = Some(id);
            compare(w, a, &Asked { password: Some(&a.password), expected, ..asked(name, port) });
        }
    });
}

/// A password goes to no server that has not proven who it is.
#[test]
fn no_password_for_a_stranger() {
    with_account("no_password_for_a_stranger", |w, a| {
        let (host, other) = (w.server_key("host", "ed25519"), w.server_key("other", "ed25519"));
        let port = w.sshd_with(&host, &[], &["Subsystem sftp internal-sftp"]);
        let new = &["-o", "StrictHostKeyChecking=accept-new"];
        let expected = Some("password-not-sent");
        let name = "sftp with an unknown host key";
        let before = std::fs::read(w.dot_ssh("known_hosts")).unwrap();
        let asked = Asked { password: Some(&a.password), ssh: new, expected, ..asked(name, port) };
        let told = compare(w, a, &asked);
        let steps = told["diagnosis"]["next_steps"].to_string();
        assert!(steps.contains("ssh-keyscan"), "{told:#}");
        w.write(".ssh/known_hosts", before, 0o600);

        w.know(&format!("[127.0.0.1]:{port} {}", other.public));
        let expected = Some("host-key-changed");
        let name = "sftp with another host key";
        compare(w, a, &Asked { name, ssh: &[], expected, ..asked });
        assert!(!w.sshd_log().contains("method password"), "{}", w.sshd_log());
    });
}

#[test]
fn a_test_file_leaves_nothing() {
    with_account("a_test_file_leaves_nothing", |w, a| {
        let port = serve(w, &[]);
        let (password, own) = (Some(a.password.as_str()), &["--write-test"][..]);
        let told = compare(w, a, &Asked { password, own, ..asked("sftp with a test file", port) });
        let check = told["checks"].as_array().unwrap().last().unwrap().clone();
        assert!(check["details"].to_string().contains("and removed"), "{check:#}");

        // Broken off as soon as the file is there, it is removed all the same.
        let file = password_file(w, &a.password).display().to_string();
        let empty = || std::fs::read_dir(data(w)).unwrap().next().is_none();
        // Ctrl-C; a job that is cancelled, twice, as `timeout` does; a terminal that is closed.
        for signals in [&["-INT"][..], &["-TERM", "-TERM"], &["-HUP", "-HUP"]] {
            let mut command = w.command(program());
            command.args(["sftp", "--write-test", "--format", "json", "--password-file", &file]);
            command.args(with_config(w, &at(a, port)));
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::null());
            let mut child = command.spawn().unwrap();
            while child.try_wait().unwrap().is_none() && empty() {}
            // Where it has ended already, there is nothing to break off.
            for signal in signals {
                let pid = child.id().to_string();
                crate::person::run(
                    std::process::Command::new("kill").args([*signal, pid.as_str()]),
                );
            }
            let ended = child.wait_with_output().unwrap();
            assert!(empty(), "{signals:?}: {}", listing(&data(w)));
            let report: serde_json::Value = serde_json::from_slice(&ended.stdout).unwrap();
            let expected = if report["verdict"] == "ready" { 0 } else { 3 };
            assert_eq!(ended.status.code(), Some(expected), "{signals:?}: {report:#}");
        }
    });
}
