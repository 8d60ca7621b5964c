#!/usr/bin/env bash
# Makes the site of docs/ with mdBook, and fails when something in it leads nowhere or asks another host.
#
#   scripts/site.sh setup   installs mdBook into the user's cache: some minutes on two cores, once
#   scripts/site.sh [DIR]   the site, in dist/site if not told
set -euo pipefail
cd "$(dirname "$0")/.."

version=0.5.4
dir="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}/mdbook-$version"
mdbook="$dir/bin/mdbook"
if [ ! -x "$mdbook" ]; then
	if ! command -v cargo >/dev/null; then
		echo "site.sh: no cargo: mdBook, which makes the site, is not installed here" >&2
		[ "${1:-}" = setup ] && exit 0
		exit 1
	fi
	build=$(mktemp -d)
	trap 'rm -rf "$build"' EXIT
	# Hardly optimised: the whole site takes seconds anyway. Of its parts only the search is taken: no server, no watcher.
	CARGO_TARGET_DIR="$build" CARGO_PROFILE_RELEASE_OPT_LEVEL=1 cargo install --quiet --locked "mdbook@$version" \
		--no-default-features --features search --root "$dir" >&2
fi
[ "${1:-}" != setup ] || exit 0
said=$(mktemp -d)
trap 'rm -rf "$said"' EXIT
go run ./internal/cli/man "$said"
go run ./internal/site/build "$mdbook" "$said/commands" "${1:-dist/site}"
