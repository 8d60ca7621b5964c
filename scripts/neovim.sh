#!/usr/bin/env bash
# Installs Neovim, in which the tests use `onward lsp` as an editor does. Quick when it is
# there.
set -euo pipefail

if command -v nvim >/dev/null; then
  exit 0
fi
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends neovim
  exit 0
fi
echo "neovim.sh: there is no Neovim. Install the package neovim, 0.7 or newer (Debian: apt-get install" >&2
echo "neovim, as root), and run this again." >&2
exit 1
