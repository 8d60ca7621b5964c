#!/usr/bin/env bash
# Installs Rails' command and its driver, as Debian has them: onward guard is tested with them, and so is what
# onward apply notes in its tables. Quick when they are there; a machine need not have them.
set -euo pipefail

if command -v ruby >/dev/null && ruby -e 'gem "railties"; gem "activerecord"; gem "pg"' 2>/dev/null; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends ruby-railties ruby-activerecord ruby-pg
  exit 0
fi
echo "rails.sh: no Rails: what is said of it is not tested here (Debian: ruby-railties, ruby-activerecord, ruby-pg)" >&2
