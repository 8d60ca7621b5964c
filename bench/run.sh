#!/bin/sh
# Compares onward with squawk, and a rehearsal with psql; see README.md beside
# this file. Flags are those of bench/compare; CORPUS=dir in the environment adds
# a directory to measure.
set -eu
if [ -n "${CORPUS:-}" ]; then
	CORPUS="$(cd "$CORPUS" && pwd)"
	export CORPUS
fi
cd "$(dirname "$0")/.."
missed=0
"${GO:-go}" run ./bench/compare "$@" || missed=$?
"${GO:-go}" run ./bench/rehearse || missed=$?
exit "$missed"
