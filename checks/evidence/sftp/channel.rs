//! The channel of an SFTP session as a plain stream, with an ear for what is not SFTP.
//!
//! The SFTP library reads from any stream. What else comes on the channel (the answer to the
//! request, words on standard error, the exit status) would be lost in one, so it is kept here.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use russh::{Channel, ChannelMsg, client::Msg};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, DuplexStream},
    sync::watch,
};

use super::Subsystem;

/// How many of the first bytes are kept.
const KEPT: usize = 512;
/// How much may wait between the channel and the library.
const ROOM: usize = 64 * 1024;

/// What was heard on the channel beside the stream.
#[derive(Debug, Default)]
pub struct Heard {
    /// The first bytes of the stream.
    pub first: Vec<u8>,
    /// The first bytes of standard error.
    pub stderr: Vec<u8>,
    /// The exit status.
    pub exit_status: Option<u32>,
}

/// What was heard, shared with the task that listens.
#[derive(Debug, Clone, Default)]
pub struct Ear(Arc<Mutex<Heard>>);

impl Ear {
    /// What was heard by now. A panic of another holder leaves it readable: it only ever grows.
    pub fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A channel on which the subsystem was asked for.
pub struct Line {
    /// For the library.
    pub stream: DuplexStream,
    /// What was heard.
    pub ear: Ear,
    /// The answer to the wish for the subsystem, as it comes.
    pub subsystem: watch::Receiver<Subsystem>,
    /// Becomes true when the channel is closed.
    pub closed: watch::Receiver<bool>,
}

/// Asks for the subsystem, and carries the bytes from then on.
///
/// # Errors
/// That the conversation is over.
pub async fn open(channel: Channel<Msg>) -> Result<Line, russh::Error> {
    channel.request_subsystem(true, "sftp").await?;
    let (stream, ours) = tokio::io::duplex(ROOM);
    let ear = Ear::default();
    let (answered, subsystem) = watch::channel(Subsystem::NoAnswer);
    let (ended, closed) = watch::channel(false);
    let listening = ear.clone();
    tokio::spawn(async move {
        carry(channel, ours, &listening, &answered).await;
        let _ = ended.send(true);
    });
    Ok(Line { stream, ear, subsystem, closed })
}

async fn carry(
    channel: Channel<Msg>,
    stream: DuplexStream,
    ear: &Ear,
    answered: &watch::Sender<Subsystem>,
) {
    let (mut from_server, to_server) = channel.split();
    let (mut from_library, mut to_library) = tokio::io::split(stream);
    let mut buffer = vec![0; ROOM];
    let mut writing = true;
    loop {
        tokio::select! {
            message = from_server.wait() => match message {
                Some(ChannelMsg::Success) => _ = answered.send(Subsystem::Granted),
                Some(ChannelMsg::Failure) => {
                    // Nothing more will come.
                    _ = answered.send(Subsystem::Refused);
                    break;
                }
                Some(ChannelMsg::Data { data }) => {
                    keep(&mut ear.lock().first, &data);
                    // A library that reads no more has its reasons; the rest is still heard.
                    let _ = to_library.write_all(&data).await;
                }
                Some(ChannelMsg::ExtendedData { data, .. }) => keep(&mut ear.lock().stderr, &data),
                Some(ChannelMsg::ExitStatus { exit_status }) => {
                    ear.lock().exit_status = Some(exit_status);
                }
                Some(ChannelMsg::Eof) => _ = to_library.shutdown().await,
                Some(ChannelMsg::Close) | None => break,
                Some(_) => {}
            },
            read = from_library.read(&mut buffer), if writing => {
                let bytes = read.ok().and_then(|count| buffer.get(..count)).unwrap_or_default();
                let sent = if bytes.is_empty() {
                    writing = false;
                    to_server.eof().await
                } else {
                    to_server.data_bytes(bytes.to_vec()).await
                };
                if sent.is_err() {
                    break;
                }
            }
        }
    }
    let _ = to_server.close().await;
}

fn keep(kept: &mut Vec<u8>, more: &[u8]) {
    let room = KEPT.saturating_sub(kept.len());
    kept.extend(more.iter().take(room));
}
