//! Servers that fail in one way each.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::stage::Fault;

/// An identification as a server of today sends it (RFC 4253, section 4.2).
const IDENTIFICATION: &[u8] = b"SSH-2.0-ssh-preflight-demo\r\n";
const HTTP: &[u8] = b"HTTP/1.1 400 Bad Request\r\nServer: demo\r\nConnection: close\r\n\r\n";

/// Plays one connection to its end.
pub async fn play(fault: Fault, mut stream: TcpStream) -> std::io::Result<()> {
    match fault {
        Fault::ClosesAtOnce => Ok(()),
        Fault::Silent => swallow(&mut stream).await,
        Fault::Ssh1 => {
            stream.write_all(b"SSH-1.5-1.2.27\n").await?;
            swallow(&mut stream).await
        }
        Fault::SpeaksHttp => {
            // A web server answers when it was asked, and our identification is no request.
            stream.write_all(HTTP).await?;
            stream.shutdown().await?;
            swallow(&mut stream).await
        }
        Fault::Overloaded => {
            stream.write_all(b"Exceeded MaxStartups\r\n").await?;
            stream.shutdown().await?;
            swallow(&mut stream).await
        }
        Fault::Tarpit => loop {
            // Lines before the identification are allowed; a tarpit sends nothing else.
            stream.write_all(format!("{:x}\r\n", rand::random::<u32>()).as_bytes()).await?;
            tokio::time::sleep(Duration::from_millis(50)).await;
        },
        Fault::StallsHandshake => {
            stream.write_all(IDENTIFICATION).await?;
            swallow(&mut stream).await
        }
        Fault::CutsHandshake => {
            stream.write_all(IDENTIFICATION).await?;
            // The client's identification and the start of its first packet.
            let mut heard = [0; 64];
            stream.read_exact(&mut heard).await?;
            // Closing with unread bytes or without lingering sends a reset instead of an end.
            stream.set_zero_linger()
        }
    }
}

/// Reads until the client goes away.
async fn swallow(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut heard = [0; 4096];
    while stream.read(&mut heard).await? > 0 {}
    Ok(())
}
