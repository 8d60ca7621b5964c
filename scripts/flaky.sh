#!/usr/bin/env bash
# Runs the tests of packages N times beside a load of two busy processes for each core, and prints each test that failed, with how often.
# A test that fails here without a change is repaired or deleted.
#
#   scripts/flaky.sh 20 ./internal/queue ./guard
set -euo pipefail
cd "$(dirname "$0")/.."

rounds=$1
shift
log=$(mktemp)
load=()
finish() {
  kill "${load[@]}" 2>/dev/null || true
  rm -f "$log"
}
trap finish EXIT
go test -pgo=off -vet=off -run '^$' "$@" >/dev/null # what is compiled once is not part of the load
for _ in $(seq $((2 * $(nproc)))); do
  (while :; do :; done) &
  load+=($!)
done
for round in $(seq "$rounds"); do
  if go test -pgo=off -vet=off -count=1 -timeout 60m "$@" >"$log.round" 2>&1; then
    echo "round $round of $rounds: passed"
  else
    echo "round $round of $rounds: FAILED"
    cat "$log.round"
    grep -E '^ *--- FAIL' "$log.round" | sed -E 's/^ *//; s/ \([0-9.]+s\)$//' >>"$log" || echo "a package did not end" >>"$log"
  fi
done
rm -f "$log.round"
if [ -s "$log" ]; then
  echo "failed, of $rounds rounds:"
  sort "$log" | uniq -c | sort -rn
  exit 1
fi
