//! The ready-made parts for CI: they are of the form that their systems read, they keep secrets out of
//! scripts, and they name only options that there are.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "this is a test"
)]

mod tools;

use std::{collections::BTreeSet, path::Path, process::Command};

use saphyr::{LoadableYamlNode, Yaml};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(file: &str) -> String {
    std::fs::read_to_string(root().join(file)).unwrap_or_else(|e| panic!("{file}: {e}"))
}

/// The one document of a YAML file.
fn yaml(text: &str) -> Yaml<'_> {
    let mut documents = Yaml::load_from_str(text).unwrap();
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// A value below some names; `None` where there is none.
fn at<'y>(node: &'y Yaml<'y>, names: &[&str]) -> Option<&'y Yaml<'y>> {
    names.iter().try_fold(node, |node, name| node.as_mapping_get(name))
}

fn text<'y>(node: &'y Yaml<'y>, names: &[&str]) -> Option<&'y str> {
    at(node, names)?.as_str()
}

fn names(node: &Yaml<'_>) -> BTreeSet<String> {
    node.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap().to_owned()).collect()
}

/// What stands between `${{ inputs.` and its end.
fn inputs_used(words: &str) -> impl Iterator<Item = String> + '_ {
    let parts = words.split("inputs.").skip(1);
    parts.map(|part| part.split([' ', '}']).next().unwrap().to_owned())
}

#[test]
fn the_action_is_of_the_form_that_github_reads() {
    let source = read("action.yml");
    let action = yaml(&source);
    assert_eq!(text(&action, &["runs", "using"]), Some("composite"));
    let inputs = at(&action, &["inputs"]).unwrap();
    for name in names(inputs) {
        assert!(text(inputs, &[&name, "description"]).is_some(), "{name}");
    }
    let used: BTreeSet<_> = inputs_used(&source).collect();
    assert_eq!(used, names(inputs), "every input is used, and no other");
    let steps = at(&action, &["runs", "steps"]).unwrap().as_sequence().unwrap();
    let ids: Vec<_> = steps.iter().filter_map(|step| text(step, &["id"])).collect();
    for part in source.split("steps.").skip(1).filter(|part| !part.starts_with('\n')) {
        let id = part.split(['.', ':']).next().unwrap();
        assert!(ids.contains(&id), "there is no step {id}");
    }
    for step in steps {
        let Some(run) = text(step, &["run"]) else {
            let uses = text(step, &["uses"]).unwrap();
            assert!(uses.contains('@'), "{uses} names no version");
            continue;
        };
        assert_eq!(text(step, &["shell"]), Some("bash"));
        // What comes from outside would be run there.
        assert!(!run.contains("${{"), "{run}");
        let needed: BTreeSet<_> = run.split('$').skip(1).map(word).collect();
        let given = at(step, &["env"]).map(names).unwrap_or_default();
        for name in needed {
            let by_github = name.starts_with("GITHUB_") || name == "HOME";
            assert!(by_github || given.contains(&name), "{name} is not given to: {run}");
        }
        for script in run.split(['"', ' ']).filter(|word| word.ends_with(".sh")) {
            let script = script.trim_start_matches("$ACTION/");
            assert!(root().join(script).exists(), "{script}");
        }
    }
    // The script of the main step finds in its environment what it reads.
    let main = steps.iter().find(|step| text(step, &["id"]) == Some("run")).unwrap();
    let given = names(at(main, &["env"]).unwrap());
    let script = read("ci/github.sh");
    for name in ["TARGETS", "OPTIONS", "FAIL_ON", "FOLDER"] {
        assert!(script.contains(&format!("\"${name}")) && given.contains(name), "{name}");
    }
    for output in names(at(&action, &["outputs"]).unwrap()) {
        assert!(script.contains(&format!("echo \"{output}=")), "{output}");
    }
}

