#!/usr/bin/env bash
# Pastes the fixes that onward prints for public releases, and runs them on a server: public-fixes.sh URL@BASE..HEAD …
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || { echo 'usage: make fixes REPOS="https://github.com/owner/name@v1..v2 …"' >&2; exit 2; }

releases=$(mktemp -d)
trap 'rm -rf "$releases"' EXIT
n=0
for release in "$@"; do
	url=${release%@*} range=${release##*@} n=$((n + 1))
	to=$releases/$n-$(basename "$url" .git)
	for side in base head; do
		revision=${range%%..*}
		[ $side = base ] || revision=${range##*..}
		git init -q "$to/$side"
		git -C "$to/$side" fetch -q --depth 1 "$url" "$revision"
		git -C "$to/$side" checkout -q FETCH_HEAD
	done
done
ONWARD_REQUIRE=1 ONWARD_FIX_RELEASES=$releases go test -count=1 -timeout 60m -v -run '^TestPublicFixes$' ./internal/rules/tools/prove
