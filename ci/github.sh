#!/usr/bin/env bash
# The main step of the GitHub Action (action.yml): annotations in the log and the report in the summary of
# the job, both by --format github; the verdict as an output.
set -euo pipefail

mkdir -p "$FOLDER"
# What an earlier step left there is not the report of this one.
rm -f "$FOLDER/report.json" "$FOLDER/report.md"
options=(--format github --fail-on "$FAIL_ON" --output "$FOLDER/report.json" --output "$FOLDER/report.md")
if [ -n "$OPTIONS" ]; then
  # xargs splits and unquotes as a shell does, and runs nothing. Options that it cannot read are no reason to go
  # on without them.
  if ! split=$(printf '%s\n' "$OPTIONS" | xargs -n1 printf '%s\n'); then
    echo "::error::ssh-preflight: the input \"options\" cannot be read: a quote in it is not closed"
    printf 'verdict=\nexit-code=2\nreport=\n' >>"$GITHUB_OUTPUT"
    exit 2
  fi
  while IFS= read -r option; do options+=("$option"); done <<<"$split"
fi

status=0
printf '%s\n' "$TARGETS" |
  bash "$(dirname "$0")/with-key.sh" ssh-preflight --targets - "${options[@]}" || status=$?

# The exit code also follows from fail-on; the verdict is that of the report. Where nothing was examined, there is
# none.
verdict=''
report=''
if [ -f "$FOLDER/report.json" ] && [ "$status" -ne 2 ]; then
  report=$FOLDER/report.json
  verdict=$(sed -n 's/^  "verdict": "\([a-z-]*\)",\{0,1\}$/\1/p' "$report" | head -n 1)
fi
{
  echo "verdict=$verdict"
  echo "exit-code=$status"
  echo "report=$report"
} >>"$GITHUB_OUTPUT"
exit "$status"
