#!/usr/bin/env bash
# Installs sqitch with its driver for Postgres, as Debian has them: the statements that onward reads in a plan's scripts are compared
# with those that sqitch sends. Quick when they are there; a machine need not have them.
set -euo pipefail

if command -v sqitch >/dev/null && perl -MDBD::Pg -e 1 2>/dev/null; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends sqitch libdbd-pg-perl postgresql-client
  exit 0
fi
echo "sqitch.sh: no sqitch: what is said of it is not tested here (Debian: sqitch, libdbd-pg-perl)" >&2
