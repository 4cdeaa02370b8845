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

/// Why a server turns a connection away with a line of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TurnedAway {
    /// Too many that have not logged in yet: OpenSSH 8.2 to 9.7 (`sshd.c`).
    NoRoom,
    /// From OpenSSH 9.8 on: too many, or this address is punished. The words are the same.
    NotNow,
}

/// Whether the server turns the connection away with this line.
#[must_use]
pub fn turned_away(line: &str) -> Option<TurnedAway> {
    if line.starts_with("Exceeded MaxStartups") {
        return Some(TurnedAway::NoRoom);
    }
    line.starts_with("Not allowed at this time").then_some(TurnedAway::NotNow)
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
    fn both_generations_of_turning_away() {
        assert_eq!(turned_away("Exceeded MaxStartups"), Some(TurnedAway::NoRoom));
        assert_eq!(turned_away("Not allowed at this time"), Some(TurnedAway::NotNow));
        assert_eq!(turned_away("Welcome"), None);
    }
}
