//! Runs the program and `ssh` in a situation, and asserts what is true of every report.

use std::{
    process::{Output, Stdio},
    sync::OnceLock,
};

use checks::diagnosis::Id;
use serde_json::Value;

use super::{
    account::program,
    scene::{PASSPHRASE, Scene},
};

/// What came out.
pub struct Examined {
    name: &'static str,
    /// The report for machines.
    pub report: Value,
    /// What the program printed on standard error.
    pub errors: String,
    code: Option<i32>,
    /// Whether `ssh` got in with the same arguments.
    ssh_got_in: bool,
    /// The last line that it printed.
    ssh_said: String,
}

impl Scene {
    /// A command in this situation.
    fn command(&self, program: &std::path::Path) -> std::process::Command {
        let mut command = self.account.command(program);
        if let Some(socket) = &self.auth_sock {
            command.env("SSH_AUTH_SOCK", socket);
        }
        command.current_dir(self.folder()).stdin(Stdio::null());
        command
    }

    /// The options that the program and `ssh` share. Writes the configuration.
    pub fn options(&self) -> Vec<String> {
        let config = self.write("config", self.config.join("\n") + "\n", 0o600);
        vec!["-F".into(), config.display().to_string(), "-o".into(), "BatchMode=yes".into()]
    }

    /// Runs the program alone with these words after the shared options.
    pub fn run(&self, words: &[String]) -> Output {
        let out = self.command(program()).args(self.options()).args(words).output().unwrap();
        self.assert_clean(&out);
        out
    }

    /// Runs the program alone with these words and nothing else.
    pub fn run_without_config(&self, words: &[String]) -> Output {
        let out = self.command(program()).args(words).output().unwrap();
        self.assert_clean(&out);
        out
    }

    /// Runs the program alone once more, with the configuration that is there.
    pub fn run_again(&self, words: &[String]) -> Output {
        let config = ["-F".to_owned(), self.word("config"), "-oBatchMode=yes".to_owned()];
        self.run_without_config(&[&config, words].concat())
    }

    /// Runs `ssh` with these words and the command `true`.
    pub fn ssh(&self, words: &[String]) -> (bool, String) {
        let mut command = self.command(std::path::Path::new("/usr/bin/timeout"));
        command.args(["15", "ssh"]).args(self.options()).args(words).arg("true");
        let out = command.output().unwrap();
        let errors = String::from_utf8_lossy(&out.stderr);
        let last = errors.lines().map(str::trim).rfind(|l| !l.is_empty());
        (out.status.success(), last.unwrap_or_default().to_owned())
    }

    /// Runs both, and judges the recording again.
    pub fn examine(&self, words: &[String]) -> Examined {
        let case = self.path("case.json");
        let timeout = format!("--timeout={}", self.timeout);
        let mut ours = words.to_vec();
        ours.extend(["--format=json", &timeout, "--record"].map(str::to_owned));
        ours.push(case.display().to_string());
        let out = self.run(&ours);
        let errors = String::from_utf8_lossy(&out.stderr).into_owned();
        let parsed = serde_json::from_slice(&out.stdout);
        let report: Value = parsed.unwrap_or_else(|e| panic!("{}: {e}: {errors}", self.name));
        assert_valid(&report);

        let replay = ["--replay".to_owned(), case.display().to_string(), "--format=json".into()];
        let again = self.command(program()).args(&replay).output().unwrap();
        self.assert_clean(&again);
        let again: Value = serde_json::from_slice(&again.stdout).unwrap();
        for field in ["verdict", "diagnosis", "target"] {
            assert_eq!(again[field], report[field], "{}: judged again", self.name);
        }
        // What a person reads is made from the same recording.
        let text = self.command(program()).args(&replay[..2]).arg("--verbose").output().unwrap();
        self.assert_clean(&text);

        self.assert_no_secret(&std::fs::read(&case).unwrap());
        let (ssh_got_in, ssh_said) = self.ssh(words);
        Examined { name: self.name, report, errors, code: out.status.code(), ssh_got_in, ssh_said }
    }

