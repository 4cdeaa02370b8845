//! Makes a stage real, and tells how it is examined.

use std::net::Ipv4Addr;

use checks::{
    case::{Plan, TimeLimits},
    profile::built_in,
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

use super::{
    Scenario, faults,
    home::{Home, new_key},
    name_server,
    ssh_server::SshServer,
    stage::{Server, Stage},
};

/// Nothing here is far away: what is silent for this long stays silent.
const PATIENCE_MS: u64 = 2_000;

/// A running environment: it ends when it is dropped.
pub struct Environment {
    /// The scenario that is played.
    pub scenario: &'static Scenario,
    plan: Plan,
    servers: Vec<JoinHandle<()>>,
    _home: Home,
}

impl Environment {
    /// Starts everything that a scenario needs. `total_ms` limits the whole run.
    ///
    /// # Errors
    /// What the system refuses: a temporary folder, a port on loopback.
    pub async fn start(scenario: &'static Scenario, total_ms: Option<u64>) -> Result<Self, String> {
        let stage = scenario.stage();
        let wrong = |e: std::io::Error| format!("The demo does not start: {e}.");
        let home = Home::new().map_err(wrong)?;
        let (host_key, key) = (new_key(""), new_key("you@laptop"));
        let mut servers = Vec::new();

        let (name_server, task) = name_server::start(stage.names).await.map_err(wrong)?;
        servers.push(task);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(wrong)?;
        let server = listener.local_addr().map_err(wrong)?;
        match stage.server {
            Server::Nothing => drop(listener),
            Server::Ssh(rules) => {
                let known = key.public_key().clone();
                let ssh = SshServer::new(rules, host_key.clone(), known);
                servers.push(serve(listener, move |stream| ssh.clone().talk(stream)));
            }
            Server::Faulty(fault) => servers.push(serve(listener, move |stream| async move {
                // The client goes away when it has seen enough.
                let _ = faults::play(fault, stream).await;
            })),
        }
        #[cfg(unix)]
        if let super::stage::Agent::Holds { others, own } = stage.agent {
            let other = |n| new_key(&format!("other-{n}@laptop"));
            let mut keys: Vec<_> = (1..=others).map(other).collect();
            keys.extend(own.then(|| key.clone()));
            servers.push(super::agent::start(&home.path("agent.sock"), &keys).await?);
        }

        home.write_key(stage.key_file, &key).map_err(wrong)?;
        home.write_known_hosts(stage.known, server, &host_key).map_err(wrong)?;
        home.write_config(&stage, server).map_err(wrong)?;
        let plan = plan(&stage, &home, server.port(), name_server, total_ms);
        Ok(Self { scenario, plan, servers, _home: home })
    }

    /// How it is examined.
    #[must_use]
    pub fn plan(&self) -> Plan {
        self.plan.clone()
    }
}

impl Drop for Environment {
    fn drop(&mut self) {
        for server in &self.servers {
            server.abort();
        }
    }
}

/// What a person would have typed.
fn plan(
    stage: &Stage,
    home: &Home,
    port: u16,
    name_server: std::net::SocketAddr,
    total_ms: Option<u64>,
) -> Plan {
    let mut ssh_options = vec!["-F".to_owned(), home.path("config").display().to_string()];
    ssh_options.extend(stage.options.iter().map(|&option| option.to_owned()));
    let defaults = TimeLimits::default();
    // Without root nobody listens on port 22, so in the demo the provider's port is another.
    let profile = built_in("akeneo").cloned().map(|mut profile| {
        profile.port = Some(port);
        profile
    });
    Plan {
        input: format!("{}@{}", stage.user, stage.host),
        user: Some(stage.user.to_owned()),
        wants_forwarding: stage.options.contains(&"-A"),
        interactive: stage.interactive,
        ssh_options,
        profile,
        name_servers: vec![name_server],
        limits: TimeLimits {
            total_ms: total_ms.unwrap_or(defaults.total_ms),
            connect_ms: PATIENCE_MS,
            answer_ms: PATIENCE_MS,
            dns_ms: PATIENCE_MS,
        },
        ..Plan::of_host(stage.host)
    }
}

/// Takes connections until it is aborted, each in a task of its own.
fn serve<F>(listener: TcpListener, talk: impl Fn(TcpStream) -> F + Send + 'static) -> JoinHandle<()>
where
    F: Future<Output = ()> + Send + 'static,
{
    tokio::spawn(async move {
        // Connections end with the listener.
        let mut talks = tokio::task::JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            talks.spawn(talk(stream));
        }
    })
}
