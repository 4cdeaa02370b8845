#!/usr/bin/env bash
# Installs what the tests need and runs them all. On Debian and Ubuntu, as root or with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."

as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi

packages=(openssh-client openssh-server dropbear-bin)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi

# Root would be let in where an ordinary user is not. So the lab runs ssh and the program as a user
# of its own. Its password is one that nobody can type; a locked account could not log in by key.
if [ "$(id -u)" -eq 0 ] && ! id preflight-test >/dev/null 2>&1; then
  useradd --create-home --shell /bin/sh --password '*' preflight-test
fi

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings
cargo test --workspace
