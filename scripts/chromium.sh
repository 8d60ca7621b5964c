#!/usr/bin/env bash
# Installs Chromium, in which the tests look at the report's page and
# internal/report/shots takes its pictures. Quick when it is there.
set -euo pipefail

for name in chromium chromium-browser google-chrome google-chrome-stable; do
  if command -v "$name" >/dev/null; then
    exit 0
  fi
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
  exit 0
fi
echo "chromium.sh: there is no Chromium. Install the package chromium (Debian: apt-get install chromium," >&2
echo "as root) or Google Chrome, and run this again." >&2
exit 1
