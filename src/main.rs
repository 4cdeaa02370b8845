//! The program: everything else is in the library beside it, so that it can be tested.

use std::process::ExitCode;

fn main() -> ExitCode {
    ssh_preflight::run::main(std::env::args_os().skip(1))
}
