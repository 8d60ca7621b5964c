#!/usr/bin/env bash
# Shows what onward says about two branches each of two small shops.
#
#   scripts/demo.sh              builds onward, makes the repositories and runs
#                                `onward changelog` on each branch, then rehearses
#                                them on a throwaway Postgres, records the test suite
#                                of one and verifies its branches with it; fails when
#                                an outcome is not the expected one
#   scripts/demo.sh --make DIR   only makes the repositories DIR/shop, DIR/django-shop
#                                and DIR/node-rooms (branches main, safe, unsafe)
#
# Environment: ONWARD, an onward binary to use instead of building one;
# DEMO_KEEP=1, do not remove the repositories afterwards.
set -euo pipefail

root="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
examples="$root/examples"

die() {
	echo "demo: $*" >&2
	exit 3
}

usage() {
	echo "usage: scripts/demo.sh [--make DIR]" >&2
	exit 2
}

# as DATE git-arguments... runs git as the shop's developer on that date, apart
# from the user's own configuration, so that the commits are the same everywhere.
as() {
	local date="$1"
	shift
	env -u GIT_DIR -u GIT_WORK_TREE -u GIT_INDEX_FILE -u GIT_PREFIX \
		GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null GIT_CONFIG_NOSYSTEM=1 GIT_CONFIG_COUNT=0 \
		GIT_AUTHOR_NAME='Ada Shop' GIT_AUTHOR_EMAIL=ada@shop.example GIT_AUTHOR_DATE="$date" \
		GIT_COMMITTER_NAME='Ada Shop' GIT_COMMITTER_EMAIL=ada@shop.example GIT_COMMITTER_DATE="$date" \
		git -c core.autocrlf=false -c core.hooksPath=/dev/null -c commit.gpgSign=false -c core.fileMode=true "$@"
}

# lay FROM TO copies a tree over another, without what Python leaves behind.
lay() {
	(cd "$1" && find . -name __pycache__ -prune -o -type f -print0 | LC_ALL=C sort -z |
		xargs -0 tar -cf -) | tar -xf - -C "$2"
}

# commits DIR DATE MIGRATIONS MESSAGE commits what is in the tree: each new
# migration (a name in the directory MIGRATIONS) by itself, then the code.
commits() {
	local dir="$1" date="$2" migrations="$3" message="$4" file hour=9
	while IFS= read -r file; do
		as "$date $hour:00:00 +0000" -C "$dir" add -- "$file"
		as "$date $hour:00:00 +0000" -C "$dir" commit -q -m "Add $(basename "$file")"
		hour=$((hour + 1))
	done < <(as "$date 09:00:00 +0000" -C "$dir" ls-files --others --exclude-standard -- "$migrations" | grep '/[0-9]' | LC_ALL=C sort -V)
	as "$date $hour:30:00 +0000" -C "$dir" add -A
	as "$date $hour:30:00 +0000" -C "$dir" commit -q -m "$message"
}

# repository EXAMPLE DIR MIGRATIONS makes one repository with its three branches.
repository() {
	local example="$1" dir="$2" migrations="$3" branch first='2026-03-02 09:00:00 +0000'
	[ ! -e "$dir" ] || die "$dir is there already"
	mkdir -p "$dir"
	as "$first" -C "$dir" init -q
	as "$first" -C "$dir" symbolic-ref HEAD refs/heads/main
	lay "$examples/$example/base" "$dir"
	commits "$dir" 2026-03-02 "$migrations" 'The shop as it is deployed'
	for branch in safe unsafe; do
		as "$first" -C "$dir" checkout -q -b "$branch" main
		lay "$examples/$example/$branch" "$dir"
		commits "$dir" 2026-04-13 "$migrations" 'Full names, channels and warehouses'
	done
	as "$first" -C "$dir" checkout -q main
}

make_repositories() {
	repository shop "$1/shop" db/migrations
	repository django-shop "$1/django-shop" shop/migrations
	repository node-rooms "$1/node-rooms" db/migrations
}

# say COMMAND... prints a command as it would be typed.
say() {
	printf '\n%s$%s %s\n\n' "$bold" "$plain" "$*"
}

# expect CODE DIR COMMAND... runs a command of onward and checks its exit code.
expect() {
	local want="$1" dir="$2" got=0
	shift 2
	say "cd $(basename "$dir") && onward $*"
	(cd "$dir" && "$onward" "$@") || got=$?
	if [ "$got" != "$want" ]; then
		failed="$failed
  $(basename "$dir"), onward $*: exit code $got, not $want"
	fi
}

if [ "${1:-}" = --make ]; then
	[ $# -eq 2 ] || usage
	make_repositories "$2"
	exit
fi
[ $# -eq 0 ] || usage

bold='' plain='' failed=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' plain=$'\033[0m'
fi

onward="${ONWARD:-}"
if [ -z "$onward" ]; then
	(cd "$root" && go build -o bin/onward ./cmd/onward)
	onward="$root/bin/onward"
fi
case "$onward" in /*) ;; *) onward="$PWD/$onward" ;; esac

# The Django shop has its dependencies in .venv, as a developer's checkout has.
if [ -x "$root/scripts/django-venvs.sh" ]; then
	venv="$("$root/scripts/django-venvs.sh" django-5.2-psycopg | tail -n 1)/django-5.2-psycopg"
else
	venv="${XDG_CACHE_HOME:-$HOME/.cache}/onward-demo/django-5.2"
	if ! "$venv/bin/python" -c 'import django' >/dev/null 2>&1; then
		python3 -m venv "$venv"
		"$venv/bin/pip" install --quiet --disable-pip-version-check 'Django==5.2.*' 'psycopg[binary]'
	fi
fi
"$venv/bin/python" -c 'import django' 2>/dev/null || die "no Django in $venv"

tmp="$(mktemp -d "${TMPDIR:-/tmp}/onward-demo.XXXXXX")"
if [ -n "${DEMO_KEEP:-}" ]; then
	echo "repositories: $tmp"
else
	trap 'rm -rf "$tmp"' EXIT
fi
make_repositories "$tmp"
ln -s "$venv" "$tmp/django-shop/.venv"

expect 0 "$tmp/shop" changelog --base main --head safe
expect 1 "$tmp/shop" changelog --base main --head unsafe
expect 0 "$tmp/django-shop" changelog --base main --head safe
expect 1 "$tmp/django-shop" changelog --base main --head unsafe

# The same for real: on a throwaway Postgres, with rows, traffic, and a report
# that somebody left running.
expect 0 "$tmp/django-shop" rehearse --quiet --base main --head safe
expect 0 "$tmp/shop" rehearse --base main --head safe --rows 2000,orders=200000 --traffic
expect 1 "$tmp/shop" rehearse --base main --head unsafe --rows 2000,orders=200000 --traffic --long-transaction 2s

# What the deployed code sends, from its own test suite, held against the release.
expect 0 "$tmp/shop" record --schema base --base main -- go test -count=1 ./...
expect 0 "$tmp/shop" verify --base main --head safe --workload onward.workload.json
expect 1 "$tmp/shop" verify --base main --head unsafe --workload onward.workload.json

# What to run instead of the unsafe branch, and the proof that it comes to the same.
expect 0 "$tmp/shop" plan --base main --head unsafe

if [ -n "$failed" ]; then
	echo "
demo failed:$failed" >&2
	exit 1
fi
echo "
As it should be: the safe branches deploy, the unsafe ones do not."
