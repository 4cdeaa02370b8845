#!/usr/bin/env bash
# Builds the program and holds it beside ssh, nmap, ssh-audit and ssh-keyscan. As root: it makes
# two network namespaces, works inside them alone, and removes them. See docs/benchmarks.md.
set -euo pipefail
cd "$(dirname "$0")/../.."
cargo build --release --quiet
exec python3 tests/bench/bench.py "$PWD/target/release/ssh-preflight" "$@"
