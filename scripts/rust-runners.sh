#!/bin/sh
# Builds sqlx's and Diesel's command-line programs, which internal/adapter/realrunners holds
# onward against, beside what runners.sh installs. It takes Rust, libpq's headers and some twelve
# minutes on two cores, so nothing runs it by itself: the tests skip both programs without it.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
dir="$cache/runners-1/rust"
[ ! -f "$dir/.complete" ] || { echo "$dir"; exit 0; }
command -v cargo >/dev/null || { echo "rust-runners.sh: there is no cargo" >&2; exit 1; }
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
for crate in sqlx-cli@0.9.0 diesel_cli@2.3.14; do
	features=postgres
	[ "$crate" = "${crate#sqlx}" ] || features=postgres,rustls
	CARGO_TARGET_DIR="$build" cargo install --quiet --locked "$crate" --no-default-features --features "$features" --root "$dir" >&2
done
touch "$dir/.complete"
echo "$dir"
