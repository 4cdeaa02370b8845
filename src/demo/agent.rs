//! An SSH agent on a Unix socket of its own.

use std::path::Path;

use russh::keys::{PrivateKey, agent};
use tokio::{
    net::{UnixListener, UnixStream},
    task::JoinHandle,
};

/// Listens on the socket and holds these keys until it is dropped.
pub async fn start(socket: &Path, keys: &[PrivateKey]) -> Result<JoinHandle<()>, String> {
    let wrong = |e: &dyn std::fmt::Display| format!("The demo's agent does not start: {e}.");
    let listener = UnixListener::bind(socket).map_err(|e| wrong(&e))?;
    let incoming = futures_util::stream::unfold(listener, |listener| async {
        Some((listener.accept().await.map(|(stream, _)| stream), listener))
    });
    let task = tokio::spawn(async move {
        // It only ends with an error when the socket does.
        let _ = agent::server::serve(Box::pin(incoming), ()).await;
    });
    let stream = UnixStream::connect(socket).await.map_err(|e| wrong(&e))?;
    let mut client = agent::client::AgentClient::connect(stream);
    for key in keys {
        client.add_identity(key, &[]).await.map_err(|e| wrong(&e))?;
    }
    Ok(task)
}
