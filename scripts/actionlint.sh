#!/usr/bin/env bash
# Runs actionlint at a fixed version, installed into the user's cache, on this repository's workflows. The workflows that
# onward init writes are checked by a test of internal/first, which finds it there.
#
#   scripts/actionlint.sh ARGUMENTS…
#   scripts/actionlint.sh setup     only installs it
set -euo pipefail
cd "$(dirname "$0")/.."

version=v1.7.12
cache=${XDG_CACHE_HOME:-$HOME/.cache}/onward-test/actionlint-$version
if [ ! -x "$cache/actionlint" ]; then
  GOBIN=$cache CGO_ENABLED=0 go install "github.com/rhysd/actionlint/cmd/actionlint@$version"
fi
if [ "${1:-}" != setup ]; then
  exec "$cache/actionlint" "$@"
fi
