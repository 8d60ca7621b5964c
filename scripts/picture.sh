#!/usr/bin/env bash
# Makes docs/images/changelog.svg, the README's picture, from real output: the
# unsafe branch of the example shop.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
make -s build
./scripts/demo.sh --make "$dir" >/dev/null
{
  printf '\033[1m$ onward changelog\033[0m\n\n'
  (cd "$dir/shop" && git checkout -q unsafe && "$OLDPWD/bin/onward" changelog --color always || [ $? = 1 ]) >"$dir/out"
  # The first migration, and the end where the eye stops.
  awk 'NR > 3 && /00007_order_channel.sql/ && !seen { seen = 1; exit } { print }' "$dir/out"
  printf '…\n\n'
  tail -n 3 "$dir/out"
} | go run ./internal/report/picture >docs/images/changelog.svg
