#!/usr/bin/env bash
# Shows what onward does with a safe and an unsafe branch of two small shops.
#
#   scripts/demo.sh              builds onward, makes the repositories, and runs five commands on their
#                                branches: changelog, rehearse, record, verify, plan. It prints a screen
#                                for each and keeps the whole output in dist/demo. It fails if an exit
#                                code is not the expected one.
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

# title TEXT opens the screen of one command.
title() {
	part=$((part + 1))
	printf '\n%s%d. %s%s\n' "$bold" "$part" "$1" "$plain"
}

# run CODE DIR COMMAND... runs a command of onward, keeps its output in a file and checks its exit code.
run() {
	local want="$1" dir="$2" got=0
	shift 2
	runs=$((runs + 1))
	command="cd $(basename "$dir") && onward $*"
	file="$out/$(printf '%02d' "$runs")-$(basename "$dir")-$1-$(printf '%s' "$*" | sed -n 's/.*--head \([a-z]*\).*/\1/p').txt"
	file="${file/-.txt/.txt}"
	(cd "$dir" && "$onward" "$@") >"$file" 2>&1 || got=$?
	if [ "$got" != "$want" ]; then
		failed="$failed
  $command: exit code $got, not $want: see ${file#"$root/"}"
	fi
}

# show FIRST LAST prints the first and the last lines of the last run's output, and names the file with the rest.
show() {
	local lines
	lines=$(wc -l <"$file")
	printf '\n$ %s\n\n' "$command"
	if [ "$lines" -le $(($1 + $2 + 2)) ]; then
		sed '/./,$!d' "$file"
		return
	fi
	awk -v last="$1" 'NF { seen = 1 } seen && n < last { print; n++ }' "$file" # head would end the pipe early, and pipefail would end the demo
	printf '  … %d more lines in %s\n' $((lines - $1 - $2)) "${file#"$root/"}"
	tail -n "$2" "$file"
}

# mention prints one line for the last run: the command and its verdict.
mention() {
	printf '\n$ %s\n  %s\n' "$command" "$(grep -E '^(Safe to deploy|This release is not safe|Proven|Not proven)' "$file" | tail -n 1)"
}

if [ "${1:-}" = --make ]; then
	[ $# -eq 2 ] || usage
	make_repositories "$2"
	exit
fi
[ $# -eq 0 ] || usage

bold='' plain='' failed='' part=0 runs=0 command='' file=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
	bold=$'\033[1m' plain=$'\033[0m'
fi

echo "Five commands on two example shops: about a minute, and some minutes more the first time (it downloads
Postgres and installs Django). Nothing of yours is touched."

onward="${ONWARD:-}"
if [ -z "$onward" ]; then
	# A first build prints a line for each module that it downloads.
	if ! built="$(cd "$root" && go build -trimpath -o bin/onward ./cmd/onward 2>&1)"; then
		echo "$built" >&2
		die "onward cannot be built"
	fi
	onward="$root/bin/onward"
	echo "Built bin/onward. To run it in a project of yours, put $root/bin on your PATH."
fi
case "$onward" in /*) ;; *) onward="$PWD/$onward" ;; esac

# The Django shop has its dependencies in .venv, as a developer's checkout has.
# That of the tests is taken if it is there.
venv="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}/django-5.2-psycopg"
if ! "$venv/bin/python" -c 'import django' >/dev/null 2>&1; then
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

out="$root/dist/demo"
rm -rf "$out"
mkdir -p "$out"

title "changelog: what a branch does to the database, what it locks, and which deployed code breaks"
run 0 "$tmp/shop" changelog --base main --head safe
mention
run 0 "$tmp/django-shop" changelog --base main --head safe
run 1 "$tmp/django-shop" changelog --base main --head unsafe
mention
run 1 "$tmp/shop" changelog --base main --head unsafe
show 22 3

title "rehearse: the same release on a throwaway Postgres, with rows, traffic, and a report that somebody left running"
run 0 "$tmp/django-shop" rehearse --quiet --base main --head safe
run 0 "$tmp/shop" rehearse --base main --head safe --rows 2000,orders=200000 --traffic
mention
run 1 "$tmp/shop" rehearse --base main --head unsafe --rows 2000,orders=200000 --traffic --long-transaction 2s
show 20 3

title "record: the queries of the deployed code, from its own test suite"
run 0 "$tmp/shop" record --schema base --base main -- go test -count=1 ./...
show 20 3

title "verify: each of those queries at every commit point of the release"
run 0 "$tmp/shop" verify --base main --head safe --workload onward.workload.json
mention
run 1 "$tmp/shop" verify --base main --head unsafe --workload onward.workload.json
show 22 4

title "plan: what to run instead, and the proof that it makes the same schema and rows"
run 0 "$tmp/shop" plan --base main --head unsafe
show 10 6

if [ -n "$failed" ]; then
	echo "
demo failed:$failed" >&2
	exit 1
fi
echo "
As expected: the safe branches deploy, the unsafe ones do not. The whole outputs are in dist/demo."
