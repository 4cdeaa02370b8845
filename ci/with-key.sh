#!/usr/bin/env bash
# Runs a command with a private key from a CI secret in an agent of its own.
#
#   with-key.sh COMMAND [ARGUMENT...]
#
# The key goes from the variable into the agent by a pipe: it is in no file, no log and no command line,
# and the command does not find it in its environment either. The agent ends with the command.
#
#   SSH_PRIVATE_KEY  the private key: its text, the same in base64, or (as GitLab's "file" variables have
#                    it) the path of a file that holds it. Without it, the command runs with the agent
#                    that is there already, if any.
#   SSH_KNOWN_HOSTS  lines of a known_hosts file, or the path of a file that holds them, so that the server
#                    proves itself. If it is set, no other known_hosts counts and an unknown server is
#                    refused.
#
# ssh, scp, sftp and ssh-preflight are told to use those known hosts and to ask nobody anything. git is
# told so by GIT_SSH_COMMAND. For everything else, $WITH_KEY_KNOWN_HOSTS names the file.
set -euo pipefail
set +x

complain() {
  printf 'with-key.sh: %s\n' "$@" >&2
}

if [ "$#" -eq 0 ]; then
  complain 'Which command? Write it after this one: with-key.sh ssh-preflight USER@HOST'
  exit 2
fi

# Whatever form a secret has after copying: text with \r\n, without the last line break, with "\n" in
# letters, in base64, or in a file.
key_text() {
  local text=$SSH_PRIVATE_KEY
  if [[ $text != *-----BEGIN* && $text != *$'\n'* && -f $text ]]; then
    text=$(cat -- "$text")
  fi
  if [[ $text != *-----BEGIN* ]]; then
    # By a pipe: a here-document may be a file.
    text=$(printf '%s' "$text" | tr -d '[:space:]' | base64 --decode 2>/dev/null | tr -d '\0') || text=
  fi
  if [[ $text != *$'\n'* ]]; then
    text=${text//\\r/}
    text=${text//\\n/$'\n'}
  fi
  printf '%s\n' "${text//$'\r'/}"
}

if [ -n "${SSH_PRIVATE_KEY:-}" ]; then
  # The same once more, with the key in a pipe and no longer in the environment: what a process was
  # started with can be read by its user for as long as it lives.
  exec 8< <(key_text)
  exec env -u SSH_PRIVATE_KEY WITH_KEY_PIPE=8 bash -- "${BASH_SOURCE[0]}" "$@"
fi

folder=
agent=
child=
# shellcheck disable=SC2317 # called by the trap
end() {
  if [ -n "$agent" ]; then kill "$agent" 2>/dev/null || true; fi
  if [ -n "$folder" ]; then rm -rf -- "$folder"; fi
}
# shellcheck disable=SC2317 # called by the trap
hand_on() {
  if [ -n "$child" ]; then kill -s "$1" "$child" 2>/dev/null || true; else exit 130; fi
}
trap end EXIT
for signal in HUP INT TERM; do
  # shellcheck disable=SC2064 # the name of now
  trap "hand_on $signal" "$signal"
done

umask 077
folder=$(mktemp -d "${TMPDIR:-/tmp}/with-key.XXXXXX")

if [ -n "${WITH_KEY_PIPE:-}" ]; then
  unset WITH_KEY_PIPE
  # The agent must not inherit the pipe, or whatever waits for its end.
  # Should it outlive us after all (SIGKILL), it forgets the key by itself.
  eval "$(ssh-agent -s -t 6h -a "$folder/agent" 8<&-)" >/dev/null
  agent=$SSH_AGENT_PID
  if ! said=$(SSH_ASKPASS_REQUIRE=never ssh-add -q - <&8 2>&1 >/dev/null); then
    complain 'SSH_PRIVATE_KEY is no private key that ssh-add can read without a passphrase.' \
      'Put the whole file into the secret, from -----BEGIN to -----END, or its base64.' "ssh-add says: $said"
    exit 2
  fi
  exec 8<&-
fi

strict=()
if [ -n "${SSH_KNOWN_HOSTS:-}" ]; then
  export WITH_KEY_KNOWN_HOSTS=$folder/known_hosts
  known=$SSH_KNOWN_HOSTS
  # No line of a known_hosts file is the name of a file.
  if [ -f "$known" ]; then known=$(cat -- "$known"); fi
  printf '%s\n' "${known//$'\r'/}" >"$WITH_KEY_KNOWN_HOSTS"
  strict=(-o "UserKnownHostsFile=$WITH_KEY_KNOWN_HOSTS" -o GlobalKnownHostsFile=/dev/null
    -o StrictHostKeyChecking=yes)
fi
strict+=(-o BatchMode=yes)
GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh}$(printf ' %q' "${strict[@]}")"
export GIT_SSH_COMMAND

command=$1
shift
case "${command##*/}" in
  ssh | scp | sftp | ssh-preflight) set -- "${strict[@]}" "$@" ;;
esac
# In the background and waited for, so that a signal is handed on at once, and the agent is ended after
# the command in any case.
"$command" "$@" <&0 &
child=$!
while :; do
  status=0
  wait "$child" || status=$?
  # A signal ends the waiting, not the command.
  kill -0 "$child" 2>/dev/null || break
done
exit "$status"
