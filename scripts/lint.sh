#!/usr/bin/env bash
# gofmt, actionlint, golangci-lint with vet (installed into the user's cache at a fixed version).
set -euo pipefail
cd "$(dirname "$0")/.."

version=v2.15.0
unformatted=$(git ls-files '*.go' | grep -v '/testdata/' | xargs gofmt -l)
if [ -n "$unformatted" ]; then
  echo "not formatted: $unformatted" >&2
  exit 1
fi
cache=${XDG_CACHE_HOME:-$HOME/.cache}/onward-test/golangci-lint-$version
if [ ! -x "$cache/golangci-lint" ]; then
  GOBIN=$cache go install "github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$version"
fi
./scripts/actionlint.sh
"$cache/golangci-lint" run ./...
