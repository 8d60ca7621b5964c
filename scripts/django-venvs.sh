#!/usr/bin/env bash
# Makes the virtual environments that the tests of Django, Alembic and yoyo run in, one per version and Postgres
# driver, under the user's cache directory. Quick if they are there. Only the tools of Python itself are needed.
#
#   scripts/django-venvs.sh       those that a Python of this machine can run; NAME.no-python marks another one
#   scripts/django-venvs.sh all   fails if one cannot be made
set -euo pipefail

cache="${ONWARD_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/onward-test}"
mkdir -p "$cache"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# python MINOR... prints the first interpreter of one of these 3.x versions.
python() {
  local minor candidate
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

# pip INTERPRETER prints a directory with its pip, and nothing else that a requirement could be satisfied with. An environment
# with pip takes seconds, so there is one for each interpreter.
pip() {
  local dir
  dir=$tmp/pip$("$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  if [ ! -d "$dir" ]; then
    "$1" -m venv "$tmp/venv"
    mkdir "$dir"
    mv "$tmp"/venv/lib/python3*/site-packages/pip "$dir/pip"
    rm -rf "$tmp/venv"
  fi
  echo "$dir"
}

# fill NAME INTERPRETER PIP BASE REQUIREMENT… makes one environment. It begins with a copy of BASE's packages, if BASE has the
# same version of Python.
fill() {
  local interpreter=$2 pip=$3 base=$4 dir=$cache/$1 packages
  shift 4
  rm -rf "$dir"
  "$interpreter" -m venv --without-pip "$dir"
  packages=$(cd "$dir" && echo lib/python3*/site-packages)
  if [ -d "$cache/$base/$packages" ]; then
    cp -a "$cache/$base/$packages/." "$dir/$packages/"
  fi
  PYTHONPATH=$pip "$dir/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2
  echo "$*" >"$dir/.complete"
}

started=()
missing=0
# venv NAME BASE "REQUIREMENTS" MINOR... begins to make one environment, or says why not.
venv() {
  local name=$1 base=$2 wanted=$3 interpreter pip
  shift 3
  if [ -f "$cache/$name/.complete" ] && [ "$(cat "$cache/$name/.complete")" = "$wanted" ] &&
    "$cache/$name/bin/python" -c "import ${name%%-*}" >/dev/null 2>&1; then
    return
  fi
  if ! interpreter=$(python "$@"); then
    echo "django-venvs: $name needs Python 3.$(echo "$*" | sed 's/ /, 3./g'), which is not here: uv python install 3.$1" >&2
    touch "$cache/$name.no-python"
    missing=1
    return
  fi
  rm -f "$cache/$name.no-python"
  pip=$(pip "$interpreter")
  # shellcheck disable=SC2086 # the requirements are separate words
  fill "$name" "$interpreter" "$pip" "$base" $wanted &
  started+=($!)
}

# finish waits for the environments that were begun.
finish() {
  local pid failed=0
  for pid in "${started[@]}"; do
    wait "$pid" || failed=1
  done
  started=()
  [ $failed = 0 ] || exit 1
}

# "none" has no Postgres driver at all: rendering must not need one.
venv django-4.2-none - "Django==4.2.*" 11 12 10 9 8
venv django-5.2-none - "Django==5.2.*" 11 12 13 14 10
venv django-6.0-psycopg - "Django==6.0.* psycopg[binary]" 12 13 14
venv django-3.2-none - "Django==3.2.*" 8 9 10
venv alembic-1.13-psycopg2 - "alembic==1.13.* SQLAlchemy==1.4.* psycopg2-binary" 11 12 10 9
venv alembic-1.20-psycopg - "alembic==1.20.* SQLAlchemy==2.1.* psycopg[binary]" 11 12 13 14 10
venv yoyo-9.0-psycopg2 - "yoyo-migrations==9.0.* psycopg2-binary" 11 12 10
finish
venv django-4.2-psycopg2 django-4.2-none "Django==4.2.* psycopg2-binary" 11 12 10 9 8
venv django-5.2-psycopg django-5.2-none "Django==5.2.* psycopg[binary]" 11 12 13 14 10
finish
venv django-5.2-pghistory django-5.2-psycopg "Django==5.2.* psycopg[binary] django-pghistory==3.9.* django-pgtrigger==4.17.*" 11 12 13 14 10
venv django-5.2-tenants django-5.2-psycopg "Django==5.2.* psycopg[binary] django-tenants==4.0.*" 11 12 13 14 10
finish

[ "${1:-}" != all ] || exit $missing
