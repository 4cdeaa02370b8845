//! Reads a target as `ssh` does: `[user@]host` or `ssh://[user@]host[:port]`. Pure.
