#!/usr/bin/env bash
# Installs what the tests need and runs them all. On Debian and Ubuntu, as root or with sudo.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(
  # The lab: both ends, name servers, firewalls.
  openssh-client openssh-server dropbear-bin dnsmasq-base nftables iproute2 netcat-openbsd debian-archive-keyring
  # The completions and manual pages are tried where they are used; scripts are looked over; the
  # Debian package is made.
  zsh fish elvish man-db mandoc shellcheck bsdutils dpkg-dev
  # The page of a report is opened in a real browser, and read by a second reader of HTML.
  chromium-headless-shell tidy
  # Programs that are not ours read our JUnit files.
  libxml2-utils python3-junitparser
  # Their logs are explained.
  git putty-tools rsync)
missing=()
as_root=()
if [ "$(id -u)" -ne 0 ]; then as_root=(sudo); fi
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
# Both generations of OpenSSH: the installed one, and OpenSSH 10 beside it.
bash tests/openssh10.sh

# The lab starts servers as root and plays the user with an account of its own: for root itself every
# file is readable, and no mode of a key is wrong. Without root it plays the one who runs it, and
# skips by name what needs more.
may_be_root=false
if [ "$(id -u)" -eq 0 ] || sudo -n true 2>/dev/null; then
  may_be_root=true
  if ! id preflight-test >/dev/null 2>&1; then
    # "*" is no password, but no lock either: sshd refuses a locked account.
    "${as_root[@]}" useradd --create-home --shell /bin/sh --password '*' preflight-test
  fi
  # The user of the separate SFTP access. It has no password here: each run of the lab gives it one
  # that nobody else knows.
  if ! id preflight-sftp >/dev/null 2>&1; then
    "${as_root[@]}" useradd --create-home --shell /bin/sh --password '*' preflight-sftp
  fi
fi

# A failed expectation says where it is and what was expected; the frames below it only push that out of
# sight.
export RUST_BACKTRACE=0

# The lab mostly waits for servers, agents and limits of time: more of it runs at once than there
# are cores.
export RUST_TEST_THREADS="${RUST_TEST_THREADS:-$((3 * $(nproc)))}"

cargo fmt --all --check
cargo clippy --workspace --all-targets -- -D warnings

# What is built for users goes through more of the compiler than tests do. It is built beside the tests,
# which mostly wait, in a folder of its own (target/release), so that neither waits for the other.
nice -n 19 cargo build --release --locked --quiet &
release=$!
trap 'kill "$release" 2>/dev/null || true' EXIT

runner=()
if [ "$(id -u)" -ne 0 ] && "$may_be_root"; then
  runner=(--config "target.'cfg(unix)'.runner = ['$PWD/tests/as-root.sh']")
fi
cargo "${runner[@]}" test --workspace

wait "$release"
trap - EXIT
# The README's first command, and the package of that very program.
cargo run --release --locked --quiet -- demo >/dev/null
bash tests/package.sh
