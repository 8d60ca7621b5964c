#!/usr/bin/env bash
# Makes the site of docs/, and fails when something in it leads nowhere or asks another host.
#
#   scripts/site.sh [DIR]   the site, in dist/site if not told
set -euo pipefail
cd "$(dirname "$0")/.."

said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
go run ./internal/cli/man "$said"
go run ./internal/site/build "$said/commands" "${1:-dist/site}"
