#!/bin/sh
# Builds sqlx's and Diesel's command-line programs, which internal/adapter/realrunners and apply are held
# against, beside what runners.sh installs: some five minutes on two cores, once. Quick when they are there.
# It takes Rust and, for Diesel, libpq's headers.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
dir="$cache/runners-1/rust"
[ ! -f "$dir/.complete" ] || exit 0
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
# Not optimised: that would take twice as long, and they wait for Postgres anyway.
CARGO_TARGET_DIR="$build" cargo install --debug --quiet --locked sqlx-cli@0.9.0 --no-default-features --features postgres,rustls --root "$dir" >&2
CARGO_TARGET_DIR="$build" cargo install --debug --quiet --locked diesel_cli@2.3.14 --no-default-features --features postgres --root "$dir" >&2
touch "$dir/.complete"
