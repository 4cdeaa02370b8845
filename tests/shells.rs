//! Completions in real shells, and the manual pages in real readers of them.

#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod tools;

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use ssh_preflight::subcommands::SUBCOMMANDS;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIB9dG4kjRhQTtWTVzd2t27+t0DEHBPW7iOD23TUiYLio";

/// A shell with the program in its path and a home of its own.
fn shell(program: &str, home: &Path) -> Command {
    let folder = Path::new(env!("CARGO_BIN_EXE_ssh-preflight")).parent().unwrap();
    let mut command = Command::new(program);
    command.env_clear().env("HOME", home).env("TERM", "dumb").env("LANG", "C.UTF-8");
    command.env("PATH", format!("{}:/usr/bin:/bin", folder.display())).stdin(Stdio::null());
    command.current_dir(home);
    command
}

fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {stderr}");
    String::from_utf8(output.stdout).unwrap()
}

fn home() -> tempfile::TempDir {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".ssh")).unwrap();
    std::fs::write(home.path().join(".ssh/known_hosts"), format!("shop.example.com {KEY}\n"))
        .unwrap();
    home
}

#[test]
fn bash_completes() {
    if !tools::has("bash") {
        return;
    }
    let home = home();
    let completed = |words: &str, last: &str| {
        // What bash itself does when the key is pressed: it sets these and calls the function.
        let script = format!(
            "source <(ssh-preflight completions bash)
             function=$(complete -p ssh-preflight | sed 's/.* -F \\([^ ]*\\) .*/\\1/')
             COMP_WORDS=({words} {last}) COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)) COMP_TYPE=9
             \"$function\" ssh-preflight {last} '' 2>/dev/null
             printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        let mut bash = shell("bash", home.path());
        output(bash.args(["--norc", "--noprofile", "-c", &script]))
    };
    assert_eq!(completed("ssh-preflight", "cata"), "catalogue\n");
    assert_eq!(completed("ssh-preflight catalogue", "host-key-ch"), "host-key-changed\n");
    assert_eq!(completed("ssh-preflight -A --only", "short"), "short-name\n");
    assert_eq!(completed("ssh-preflight", "ada@sh"), "ada@shop.example.com\n");
    assert_eq!(completed("ssh-preflight demo ready", "not-s"), "not-ssh\n");
}

/// Types into a zsh on a terminal of its own, whose completions are those of a package.
#[test]
fn zsh_completes() {
    if !tools::has("zsh") {
        return;
    }
    let home = home();
    let folder = home.path().join("completions");
    std::fs::create_dir(&folder).unwrap();
    let script = output(shell("ssh-preflight", home.path()).args(["completions", "zsh"]));
    std::fs::write(folder.join("_ssh-preflight"), script).unwrap();
    is_typed_to_the_end(
        home.path(),
        r#"
        zpty s zsh -f -i
        zpty -w s 'PS1= ; fpath=($HOME/completions $fpath); autoload -U compinit; compinit -u; echo rea""dy'
        "#,
        "",
    );
}

#[test]
fn fish_completes() {
    if !tools::has("fish") {
        return;
    }
    let home = home();
    let completed = |line: &str| {
        let script = format!("ssh-preflight completions fish | source; complete -C '{line}'");
        output(shell("fish", home.path()).args(["--no-config", "-c", &script]))
    };
    let line = completed("ssh-preflight ca");
    assert!(line.starts_with("catalogue\tLists every diagnosis"), "{line:?}");
    let line = completed("ssh-preflight demo --li");
    assert!(line.starts_with("--list\t"), "{line:?}");
    let line = completed("ssh-preflight --profile ak");
    assert!(line.starts_with("akeneo"), "{line:?}");
}

