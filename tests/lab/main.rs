//! The lab: the real program against real servers, with `ssh` beside it as the oracle.
//!
//! Each situation starts its own sshd, dropbear, ssh-agent or faulty server on loopback, runs the
//! program and `ssh` as an ordinary user with the same arguments, and holds the two together: ready
//! exactly when `ssh` gets in. What is true of every report is asserted on every run, in
//! [`examine`].

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod account;
mod agents;
mod configurations;
mod examine;
mod faults;
mod handshakes;
mod harmless;
mod host_keys;
mod hostile;
mod keep;
mod keys;
mod scene;
mod servers;
