#!/usr/bin/env bash
# What the Action runs first: puts onward into $RUNNER_TEMP/onward, a released one by its checksum (install.sh of the
# repository's root), or one that is built from the Action's own checkout (ONWARD_VERSION=source).
set -eu -o pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
dir=$RUNNER_TEMP/onward
mkdir -p "$dir"
trap 'code=$?; [ $code = 0 ] || echo "::error::onward was not installed; the log says why"; exit $code' EXIT
if [ "$ONWARD_VERSION" = source ]; then
  (cd "$here" && CGO_ENABLED=0 go build -o "$dir/" ./cmd/onward)
elif [ "$ONWARD_VERSION" = latest ]; then
  sh "$here/install.sh" --to "$dir"
else
  sh "$here/install.sh" --version "$ONWARD_VERSION" --to "$dir"
fi
echo "$dir" >> "$GITHUB_PATH"
