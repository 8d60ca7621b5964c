#!/usr/bin/env bash
# Fails when a generated file is not what its generator writes. The catalogue of
# built-in functions is generated from servers and has a test of its own.
set -euo pipefail
cd "$(dirname "$0")/.."

before=$(mktemp) after=$(mktemp)
trap 'rm -f "$before" "$after"' EXIT
generated() {
  { git ls-files docs/rules docs/assistants docs/locks.md; git grep -lE '^// Code generated .* DO NOT EDIT' -- '*.go'; } | sort -u | xargs -r sha256sum
}
generated >"$before"
go generate ./internal/pgparse ./internal/effect ./internal/rules
generated >"$after"
if ! diff "$before" "$after"; then
  echo "stale: run make generate and commit what it changes" >&2
  exit 1
fi
untracked=$(git ls-files --others --exclude-standard docs)
if [ -n "$untracked" ]; then
  echo "stale: generated but not committed: $untracked" >&2
  exit 1
fi
