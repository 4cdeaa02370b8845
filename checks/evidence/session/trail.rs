//! What passes on the wire before encryption, read as it comes: pure, no input or output.
//!
//! A trail outlives the conversation: when the server resets, stalls or lies, what was said up to
//! then is still here.

use std::collections::VecDeque;

use crate::{
    evidence::{
        connection::OsError,
        handshake::{
            Agreed, AlgorithmLists, Disconnect, Handshake, HandshakeEnd, Identification, Step,
            StepTime,
        },
        key::{PublicKeyFacts, nests_certificates},
    },
    text::{FOREIGN_LIMIT, Foreign},
};

/// Lines before the identification that `ssh` reads at most (`kex.c`, SSH_MAX_PRE_BANNER_LINES).
pub const MAX_LINES: u64 = 1024;
/// Bytes of one such line that `ssh` reads at most (`kex.c`, SSH_MAX_BANNER_LEN).
pub const MAX_LINE: usize = 8192;
/// Lines that are kept to be shown.
const KEPT_LINES: usize = 8;
/// Bytes of a packet in the clear that are read at most (`packet.c`, PACKET_MAX_SIZE).
const MAX_PACKET: usize = 256 * 1024;

const SSH_MSG_DISCONNECT: u8 = 1;
const SSH_MSG_KEXINIT: u8 = 20;
const SSH_MSG_NEWKEYS: u8 = 21;

/// What was heard from the server, in order.
#[derive(Debug, Default)]
pub struct Trail {
    facts: Handshake,
    phase: Phase,
    line: Vec<u8>,
    packet: VecDeque<u8>,
    banner: Option<Foreign>,
    /// How the stream ended, where it did: told by the stream, not by the one who reads from it.
    ended: Option<HandshakeEnd>,
    no_methods: bool,
    not_opened: Option<Foreign>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Lines,
    Packets,
    Encrypted,
}

/// Why reading on makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// More lines or a longer line than `ssh` reads.
    #[error("no SSH identification within {MAX_LINES} lines of {MAX_LINE} bytes")]
    NotSsh,
    /// SSH-1, or a string that does not parse.
    #[error("an identification that is not SSH 2.0")]
    Version,
    /// A host key in which certificates stand inside certificates: no client takes it, and the
    /// library would follow them as deep as the server likes.
    #[error("a host key with certificates inside certificates")]
    Nested,
}

impl Trail {
    /// Takes bytes from the server, `at_us` microseconds after the connection, and returns what
    /// the SSH library is to read: all but the lines before the identification. The library takes
    /// 20 lines of 255 bytes, `ssh` takes 1,024 of 8,192.
    ///
    /// # Errors
    /// [`Stop`], where `ssh` would stop reading too.
    pub fn hear(&mut self, bytes: &[u8], at_us: u64) -> Result<Vec<u8>, Stop> {
        self.facts.received += bytes.len() as u64;
        let mut rest = bytes;
        let mut released = Vec::new();
        while self.phase == Phase::Lines && !rest.is_empty() {
            let end = rest.iter().position(|b| *b == b'\n').map(|at| at + 1);
            let (now, later) = rest.split_at(end.unwrap_or(rest.len()));
            rest = later;
            self.line.extend_from_slice(now.get(..MAX_LINE).unwrap_or(now));
            if self.line.len() > MAX_LINE {
                self.note_first_bytes();
                return Err(Stop::NotSsh);
            }
            if end.is_some() {
                released = self.end_line(at_us)?;
            } else {
                self.note_first_bytes();
            }
        }
        if self.phase == Phase::Packets {
            self.packet.extend(rest);
            self.read_packets(at_us)?;
        }
        released.extend_from_slice(rest);
        Ok(released)
    }

    fn note_first_bytes(&mut self) {
        if self.facts.lines_before.is_empty() {
            self.facts.first_bytes =
                Foreign::from_bytes(self.line.get(..FOREIGN_LIMIT).unwrap_or(&self.line));
        }
    }

