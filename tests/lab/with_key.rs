//! ci/with-key.sh: a key from a secret of a CI job is in an agent, and nowhere else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    in_a_world,
    oracle::{program, with_config},
    person::{Ended, run},
    situations::{args, me},
    world::{World, until},
};

/// A world as a CI job has it: the key and the known host in variables, and nothing in the home.
struct Job {
    key: String,
    known_hosts: String,
    temp: PathBuf,
    script: PathBuf,
    port: u16,
}

fn job(w: &mut World) -> Job {
    let key = w.key("id_a", "ed25519");
    let port = w.sshd(&[&key], &[]);
    let text = fs::read_to_string(&key.path).unwrap();
    let known_hosts = fs::read_to_string(w.dot_ssh("known_hosts")).unwrap();
    w.write(".ssh/known_hosts", "", 0o600);
    w.without_pub(&key);
    fs::remove_file(&key.path).unwrap();
    let temp = w.home().join("temp");
    fs::create_dir(&temp).unwrap();
    w.person.owns(&temp);
    let script = w.out("with-key.sh");
    fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join("ci/with-key.sh"), &script).unwrap();
    Job { key: text, known_hosts, temp, script, port }
}

impl Job {
    fn command(&self, w: &World, key: &str) -> Command {
        let mut command = w.command("bash");
        command.env("TMPDIR", &self.temp).env("SSH_PRIVATE_KEY", key);
        command.env("SSH_KNOWN_HOSTS", &self.known_hosts).arg(&self.script);
        command
    }

    fn ssh(&self, w: &World, key: &str, program: &Path, first: &[&str], last: &[&str]) -> Ended {
        let typed: Vec<String> = args!["-p", self.port, me(w)];
        let typed = with_config(w, &typed);
        let mut command = self.command(w, key);
        run(command.arg(program).args(first).args(typed).args(last))
    }
}

/// Whether bytes hold a part of a private key, as text or once more in base64.
fn holds(w: &World, bytes: &[u8], encoded: &str) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut secrets = w.secrets.iter().map(String::as_str).chain([&encoded[60..120]]);
    secrets.any(|secret| text.contains(secret))
}

fn files_that_hold(w: &World, encoded: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![w.folder().to_path_buf(), w.person.passwd_home.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_file()
                && holds(w, &fs::read(entry.path()).unwrap_or_default(), encoded)
            {
                found.push(entry.path());
            }
        }
    }
    found
}

/// Arguments and environments of all processes that can be read.
fn processes_that_hold(w: &World, encoded: &str) -> Vec<String> {
    let own = std::process::id().to_string();
    let processes = fs::read_dir("/proc").unwrap().flatten();
    let processes = processes.filter(|p| p.file_name().to_string_lossy().parse::<u32>().is_ok());
    let told = |p: &fs::DirEntry| {
        let read = |file| fs::read(p.path().join(file)).unwrap_or_default();
        holds(w, &read("cmdline"), encoded) || holds(w, &read("environ"), encoded)
    };
    let others = processes.filter(|p| p.file_name().to_string_lossy() != own.as_str());
    others.filter(told).map(|p| p.path().display().to_string()).collect()
}

#[test]
fn a_key_from_a_secret_is_in_the_agent_and_nowhere_else() {
    in_a_world("a_key_from_a_secret_is_in_the_agent_and_nowhere_else", |w| {
        let job = job(w);
        let encoded = base64(&job.key);
        assert!(holds(w, job.key.as_bytes(), &encoded), "the search finds what is there");
        // As a web form makes it: with \r\n, and without the last line break.
        let spoilt = job.key.trim_end().replace('\n', "\r\n");
        let [seen, go] = ["seen", "go"].map(|name| job.temp.join(name));
        let inside = format!(
            "echo $SSH_AGENT_PID; ls -d {}/with-key.*; env; ssh-add -l; touch {}; \
             while [ ! -e {} ]; do sleep 0.02; done; exit 7",
            job.temp.display(),
            seen.display(),
            go.display()
        );
        let ended = std::thread::scope(|scope| {
            let running = scope.spawn(|| run(job.command(w, &spoilt).args(["sh", "-c", &inside])));
            until("the command", || seen.exists());
            assert_eq!(files_that_hold(w, &encoded), Vec::<PathBuf>::new());
            assert_eq!(processes_that_hold(w, &encoded), Vec::<String>::new());
            fs::write(&go, "").unwrap();
            running.join().unwrap()
        });
        let told = format!("{}{}", ended.stdout, ended.stderr);
        assert_eq!(ended.code(), Some(7), "{told}");
        assert!(told.contains("(ED25519)"), "the agent has the key: {told}");
        assert!(!holds(w, told.as_bytes(), &encoded), "{told}");
        // Nothing is left of it.
        let mut lines = ended.stdout.lines();
        let agent = Path::new("/proc").join(lines.next().unwrap());
        until("the end of the agent", || !agent.exists());
        assert!(!Path::new(lines.next().unwrap()).exists());
    });
}

