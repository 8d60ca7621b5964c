#!/usr/bin/env bash
# Installs what the tests need: into the user's cache Postgres servers of every
# supported major, Python environments with Django, and other migration tools as
# far as npm, Maven, Rust, Ruby and Debian's packages are there; and Chromium (as root, with apt-get). Quick when
# all is there.
#
#   scripts/setup.sh            everything
#   scripts/setup.sh postgres   the servers only
#   scripts/setup.sh runners    the migration tools only
#   scripts/setup.sh chromium   the browser only
#   scripts/setup.sh neovim     the editor only
#   scripts/setup.sh psql       Postgres' client programs only
#   scripts/setup.sh pgbouncer  the pooler only
#   scripts/setup.sh actionlint what checks workflows only
set -euo pipefail
cd "$(dirname "$0")/.."

what=${1:-all}
if [ "$what" = all ] || [ "$what" = postgres ]; then
  go run ./internal/pgserver/fetch 12 13 14 15 16 17 18
fi
if [ "$what" = all ] || [ "$what" = django ]; then
  ./scripts/django-venvs.sh
fi
if [ "$what" = all ] || [ "$what" = runners ]; then
  ./scripts/runners.sh
  ./scripts/rust-runners.sh
  ./scripts/rails.sh
  ./scripts/sqitch.sh
  ./scripts/laravel.sh
fi
if [ "$what" = all ] || [ "$what" = chromium ]; then
  ./scripts/chromium.sh
fi
if [ "$what" = all ] || [ "$what" = neovim ]; then
  ./scripts/neovim.sh
fi
if [ "$what" = all ] || [ "$what" = psql ]; then
  ./scripts/psql.sh
fi
if [ "$what" = all ] || [ "$what" = pgbouncer ]; then
  ./scripts/pgbouncer.sh
fi
if [ "$what" = all ] || [ "$what" = actionlint ]; then
  ./scripts/actionlint.sh setup
fi
