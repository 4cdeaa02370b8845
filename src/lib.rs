//! What a person meets: command line, reports, exit codes. No network and no judgement.

pub mod ask;
pub mod catalogue;
pub mod cli;
pub mod compare;
pub mod command;
pub mod completions;
pub mod copy;
pub mod demo;
pub mod exit;
pub mod files;
pub mod known_names;
pub mod man;
pub mod mistakes;
pub mod plans;
pub mod profiles;
pub mod progress;
pub mod redact;
pub mod render;
pub mod run;
pub mod schema;
pub mod ssh_letters;
pub mod sftp;
pub mod ssh_options;
pub mod subcommands;
pub mod target_list;
pub mod wait;