#[test]
fn a_job_gets_in_with_whatever_form_the_secret_has() {
    in_a_world("a_job_gets_in_with_whatever_form_the_secret_has", |w| {
        let job = job(w);
        let forms = [
            job.key.trim_end().replace('\n', "\r\n"),
            job.key.trim_end().replace('\n', "\\n"),
            base64(&job.key),
        ];
        for form in &forms {
            let ended = job.ssh(w, form, program(), &["--format", "json"], &[]);
            let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(
                (&report["verdict"], ended.code()),
                (&"ready".into(), Some(0)),
                "{report:#}"
            );
        }
        let ended = job.ssh(w, &forms[0], Path::new("ssh"), &[], &["true"]);
        assert_eq!(ended.code(), Some(0), "ssh is the oracle: {}", ended.stderr);
        // Both as GitLab's variables of the type "File".
        let file = |name: &str, text: &str| {
            w.write(name, text, 0o600);
            w.home().join(name).display().to_string()
        };
        let (key, known_hosts) = (file("key", &job.key), file("known", &job.known_hosts));
        let job = Job { known_hosts, ..job };
        let ended = job.ssh(w, &key, Path::new("ssh"), &[], &["true"]);
        assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    });
}

/// The file of known hosts goes with the job: what is advised changes the secret that it is made of.
#[test]
fn a_secret_without_the_host_is_what_has_to_be_changed() {
    in_a_world("a_secret_without_the_host_is_what_has_to_be_changed", |w| {
        let mut job = job(w);
        let other = w.key("other", "ed25519");
        let names = job.known_hosts.split(' ').next().unwrap().to_owned();
        for (known_hosts, cause) in [
            (format!("elsewhere.test {}", other.public), "host-key-unknown"),
            (format!("{names} {}", other.public), "host-key-changed"),
        ] {
            job.known_hosts = known_hosts;
            let ended = job.ssh(w, &job.key, program(), &["--format", "json"], &[]);
            let report: serde_json::Value = serde_json::from_str(&ended.stdout).unwrap();
            assert_eq!(report["diagnosis"]["id"], cause, "{report:#}");
            let steps = report["diagnosis"]["next_steps"].to_string();
            assert!(steps.contains("the secret SSH_KNOWN_HOSTS of your CI"), "{steps}");
            assert!(!steps.contains("/with-key."), "{steps}");
        }
    });
}

#[test]
fn a_secret_that_is_no_key_is_told_without_showing_it() {
    in_a_world("a_secret_that_is_no_key_is_told_without_showing_it", |w| {
        let job = job(w);
        let cut: String = job.key.lines().take(3).collect::<Vec<_>>().join("\n");
        for wrong in [cut.as_str(), "swordfish"] {
            let ended = run(job.command(w, wrong).arg("true"));
            assert_eq!(ended.code(), Some(2), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("no private key that ssh-add can read"),
                "{}",
                ended.stderr
            );
            assert!(!holds(w, ended.stderr.as_bytes(), &base64(&job.key)), "{}", ended.stderr);
            assert!(!ended.stderr.contains("swordfish"), "{}", ended.stderr);
        }
        assert_eq!(fs::read_dir(&job.temp).unwrap().count(), 0);
    });
}

fn base64(text: &str) -> String {
    use std::io::Write;
    let mut child = Command::new("base64")
        .arg("-w0")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap()
}
