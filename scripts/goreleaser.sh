#!/usr/bin/env bash
# Runs goreleaser, and what it runs to list what is in a binary, at fixed versions, installed into the user's cache.
#
#   scripts/goreleaser.sh ARGUMENTS…
#   scripts/goreleaser.sh --there     whether they are installed: exit code 1 where not
set -euo pipefail
cd "$(dirname "$0")/.."

# 2.17 is not had: a module of it is not on the proxy.
goreleaser=v2.16.0
cyclonedx=v1.10.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/onward-test
releaser=$cache/goreleaser-$goreleaser lister=$cache/cyclonedx-gomod-$cyclonedx
if [ "${1:-}" = --there ]; then
  [ -x "$releaser/goreleaser" ] && [ -x "$lister/cyclonedx-gomod" ]
  exit
fi
export CGO_ENABLED=0
if [ ! -x "$lister/cyclonedx-gomod" ]; then
  GOBIN=$lister go install "github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$cyclonedx"
fi
if [ ! -x "$releaser/goreleaser" ]; then
  echo "goreleaser is built once; that takes some minutes" >&2
  GOBIN=$releaser go install "github.com/goreleaser/goreleaser/v2@$goreleaser"
fi
PATH=$lister:$PATH exec "$releaser/goreleaser" "$@"
