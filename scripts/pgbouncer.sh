#!/usr/bin/env bash
# Installs pgbouncer and pgbench: the preflight is tested behind the one, and bench/wire measures
# the recording proxy beside both.
# Quick when they are there.
set -euo pipefail

if command -v pgbouncer >/dev/null && command -v pgbench >/dev/null; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends pgbouncer postgresql-contrib
  exit 0
fi
echo "pgbouncer.sh: pgbouncer or pgbench is missing. Install the packages pgbouncer and postgresql-contrib" >&2
echo "(Debian: apt-get install, as root), and run this again." >&2
exit 1
