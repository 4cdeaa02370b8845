//! What answers instead of an SSH server, by its first words: pure.

/// Names the service that sent these first bytes, where they are known.
#[must_use]
pub fn recognise(first: &str) -> Option<&'static str> {
    let starts = |prefix: &str| first.starts_with(prefix);
    Some(match first {
        f if starts("HTTP/") && f.contains(" 511") => "a captive portal (a network's login page)",
        f if starts("HTTP/") && f.contains(" 407") => "an HTTP proxy that wants a password",
        f if starts("HTTP/") && [" 301", " 302", " 303", " 307"].iter().any(|c| f.contains(c)) => {
            "a web server that leads elsewhere, as a network's login page does"
        }
        _ if starts("HTTP/") || starts("<!DOCTYPE") || starts("<html") => "a web server",
        _ if starts("\u{15}\u{3}") || starts("\u{16}\u{3}") => "a TLS (HTTPS) server",
        f if starts("220") && (f.contains("FTP") || f.contains("ftp")) => "an FTP server",
        _ if starts("220") => "a mail server",
        _ if starts("* OK") || starts("+OK") => "a mail server",
        _ if starts("-ERR") || starts("-DENIED") => "a Redis server",
        _ if starts("RFB ") => "a VNC server",
        _ if starts("\u{3}\0\0") => "a remote desktop (RDP)",
        _ if starts("AMQP") => "a message broker (AMQP)",
        _ if starts("RTSP/") => "a camera or media server (RTSP)",
        _ if starts("SIP/") => "a telephone server (SIP)",
        _ if starts("@RSYNCD:") => "an rsync server",
        _ if starts("<stream:stream") || starts("<?xml") => "a chat server (XMPP)",
        f if starts("20") && f.contains("NNTP") => "a news server (NNTP)",
        f if starts(":") && f.contains(" NOTICE ") => "a chat server (IRC)",
        f if f.get(1..).is_some_and(|f| f.starts_with("\0\0\0\n")) => "a MySQL server",
        _ if starts("\u{fffd}\u{fffd}") => "a Telnet server or another binary protocol",
        _ => return None,
    })
}

/// Whether the server says that it has no room, or that it punishes this address: OpenSSH's words
/// (`sshd.c`, 8.2 to 9.7, and from 9.8 on).
#[must_use]
pub fn is_no_room(line: &str) -> bool {
    line.starts_with("Exceeded MaxStartups") || line.starts_with("Not allowed at this time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_first_words() {
        let table = [
            ("HTTP/1.1 400 Bad Request", Some("a web server")),
            ("220 mail.example ESMTP", Some("a mail server")),
            ("220 (vsFTPd 3.0.3)", Some("an FTP server")),
            ("\u{15}\u{3}\u{1}\0\u{2}\u{2}", Some("a TLS (HTTPS) server")),
            ("J\0\0\0\n8.0", Some("a MySQL server")),
            (
                "HTTP/1.0 302 Found",
                Some("a web server that leads elsewhere, as a network's login page does"),
            ),
            ("HTTP/1.1 407 Proxy", Some("an HTTP proxy that wants a password")),
            ("\u{3}\0\0\u{b}\u{6}", Some("a remote desktop (RDP)")),
            ("@RSYNCD: 31.0", Some("an rsync server")),
            (":irc.example NOTICE * :*** Looking up", Some("a chat server (IRC)")),
            ("200 news.example NNRP (NNTP)", Some("a news server (NNTP)")),
            ("x7 p2 qq", None),
            ("", None),
        ];
        for (first, name) in table {
            assert_eq!(recognise(first), name, "{first:?}");
        }
    }

    #[test]
    fn both_generations_of_no_room() {
        assert!(is_no_room("Exceeded MaxStartups"));
        assert!(is_no_room("Not allowed at this time"));
        assert!(!is_no_room("Welcome"));
    }
}