    /// No panic, no escape sequence, no secret.
    fn assert_clean(&self, out: &Output) {
        let errors = String::from_utf8_lossy(&out.stderr);
        assert!(!errors.contains("panicked"), "{}: {errors}", self.name);
        for bytes in [&out.stdout, &out.stderr] {
            let control = bytes.iter().find(|b| b.is_ascii_control() && **b != b'\n');
            assert_eq!(control, None, "{}: {}", self.name, String::from_utf8_lossy(bytes));
            self.assert_no_secret(bytes);
        }
    }

    /// All public keys and certificates of the scene.
    fn public_keys(&self) -> String {
        let files = std::fs::read_dir(self.folder()).unwrap().map(|e| e.unwrap().path());
        let public = files.filter(|path| path.extension().is_some_and(|e| e == "pub"));
        public.map(|path| std::fs::read_to_string(path).unwrap()).collect()
    }

    fn assert_no_secret(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(PASSPHRASE), "{}: the passphrase is shown", self.name);
        assert!(!text.contains("PRIVATE KEY"), "{}: a private key is shown", self.name);
        // A private key file holds the public half too, which may be shown.
        let public = self.public_keys();
        for file in self.secrets.iter().filter_map(|file| std::fs::read_to_string(file).ok()) {
            let body = file.lines().filter(|l| !l.starts_with("--") && l.len() >= 24);
            for part in body.map(|line| &line[..24]).filter(|part| !public.contains(part)) {
                assert!(!text.contains(part), "{}: a private key is shown", self.name);
            }
        }
    }
}

fn assert_valid(report: &Value) {
    static SCHEMA: OnceLock<jsonschema::Validator> = OnceLock::new();
    let schema = SCHEMA.get_or_init(|| {
        let schema = serde_json::from_str(include_str!("../../docs/report.schema.json")).unwrap();
        jsonschema::validator_for(&schema).unwrap()
    });
    let errors: Vec<_> = schema.iter_errors(report).map(|e| e.to_string()).collect();
    assert!(errors.is_empty(), "{errors:?}");
}

impl Examined {
    /// Ready, and `ssh` gets in.
    pub fn is_ready(&self) {
        self.is("ready", None, 0);
        assert!(self.ssh_got_in, "{}: ssh says: {}", self.name, self.ssh_said);
    }

    /// Not ready for this cause, and `ssh` does not get in.
    pub fn fails_with(&self, id: Id) {
        self.is("not-ready", Some(id), 1);
        assert!(!self.ssh_got_in, "{}: ssh got in", self.name);
    }

    /// Not ready for something that is wanted beside the login: `ssh` itself gets in.
    pub fn gets_in_but(&self, id: Id) {
        self.is("not-ready", Some(id), 1);
        assert!(self.ssh_got_in, "{}: ssh says: {}", self.name, self.ssh_said);
    }

    fn is(&self, verdict: &str, id: Option<Id>, code: i32) {
        let id = id.map(|id| id.to_string());
        let found = (self.report["verdict"].as_str(), self.report["diagnosis"]["id"].as_str());
        assert_eq!(
            (found, self.code),
            ((Some(verdict), id.as_deref()), Some(code)),
            "{}: ssh says: {}\n{}\n{:#}",
            self.name,
            self.ssh_said,
            self.errors,
            self.report
        );
    }

    /// The status of one check.
    pub fn status(&self, check: &str) -> &str {
        let checks = self.report["checks"].as_array().unwrap();
        checks.iter().find(|c| c["id"] == check).unwrap()["status"].as_str().unwrap()
    }

    /// What is said in the diagnosis, in one string.
    pub fn words(&self) -> String {
        self.report["diagnosis"].to_string()
    }
}

/// `situation!(name, |scene| { ...; words })`: a test whose last value is the command line.
macro_rules! situation {
    ($name:ident, |$scene:ident| $words:block, |$examined:ident| $outcome:block) => {
        #[test]
        fn $name() {
            let Some(mut $scene) = $crate::scene::Scene::new(stringify!($name)) else { return };
            let words: Vec<String> = $words;
            let $examined = $scene.examine(&words);
            $crate::keep::keep(&$scene);
            $outcome
        }
    };
}
pub(crate) use situation;
