#!/usr/bin/env bash
# Installs psql and pg_dump, the client programs that tests run beside the servers. Quick if they are there.
set -euo pipefail

if command -v psql >/dev/null && command -v pg_dump >/dev/null; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql-client
  exit 0
fi
echo "psql.sh: psql or pg_dump is missing. Install the package postgresql-client (Debian: apt-get install" >&2
echo "postgresql-client, as root), and run this again." >&2
exit 1
