#!/bin/sh
# Makes the virtual environments that the tests of Django, Alembic and yoyo run in, one
# per version and Postgres driver, under the user's cache directory. Idempotent and
# quick when everything is there already.
#
#   django-4.2-psycopg2   django-4.2-none   django-5.2-psycopg   django-5.2-none
#   django-5.2-pghistory  (with django-pghistory and django-pgtrigger)
#   django-5.2-tenants    (with django-tenants)
#   django-6.0-psycopg    (only where a Python of 3.12 or newer is found)
#   alembic-1.13-psycopg2 (with SQLAlchemy 1.4)   alembic-1.20-psycopg (with 2.1)
#   yoyo-9.0-psycopg2
#   django-3.2-none       (only where a Python of 3.8, 3.9 or 3.10 is found)
#
# "none" has no Postgres driver at all: rendering must not need one.
# Prints the directory that holds them.
set -eu

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
mkdir -p "$cache"

# python MINOR... prints the first interpreter of one of these 3.x versions.
python() {
	for minor in "$@"; do
		for candidate in "python3.$minor" \
			"$HOME"/.pyenv/versions/3."$minor".*/bin/python3 \
			"$HOME"/.local/share/uv/python/*3."$minor".*/bin/python3 \
			/opt/homebrew/bin/python3."$minor" /usr/local/bin/python3."$minor" python3; do
			if "$candidate" -c "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, $minor))" >/dev/null 2>&1; then
				command -v "$candidate"
				return
			fi
		done
	done
	return 1
}

# venv NAME REQUIREMENTS MINOR... makes one environment, or says why not.
venv() {
	name="$1" wanted="$2"
	shift 2
	dir="$cache/$name"
	if [ -f "$dir/.complete" ] && [ "$(cat "$dir/.complete")" = "$wanted" ] &&
		"$dir/bin/python" -c "import ${name%%-*}" >/dev/null 2>&1; then
		return
	fi
	if ! interpreter="$(python "$@")"; then
		echo "$name: skipped, no Python 3.x of: $*" >&2
		return
	fi
	rm -rf "$dir"
	"$interpreter" -m venv "$dir"
	# shellcheck disable=SC2086 # the requirements are separate words
	"$dir/bin/pip" install --quiet --disable-pip-version-check $wanted >&2
	printf '%s\n' "$wanted" >"$dir/.complete"
}

venv django-4.2-psycopg2 "Django==4.2.* psycopg2-binary" 11 12 10 9 8
venv django-4.2-none "Django==4.2.*" 11 12 10 9 8
venv django-5.2-psycopg "Django==5.2.* psycopg[binary]" 11 12 13 10
venv django-5.2-none "Django==5.2.*" 11 12 13 10
venv django-5.2-pghistory "Django==5.2.* psycopg[binary] django-pghistory==3.9.* django-pgtrigger==4.17.*" 11 12 13 10
venv django-5.2-tenants "Django==5.2.* psycopg[binary] django-tenants==4.0.*" 11 12 13 10
venv django-6.0-psycopg "Django==6.0.* psycopg[binary]" 12 13 14
venv django-3.2-none "Django==3.2.*" 8 9 10
venv alembic-1.13-psycopg2 "alembic==1.13.* SQLAlchemy==1.4.* psycopg2-binary" 11 12 10 9
venv alembic-1.20-psycopg "alembic==1.20.* SQLAlchemy==2.1.* psycopg[binary]" 11 12 13 10
venv yoyo-9.0-psycopg2 "yoyo-migrations==9.0.* psycopg2-binary" 11 12 10

echo "$cache"