    /// A whole line is there: an identification, or one of the lines before it.
    fn end_line(&mut self, at_us: u64) -> Result<Vec<u8>, Stop> {
        let line = std::mem::take(&mut self.line);
        let text = line.trim_ascii_end();
        if let Some(after) = text.strip_prefix(b"SSH-") {
            self.phase = Phase::Packets;
            self.reach(Step::Identification, at_us);
            let mut parts = after.splitn(2, |b| *b == b'-');
            let protocol = parts.next().unwrap_or_default();
            let software = parts.next().unwrap_or_default();
            let software = software.split(|b| *b == b' ').next().unwrap_or_default();
            let protocol = Foreign::from_bytes(protocol).printable();
            let speaks_2 = protocol == "2.0" || protocol == "1.99";
            self.facts.identification = Some(Identification {
                line: Foreign::from_bytes(text),
                protocol,
                software: Foreign::from_bytes(software),
            });
            return if speaks_2 { Ok(line) } else { Err(Stop::Version) };
        }
        self.facts.lines_before_count += 1;
        if self.facts.lines_before.is_empty() {
            self.facts.first_bytes = Foreign::from_bytes(text);
        }
        if self.facts.lines_before.len() < KEPT_LINES {
            self.facts.lines_before.push(Foreign::from_bytes(text));
        }
        if self.facts.lines_before_count > MAX_LINES { Err(Stop::NotSsh) } else { Ok(Vec::new()) }
    }

    /// Packets of RFC 4253, section 6, while they are in the clear: length, padding length, payload.
    fn read_packets(&mut self, at_us: u64) -> Result<(), Stop> {
        while self.phase == Phase::Packets {
            let Some(length) = self.packet_length() else { return Ok(()) };
            if !(2..=MAX_PACKET).contains(&length) {
                // Not a packet: the library will say so. Nothing more can be read here.
                self.phase = Phase::Encrypted;
                return Ok(());
            }
            if self.packet.len() < 4 + length {
                return Ok(());
            }
            let packet: Vec<u8> = self.packet.drain(..4 + length).skip(4).collect();
            let padding = packet.first().copied().map_or(0, usize::from);
            let payload = packet.get(1..length.saturating_sub(padding)).unwrap_or_default();
            if nests_certificates(payload) {
                return Err(Stop::Nested);
            }
            self.read_payload(payload, at_us);
        }
        self.packet = VecDeque::new();
        Ok(())
    }

    fn packet_length(&self) -> Option<usize> {
        let mut length = 0usize;
        for place in 0..4 {
            length = length << 8 | usize::from(*self.packet.get(place)?);
        }
        Some(length)
    }

    fn read_payload(&mut self, payload: &[u8], at_us: u64) {
        match payload.split_first() {
            Some((&SSH_MSG_KEXINIT, rest)) => {
                self.facts.offered = read_lists(rest);
                self.reach(Step::Algorithms, at_us);
            }
            Some((&SSH_MSG_DISCONNECT, rest)) => {
                let mut rest = rest;
                let code = read_u32(&mut rest);
                let description = read_string(&mut rest).unwrap_or_default();
                if let Some(code) = code {
                    let description = Foreign::from_bytes(description);
                    self.facts.disconnect = Some(Disconnect { code, description });
                }
            }
            Some((&SSH_MSG_NEWKEYS, _)) => self.phase = Phase::Encrypted,
            _ => {}
        }
    }

    /// How many bytes came from the server.
    pub fn received(&self) -> u64 {
        self.facts.received
    }

    /// Bytes were sent to the server.
    pub fn sent(&mut self, bytes: usize) {
        self.facts.sent += bytes as u64;
    }

    /// How many of the bytes that were sent the other computer has not acknowledged.
    pub fn unacknowledged(&mut self, bytes: Option<u64>) {
        self.facts.unacknowledged = bytes;
    }

    /// Marks a step, once.
    pub fn reach(&mut self, step: Step, at_us: u64) {
        if self.facts.reached < step {
            self.facts.reached = step;
            self.facts.steps.push(StepTime { step, at_us });
        }
    }

    /// The step that was reached.
    pub fn reached(&self) -> Step {
        self.facts.reached
    }

    /// The server's key came.
    pub fn host_key(&mut self, key: PublicKeyFacts, at_us: u64) {
        self.facts.host_key = Some(key);
        self.reach(Step::HostKey, at_us);
    }

