#!/usr/bin/env bash
# The main step of the GitHub Action (action.yml): annotations in the log and the report in the summary of
# the job, both by --format github; the verdict as an output.
set -euo pipefail

mkdir -p "$FOLDER"
options=(--format github --fail-on "$FAIL_ON" --output "$FOLDER/report.json" --output "$FOLDER/report.md")
if [ -n "$OPTIONS" ]; then
  # xargs splits and unquotes as a shell does, and runs nothing.
  while IFS= read -r option; do options+=("$option"); done < <(printf '%s\n' "$OPTIONS" | xargs -n1 printf '%s\n')
fi

status=0
printf '%s\n' "$TARGETS" |
  bash "$(dirname "$0")/with-key.sh" ssh-preflight --targets - "${options[@]}" || status=$?

case "$status" in
  0) verdict=ready ;;
  1) verdict=not-ready ;;
  3) verdict=inconclusive ;;
  *) verdict= ;; # nothing was examined
esac
{
  echo "verdict=$verdict"
  echo "exit-code=$status"
  echo "report=$FOLDER/report.json"
} >>"$GITHUB_OUTPUT"
exit "$status"
