#!/bin/sh
# What pre-commit runs, in the repository that is committed to: the onward of this checkout, which pre-commit keeps for its rev. The first
# run fetches the release that rev names, or builds the commit with Go; the next runs find it.
# `language: golang` would build every program of the module for it.
set -eu
here=$(cd "$(dirname "$0")/.." && pwd)
onward=$here/bin/onward

# make_onward fetches or builds it.
make_onward() {
  tag=$(unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE && git -C "$here" describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null) || tag=
  if [ -n "$tag" ] && sh "$here/install.sh" --version "$tag" --to "$here/bin" >&2; then
    return
  fi
  if ! command -v go >/dev/null; then
    [ -n "$tag" ] || echo "onward: without Go the hook's rev has to be a release, such as v1.2.3" >&2
    exit 3
  fi
  # Two hooks of one commit may come here at the same time: what is half built has another name.
  (cd "$here" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false go build -trimpath -ldflags='-s -w' -o "$onward.$$" ./cmd/onward && mv "$onward.$$" "$onward")
}

[ -x "$onward" ] || make_onward
exec "$onward" "$@"
