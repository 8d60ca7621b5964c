#!/bin/sh
# What pre-commit runs, in the repository that is committed to: this checkout's onward, which is made at the first run.
# `language: golang` would build every program of the module for it.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
onward=$here/bin/onward
if [ ! -x "$onward" ]; then
  if command -v go >/dev/null; then
    # Two hooks of one commit may come here at the same time: what is half built has another name.
    (cd "$here" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags='-s -w' -o "$onward.$$" ./cmd/onward && mv "$onward.$$" "$onward")
  elif tag=$(unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE && git -C "$here" describe --tags --exact-match 2>/dev/null); then
    sh "$here/install.sh" --version "$tag" --to "$here/bin"
  else
    echo "onward: without Go the hook's rev has to be a release, such as v1.2.3" >&2
    exit 3
  fi
fi
exec "$onward" "$@"
