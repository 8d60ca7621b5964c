#!/usr/bin/env bash
# Runs fuzz targets of the module for the given time each: every third one in turn, as package rotation does for
# test cases. With ONWARD_ROTATION=all it runs them all.
#
#   scripts/fuzz.sh 30s
set -euo pipefail
cd "$(dirname "$0")/.."

time=${1:-5s}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# fuzz DIR TARGET. Where the time ends while an input runs, Go up to 1.26 may call
# that a failure, "context deadline exceeded", without an input that failed:
# https://go.dev/issue/75804. Nothing else is forgiven.
fuzz() {
  echo "fuzz $1 $2"
  if go test -run '^$' -fuzz "^$2\$" -fuzztime "$time" -fuzzminimizetime 2s "$1" </dev/null 2>&1 | tee "$log"; then
    return 0
  fi
  if grep -q '^    context deadline exceeded$' "$log" && ! grep -qE 'Failing input|panic|hung or terminated|_test\.go:' "$log"; then
    echo "fuzz: no input failed; the time ended while one ran (go.dev/issue/75804)"
    return 0
  fi
  return 1
}

turn=${ONWARD_ROTATION:-$(($(date +%s) / 86400))}
number=0
while read -r dir target; do
  number=$((number + 1))
  if [ "$turn" = all ] || [ $(((number + turn) % 3)) = 0 ]; then
    fuzz "$dir" "$target"
  fi
done < <(grep -rE --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]+' . | sed -E 's#/[^/]*:func # #' | sort -u)
