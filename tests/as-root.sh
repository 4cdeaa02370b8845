#!/usr/bin/env bash
# Runs one program of the tests, as cargo asks for it: the lab as root, since it starts servers and makes
# networks; all others as whoever runs the tests. tests/run.sh names it where that is not root.
set -euo pipefail
case "$(basename "$1")" in
  # What sudo leaves of its own would make the program say that it was run by sudo.
  lab-*)
    exec sudo --preserve-env=CI,RUST_TEST_THREADS,RUST_BACKTRACE,PREFLIGHT_OPENSSH10 \
      env -u SUDO_COMMAND -u SUDO_USER -u SUDO_UID -u SUDO_GID "$@"
    ;;
  *) exec "$@" ;;
esac
