//! The separate access with a password: the real program and the real `sftp`, against real servers.
//!
//! `sftp` is the oracle: what is called ready works with it, what is called broken does not.

mod account;
mod faults;
mod logins;
mod oracle;
mod rights;