    /// Keys are in use.
    pub fn agreed(&mut self, agreed: Agreed, at_us: u64) {
        self.facts.agreed = Some(agreed);
        self.phase = Phase::Encrypted;
        self.reach(Step::Keys, at_us);
    }

    /// Text for the user came before login (RFC 4252, section 5.4). The first one counts.
    pub fn banner(&mut self, text: Foreign) {
        self.banner.get_or_insert(text);
    }

    /// Text for the user.
    pub fn heard_banner(&self) -> Option<&Foreign> {
        self.banner.as_ref()
    }

    /// The server said goodbye within the session.
    pub fn goodbye(&mut self, disconnect: Disconnect) {
        self.facts.disconnect = Some(disconnect);
    }

    /// The server's goodbye.
    pub fn disconnect(&self) -> Option<&Disconnect> {
        self.facts.disconnect.as_ref()
    }

    /// The server listed no method to log in with, and the library ended the conversation.
    pub fn no_methods(&mut self) {
        self.no_methods = true;
    }

    /// Whether the server listed no method to log in with.
    pub fn has_no_methods(&self) -> bool {
        self.no_methods
    }

    /// The server refused to open a channel, with these words.
    pub fn refused_channel(&mut self, words: Foreign) {
        self.not_opened = Some(words);
    }

    /// Why the server refused to open the last channel, where it did; told once.
    pub fn take_not_opened(&mut self) -> Option<Foreign> {
        self.not_opened.take()
    }

    /// The stream ended: closed, or failed with an error of the system. The first end counts.
    pub fn end(&mut self, error: Option<OsError>, at_us: u64) {
        let end = error.map_or(HandshakeEnd::Closed, HandshakeEnd::Failed);
        self.ended.get_or_insert(end);
        self.facts.ended_us.get_or_insert(at_us);
    }

    /// How the stream ended, where it did.
    pub fn ended(&self) -> Option<&HandshakeEnd> {
        self.ended.as_ref()
    }

    /// What is known, given how the conversation ended.
    pub fn facts(&self, end: HandshakeEnd) -> Handshake {
        Handshake { end, ..self.facts.clone() }
    }
}

/// The ten name lists of SSH_MSG_KEXINIT, after its cookie (RFC 4253, section 7.1).
fn read_lists(payload: &[u8]) -> Option<AlgorithmLists> {
    let mut rest = payload.get(16..)?;
    let mut list = || -> Option<Vec<String>> {
        let names = std::str::from_utf8(read_string(&mut rest)?).ok()?;
        Some(names.split(',').filter(|n| !n.is_empty()).map(str::to_owned).collect())
    };
    Some(AlgorithmLists {
        kex: list()?,
        host_key: list()?,
        ciphers_to_server: list()?,
        ciphers_to_client: list()?,
        macs_to_server: list()?,
        macs_to_client: list()?,
    })
}

fn read_u32(from: &mut &[u8]) -> Option<u32> {
    let (number, rest) = from.split_first_chunk::<4>()?;
    *from = rest;
    Some(u32::from_be_bytes(*number))
}

