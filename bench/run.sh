#!/bin/sh
# Compares onward with squawk, measures how its cost grows, and a rehearsal beside
# psql; see README.md beside this file. PARTS in the environment names the parts to
# run: "compare growth rehearse wire verify plan capture adapters lsp hook"; wire takes pgbouncer (scripts/setup.sh
# pgbouncer). install, stalls and backfill are run when they are named: ROWS and RUNS say how big. Flags are those of bench/compare, or of the one part that is named;
# CORPUS=dir adds a directory to compare on;
# REPO, BASE and HEAD measure `onward changelog` on a release, beside git grep.
set -eu
if [ -n "${CORPUS:-}" ]; then
	CORPUS="$(cd "$CORPUS" && pwd)"
	export CORPUS
fi
if [ -n "${REPO:-}" ]; then
	REPO="$(cd "$REPO" && pwd)"
	export REPO
fi
cd "$(dirname "$0")/.."
parts="${PARTS:-compare growth rehearse wire verify plan capture adapters lsp hook}"
if [ -z "${PARTS:-}" ] && [ -n "${REPO:-}" ]; then
	parts=changelog
fi
missed=0
for part in $parts; do
	if [ "$part" = backfill ]; then
		"${GO:-go}" run ./bench/stalls -backfill || missed=$?
	elif [ "$part" = compare ] || [ "$part" = "$parts" ]; then
		"${GO:-go}" run "./bench/$part" "$@" || missed=$?
	else
		"${GO:-go}" run "./bench/$part" || missed=$?
	fi
done
exit "$missed"