/// Types into an elvish on a terminal that zsh makes: no script of its own can ask for its completions.
#[test]
fn elvish_completes() {
    if !tools::has("elvish") || !tools::has("zsh") {
        return;
    }
    let home = home();
    let script = output(shell("ssh-preflight", home.path()).args(["completions", "elvish"]));
    let start = format!("set edit:prompt = {{ print ready }}\n{script}");
    std::fs::write(home.path().join("rc.elv"), start).unwrap();
    is_typed_to_the_end(
        home.path(),
        "zpty s 'stty rows 30 cols 100; XDG_RUNTIME_DIR=$HOME exec elvish -rc $HOME/rc.elv'",
        "zpty -w s exit",
    );
}

/// Presses the tab key in a shell on a terminal that zsh makes: `open` starts it there, so that it says
/// "ready", and `close` is done after the key.
fn is_typed_to_the_end(home: &Path, open: &str, close: &str) {
    let typed = format!(
        r#"
        zmodload zsh/zpty
        {open}
        zpty -r -m s whatever '*ready*'
        zpty -w s $'ssh-preflight catalogue host-key-ch\t'
        {close}
        zpty -r -m s said '*looks alike*'
        print -r -- "$said"
        zpty -d s
        "#
    );
    let said = output(shell("zsh", home).args(["-f", "-c", &typed]));
    assert!(said.contains("The server's key is not the one that this computer knows"), "{said}");
}

/// Whoever asks for completions is in the middle of typing: nothing is examined and nothing said.
#[test]
fn nonsense_is_answered_with_silence() {
    let home = home();
    for shell_name in ["bash", "tcsh", ""] {
        let mut program = shell(env!("CARGO_BIN_EXE_ssh-preflight"), home.path());
        program.env("SSH_PREFLIGHT_COMPLETE", shell_name);
        let output = program.args(["--", "ssh-preflight", "--nothing", "\u{1b}"]).output().unwrap();
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(!words.contains("panicked"), "{shell_name}: {words}");
        assert!(!String::from_utf8(output.stdout).unwrap().contains('\u{1b}'));
    }
}

#[test]
fn each_subcommand_helps_with_itself() {
    let home = home();
    for known in SUBCOMMANDS {
        let usage = format!("\nUsage: {}\n", known.usage());
        for words in [[known.name, "--help"], ["-h", known.name]] {
            let page = output(shell("ssh-preflight", home.path()).args(words));
            assert!(page.starts_with(known.about) && page.contains(&usage), "{words:?}: {page}");
        }
    }
    // A host of that name is a target, and the page is that of the program.
    let page = output(shell("ssh-preflight", home.path()).args(["--help", "--", "demo"]));
    assert!(page.contains("\n       ssh-preflight demo "), "{page}");
}

#[test]
fn manual_pages_are_without_fault() {
    let readers: [(&str, &[&str]); 3] = [
        ("groff", &["-ww", "-man", "-Tutf8", "-z"]),
        ("mandoc", &["-T", "lint", "-W", "warning"]),
        ("man", &["--warnings=w", "-l", "-"]),
    ];
    let home = home();
    for name in std::iter::once(None).chain(SUBCOMMANDS.iter().map(|known| Some(known.name))) {
        let mut program = shell("ssh-preflight", home.path());
        let page = output(program.arg("man").args(name));
        for (reader, arguments) in readers {
            if !tools::has(reader) {
                continue;
            }
            let mut command = shell(reader, home.path());
            command.args(arguments).stdin(Stdio::piped());
            let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
            child.stdin.take().unwrap().write_all(page.as_bytes()).unwrap();
            let said = child.wait_with_output().unwrap();
            let complaints = String::from_utf8_lossy(&said.stderr).into_owned();
            let shown = String::from_utf8_lossy(&said.stdout).into_owned();
            assert!(
                said.status.success() && complaints.is_empty(),
                "{name:?}: {complaints}{shown}"
            );
            if reader == "man" {
                assert!(shown.contains("EXIT STATUS"), "{shown}");
            }
        }
    }
}
