#!/usr/bin/env bash
# Installs what the tests need. Quick if it is there.
#
#   scripts/setup.sh          into the user's cache: Postgres 12 to 18, Python environments, actionlint
#   scripts/setup.sh all      and every tool below
#   scripts/setup.sh NAME…    parts: postgres, django, actionlint
#                             tools: chromium neovim vscode compiler bwrap node pgbouncer packaged java php ruby psql sqitch rust pythons postgres19 manifests
#
# Without root, CI or ONWARD_APT=1 no package of Debian is installed: the command is printed, and the script fails.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="chromium neovim vscode compiler bwrap node pgbouncer packaged java php ruby psql sqitch rust pythons postgres19 manifests"
failed=0
updated=false

# debian PROBE PACKAGE… installs packages if the command PROBE fails.
debian() {
  local probe=$1
  shift
  if bash -c "$probe" >/dev/null 2>&1; then
    return 0
  fi
  if { [ -n "${CI:-}" ] || [ "${ONWARD_APT:-}" = 1 ]; } && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    if ! $updated; then
      # An installation that was killed stops each later one until dpkg has ended it.
      dpkg --configure -a >/dev/null
      apt-get update -qq
      updated=true
    fi
    apt-get install -y -qq -o DPkg::Lock::Timeout=300 --no-install-recommends "$@" >/dev/null
    return
  fi
  echo "setup: $part is missing. As root: apt-get install --no-install-recommends $*" >&2
  failed=1
  return 1
}

install_part() {
  case $part in
    postgres) go run ./internal/pgserver/fetch 12 13 14 15 16 17 18 ;;
    django) ./scripts/django-venvs.sh ;;
    actionlint) ./scripts/actionlint.sh setup ;;
    chromium)
      debian 'command -v chromium || command -v chromium-browser || command -v google-chrome || command -v google-chrome-stable' \
        chromium fonts-dejavu-core
      ;;
    vscode)
      debian 'command -v npm && command -v c++ && command -v make && command -v python3' nodejs npm g++ make python3 && ./scripts/code-server.sh
      ;;
    neovim) debian 'command -v nvim' neovim ;;
    compiler) debian 'command -v cc' gcc libc6-dev ;;
    bwrap) debian 'test -x /usr/bin/bwrap' bubblewrap ;;
    pgbouncer) debian 'command -v pgbouncer && command -v pgbench' pgbouncer postgresql-contrib ;;
    packaged) debian 'ls /usr/lib/postgresql/1[3-7]/lib/llvmjit.so' postgresql ;;
    psql) debian 'command -v psql && command -v pg_dump' postgresql-client ;;
    sqitch) debian 'command -v sqitch && perl -MDBD::Pg -e 1' sqitch libdbd-pg-perl postgresql-client ;;
    ruby)
      debian "ruby -e 'gem \"railties\"; gem \"activerecord\"; gem \"pg\"'" ruby-railties ruby-activerecord ruby-pg
      ;;
    php)
      debian "php -r 'exit(extension_loaded(\"pdo_pgsql\") && is_file(\"/usr/share/php/Illuminate/Events/autoload.php\") ? 0 : 1);'" \
        php-cli php-pgsql php-illuminate-database php-illuminate-events php-illuminate-filesystem
      ;;
    node) debian 'command -v node && command -v npm' nodejs npm && ./scripts/runners.sh node ;;
    java) debian 'command -v mvn && command -v javac' maven default-jdk-headless && ./scripts/runners.sh java ;;
    rust)
      if ! cargo --version >/dev/null 2>&1; then
        echo "setup: rust is missing: https://rustup.rs installs it" >&2
        failed=1
      else
        debian 'test -f /usr/include/postgresql/libpq-fe.h && command -v cc' libpq-dev gcc libc6-dev && ./scripts/rust-runners.sh
      fi
      ;;
    postgres19) ./scripts/postgres-19.sh || failed=1 ;;
    pythons) ./scripts/django-venvs.sh all || failed=1 ;;
    manifests) ./scripts/manifest-tools.sh || failed=1 ;;
    *)
      echo "setup: $part: parts are postgres, django, actionlint; tools are $tools" >&2
      exit 2
      ;;
  esac
}

[ $# -gt 0 ] || set -- postgres django actionlint
if [ "$1" = all ]; then
  # shellcheck disable=SC2086 # the names are separate words
  set -- postgres django actionlint $tools
fi
for part; do
  install_part || failed=1
done
exit $failed