/// The name of a variable, from what stands behind a `$`.
fn word(rest: &str) -> String {
    rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

#[test]
fn the_job_for_gitlab_keeps_what_it_writes() {
    let source = read("ci/gitlab.yml");
    let file = yaml(&source);
    let job = at(&file, &[".ssh-preflight"]).unwrap();
    let script = at(job, &["script"]).unwrap().as_sequence().unwrap();
    let lines: Vec<_> = script.iter().map(|line| line.as_str().unwrap()).collect();
    let run = lines.iter().find(|line| line.contains("with-key ssh-preflight")).unwrap();
    let junit = text(job, &["artifacts", "reports", "junit"]).unwrap();
    assert!(run.contains(&format!("--output {junit}")), "{run}");
    assert!(!run.contains('\n'), "one command: {run}");
    let given = names(at(job, &["variables"]).unwrap());
    for name in run.split('$').skip(1).map(word) {
        assert!(given.contains(&name), "{name} is not set");
    }
    assert!(!lines.iter().any(|line| line.contains("PRIVATE_KEY")), "{lines:?}");
}

#[test]
fn no_secret_is_put_into_the_text_of_a_script() {
    let jenkins = read("ci/Jenkinsfile");
    let scripts: Vec<_> = jenkins.split("'''").skip(1).step_by(2).collect();
    assert_eq!(scripts.len(), 1);
    assert!(!jenkins.contains("\"\"\"") && !scripts[0].contains("PRIVATE_KEY"), "{scripts:?}");
    let container = read("ci/Containerfile");
    assert!(!container.lines().any(|line| line.starts_with("ARG ") || line.starts_with("ENV ")));
    let user = container.lines().rev().find_map(|line| line.strip_prefix("USER "));
    assert_eq!(user, Some("preflight"), "the last word is not root");
    // What goes to the builder is named one by one.
    let sent = read("ci/Containerfile.dockerignore");
    let mut lines = sent.lines().filter(|line| !line.starts_with('#'));
    assert_eq!(lines.next(), Some("*"));
    for line in lines {
        let path = line.strip_prefix('!').unwrap();
        assert!(root().join(path).exists(), "{path}");
    }
}

/// The image is seldom built: what it names has to be there.
#[test]
fn the_image_names_what_there_is() {
    let container = read("ci/Containerfile");
    let compiled: BTreeSet<_> = container
        .split(" -p ")
        .skip(1)
        .map(|rest| rest.split_whitespace().next().unwrap().to_owned())
        .collect();
    let names = ["Cargo.toml", "checks/Cargo.toml"].map(|manifest| {
        let manifest: toml::Table = read(manifest).parse().unwrap();
        manifest["package"]["name"].as_str().unwrap().to_owned()
    });
    assert_eq!(compiled, BTreeSet::from(names), "all of our own part is compiled anew");
    let installed: Vec<_> = container.split_whitespace().filter(|w| w.contains(".sh")).collect();
    assert!(!installed.is_empty());
    for script in installed {
        assert!(root().join(script).exists(), "{script}");
        let sent = read("ci/Containerfile.dockerignore");
        assert!(sent.lines().any(|line| line == format!("!{script}")), "{script} is not sent");
    }
    let program = format!("target/release/{}", env!("CARGO_PKG_NAME"));
    assert!(container.contains(&format!(" {program} ")), "{program}");
    // The builder looks for the names of what is left out beside the file that it is given.
    assert!(container.contains("-f ci/Containerfile "), "{container}");
}

/// An option that is renamed must be renamed there too.
#[test]
fn every_option_in_them_is_an_option_of_ours() {
    let command = ssh_preflight::command::command();
    let known: BTreeSet<_> =
        command.get_arguments().filter_map(clap::Arg::get_long).map(|l| format!("--{l}")).collect();
    for file in ["ci/github.sh", "ci/gitlab.yml", "ci/Jenkinsfile"] {
        let source = read(file);
        let ours = source.split("ssh-preflight --targets").skip(1);
        let ours = ours.chain(source.split("options=(").skip(1));
        let mut count = 0;
        for part in ours {
            let end = part.find(['|', ')', '\'', ']']).unwrap_or(part.len());
            let end = part.find("artifacts:").unwrap_or(end).min(end);
            let options = part[..end].split_whitespace().filter(|word| word.starts_with("--"));
            for option in options {
                assert!(known.contains(option), "{file}: {option}");
                count += 1;
            }
        }
        assert!(count > 0 || file == "ci/github.sh", "{file} names no option");
    }
}

#[cfg(unix)]
#[test]
fn the_scripts_are_without_fault() {
    let folders = ["ci", "tests"].map(|folder| root().join(folder));
    let files = folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap().flatten());
    let scripts: Vec<_> =
        files.map(|f| f.path()).filter(|p| p.extension().is_some_and(|e| e == "sh")).collect();
    assert!(scripts.len() > 4, "{scripts:?}");
    if tools::has("shellcheck") {
        let said = Command::new("shellcheck").arg("--severity=warning").args(&scripts).output();
        let said = said.unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    }
}
