#!/usr/bin/env bash
# What both Actions run first: puts onward into $RUNNER_TEMP/onward-program, a released one by its checksum (install.sh of the
# repository's root), or one that is built from the Action's own checkout (ONWARD_VERSION=source) unless the cache had it.
set -eu -o pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$RUNNER_TEMP/onward-program
mkdir -p "$dir"
trap 'code=$?; [ $code = 0 ] || echo "::error::onward was not installed; the log says why"; exit $code' EXIT
if [ "$ONWARD_VERSION" = source ]; then
  [ -x "$dir/onward" ] || [ -x "$dir/onward.exe" ] || (cd "$here" && CGO_ENABLED=0 go build -o "$dir/" ./cmd/onward)
elif [ "$ONWARD_VERSION" = latest ]; then
  sh "$here/install.sh" --to "$dir"
else
  sh "$here/install.sh" --version "$ONWARD_VERSION" --to "$dir"
fi
echo "$dir" >> "$GITHUB_PATH"
