#!/bin/sh
# Compares onward with squawk; see README.md beside this file. Flags are those
# of bench/compare; CORPUS=dir in the environment adds a directory to measure.
set -eu
if [ -n "${CORPUS:-}" ]; then
	CORPUS="$(cd "$CORPUS" && pwd)"
	export CORPUS
fi
cd "$(dirname "$0")/.."
exec "${GO:-go}" run ./bench/compare "$@"