/// A string of RFC 4251, section 5.
fn read_string<'b>(from: &mut &'b [u8]) -> Option<&'b [u8]> {
    let length = usize::try_from(read_u32(from)?).ok()?;
    let (string, rest) = from.split_at_checked(length)?;
    *from = rest;
    Some(string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn packet(payload: &[u8]) -> Vec<u8> {
        let padding = 4u8;
        let length = u32::try_from(1 + payload.len() + usize::from(padding)).unwrap();
        let mut out = length.to_be_bytes().to_vec();
        out.push(padding);
        out.extend_from_slice(payload);
        out.extend_from_slice(&[0; 4]);
        out
    }

    fn string(text: &str) -> Vec<u8> {
        let mut out = u32::try_from(text.len()).unwrap().to_be_bytes().to_vec();
        out.extend_from_slice(text.as_bytes());
        out
    }

    #[test]
    fn lines_before_the_identification_are_kept_from_the_library() {
        let mut trail = Trail::default();
        let released = trail.hear(b"Welcome\r\nto us\nSSH-2.0-Open_9 Debian\r\nabc", 7).unwrap();
        assert_eq!(released, b"SSH-2.0-Open_9 Debian\r\nabc");
        let facts = trail.facts(HandshakeEnd::Closed);
        assert_eq!(facts.lines_before_count, 2);
        let id = facts.identification.unwrap();
        assert_eq!((id.protocol.as_str(), id.software.raw()), ("2.0", "Open_9"));
        assert_eq!(facts.steps, [StepTime { step: Step::Identification, at_us: 7 }]);
    }

    #[test]
    fn ssh_1_is_told_and_not_read_further() {
        let mut trail = Trail::default();
        assert_eq!(trail.hear(b"SSH-1.5-old\n", 0), Err(Stop::Version));
        assert!(trail.facts(HandshakeEnd::Closed).identification.is_some());
    }

    #[test]
    fn a_line_without_end_is_no_identification() {
        let mut trail = Trail::default();
        let flood = vec![b'x'; 4096];
        assert!(trail.hear(&flood, 0).is_ok());
        assert!(trail.hear(&flood, 0).is_ok());
        assert_eq!(trail.hear(&flood, 0), Err(Stop::NotSsh));
    }

    #[test]
    fn certificates_inside_certificates_do_not_reach_the_library() {
        let mut trail = Trail::default();
        trail.hear(b"SSH-2.0-x\n", 0).unwrap();
        let nested = packet(&[&[31][..], &b"ssh-ed25519-cert-v01@openssh.com".repeat(9)].concat());
        let (start, end) = nested.split_at(nested.len() - 1);
        assert!(trail.hear(start, 0).is_ok(), "the packet is not whole yet");
        assert_eq!(trail.hear(end, 0), Err(Stop::Nested));
    }

    #[test]
    fn algorithm_lists_and_a_goodbye_in_the_clear_are_read_across_any_cut() {
        let mut bytes = b"SSH-2.0-x\r\n".to_vec();
        let mut kexinit = vec![SSH_MSG_KEXINIT];
        kexinit.extend_from_slice(&[0; 16]);
        for list in ["k1,k2", "h1", "c1", "c2", "m1", "m2", "none", "none", "", ""] {
            kexinit.extend(string(list));
        }
        kexinit.extend_from_slice(&[0; 5]);
        bytes.extend(packet(&kexinit));
        let mut goodbye = vec![SSH_MSG_DISCONNECT, 0, 0, 0, 12];
        goodbye.extend(string("Too many connections"));
        goodbye.extend(string(""));
        bytes.extend(packet(&goodbye));
        for cut in 0..bytes.len() {
            let mut trail = Trail::default();
            let mut released = trail.hear(&bytes[..cut], 1).unwrap();
            released.extend(trail.hear(&bytes[cut..], 2).unwrap());
            assert_eq!(released, bytes);
            let facts = trail.facts(HandshakeEnd::Closed);
            assert_eq!(facts.offered.unwrap().kex, ["k1", "k2"]);
            assert_eq!(facts.disconnect.unwrap().code, 12);
        }
    }

    proptest! {
        #[test]
        fn no_lists_break_it(lists in proptest::collection::vec("\\PC{0,20}", 0..12), cut: u8) {
            let mut kexinit = vec![SSH_MSG_KEXINIT];
            kexinit.extend_from_slice(&[0; 16]);
            for list in &lists {
                kexinit.extend(string(list));
            }
            kexinit.truncate(kexinit.len() - usize::from(cut) % kexinit.len());
            let mut trail = Trail::default();
            trail.hear(b"SSH-2.0-x\n", 0).unwrap();
            trail.hear(&packet(&kexinit), 0).unwrap();
            let whole = kexinit.len() >= 17 + lists.iter().take(6).map(|l| 4 + l.len()).sum::<usize>();
            let facts = trail.facts(HandshakeEnd::Closed);
            prop_assert_eq!(facts.offered.is_some(), lists.len() >= 6 && whole);
        }

        #[test]
        fn no_bytes_break_it(pieces in proptest::collection::vec(any::<Vec<u8>>(), 0..8), id: bool) {
            let mut trail = Trail::default();
            if id {
                trail.hear(b"SSH-2.0-x\n", 0).unwrap();
            }
            for piece in pieces {
                if trail.hear(&piece, 0).is_err() {
                    break;
                }
            }
        }
    }
}
