#!/usr/bin/env bash
# Makes the README's pictures, docs/images, from real output: the changelog of
# the example shop's unsafe branch, and the page of its rehearsal.
set -euo pipefail
cd "$(dirname "$0")/.."

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
make -s build
./scripts/demo.sh --make "$dir" >/dev/null
{
  printf '\033[1m$ onward changelog\033[0m\n\n'
  (cd "$dir/shop" && git checkout -q unsafe && "$OLDPWD/bin/onward" changelog --color always || [ $? = 1 ]) >"$dir/out"
  # The verdict, the first finding, and the end.
  awk '/transaction-lock-timeout-missing/ { exit } { print }' "$dir/out"
  printf '…\n\n'
  tail -n 3 "$dir/out"
} | go run ./internal/report/picture >docs/images/changelog.svg

(cd "$dir/shop" && "$OLDPWD/bin/onward" rehearse --base main --rows customers=400000,products=50000,orders=2e6,order_items=1e6 \
  --traffic --long-transaction 3s --format json >"$dir/rehearsal.json" || [ $? = 1 ])
go run ./internal/report/shots "$dir/rehearsal.json" docs/images
