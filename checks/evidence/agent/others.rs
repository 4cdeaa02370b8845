//! Other agents of the same user that hold keys: where `ssh` asks none, one of them may be the one
//! that is meant.
//!
//! Only sockets are looked at whose program runs already. Those that systemd listens at would
//! start a program; they are left alone.

#[cfg(unix)]
#[cfg(unix)]
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{AgentState, OtherAgent, ask};

/// How long each may take, all at the same time.
const LIMIT: Duration = Duration::from_millis(1000);
/// How many are asked at most.
#[cfg(unix)]
const MOST: usize = 12;

/// Those that hold keys, without the one that was asked already.
#[cfg(unix)]
pub(super) async fn holding_keys(
    asked: Option<&str>,
    announced: Option<String>,
) -> Vec<OtherAgent> {
    let look = || {
        let run = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        places(Path::new("/tmp"), std::env::home_dir().as_deref(), run.as_deref())
    };
    let sockets = tokio::task::spawn_blocking(look).await.unwrap_or_default();
    let first = announced.iter().cloned();
    let mut known = HashSet::new();
    let others = first.chain(sockets).filter(|s| Some(s.as_str()) != asked);
    let all = others.filter(|socket| known.insert(socket.clone())).take(MOST);
    let each = all.map(|socket| {
        let announced = announced.as_deref() == Some(&socket);
        async move {
            let asked = async { Some(ask(super::connect(&socket).await.ok()?).await) };
            match tokio::time::timeout(LIMIT, asked).await.ok()?? {
                AgentState::Keys(keys) if !keys.is_empty() => {
                    Some(OtherAgent { socket, announced, keys })
                }
                _ => None,
            }
        }
    });
    futures_util::future::join_all(each).await.into_iter().flatten().collect()
}

/// Sockets of this user at the places where agents put them.
#[cfg(unix)]
fn places(temporary: &Path, home: Option<&Path>, run: Option<&Path>) -> Vec<String> {
    use std::os::unix::fs::{FileTypeExt, MetadataExt};
    let own = nix::unistd::getuid().as_raw();
    let is_own_socket = |path: &PathBuf| {
        std::fs::symlink_metadata(path)
            .is_ok_and(|found| found.file_type().is_socket() && found.uid() == own)
    };
    let inside = |folder: &Path| -> Vec<PathBuf> {
        let mut files: Vec<_> = std::fs::read_dir(folder)
            .into_iter()
            .flatten()
            .filter_map(Result::ok)
            .map(|entry| entry.path())
            .collect();
        files.sort();
        files
    };
    let named = |path: &Path, start: &str| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(start))
    };
    let mut paths = Vec::new();
    // OpenSSH's own: ssh-agent and forwarded agents until 10.0, then below the home.
    for folder in inside(temporary) {
        if named(&folder, "ssh-") {
            paths.extend(inside(&folder).into_iter().filter(|path| named(path, "agent.")));
        }
    }
    if let Some(home) = home {
        paths.extend(inside(&home.join(".ssh/agent")));
        paths.push(home.join(".1password/agent.sock"));
    }
    if let Some(run) = run {
        for name in ["ssh-agent.socket", "openssh_agent", "keyring/ssh"] {
            paths.push(run.join(name));
        }
    }
    let own = paths.into_iter().filter(is_own_socket);
    own.map(|path| path.display().to_string()).collect()
}

/// PuTTY's agent, which OpenSSH for Windows does not ask.
#[cfg(windows)]
pub(super) async fn holding_keys(
    _asked: Option<&str>,
    _announced: Option<String>,
) -> Vec<OtherAgent> {
    let asked = async { Some(ask(pageant::PageantStream::new().await.ok()?).await) };
    match tokio::time::timeout(LIMIT, asked).await {
        Ok(Some(AgentState::Keys(keys))) if !keys.is_empty() => {
            vec![OtherAgent { socket: super::PAGEANT.to_owned(), announced: false, keys }]
        }
        _ => Vec::new(),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn sockets_are_found_where_agents_put_them() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let wanted = [
            "tmp/ssh-abc/agent.12",
            "home/.ssh/agent/s.x.agent.y",
            "home/.1password/agent.sock",
            "run/ssh-agent.socket",
            "run/keyring/ssh",
        ];
        let mut held = Vec::new();
        for name in wanted.iter().chain(&["tmp/other/agent.1", "tmp/ssh-abc/control"]) {
            std::fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            held.push(UnixListener::bind(at(name)).unwrap());
        }
        std::fs::write(at("run/openssh_agent"), "no socket").unwrap();
        let found = places(&at("tmp"), Some(&at("home")), Some(&at("run")));
        assert_eq!(found, wanted.map(|name| at(name).display().to_string()));
        assert_eq!(places(&at("none"), None, None), Vec::<String>::new());
    }
}
