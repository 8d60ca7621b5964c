#!/usr/bin/env bash
# Writes a version into what pipelines include, before the version is tagged: the Actions install that release, and so does
# GitLab's template.
#
#   scripts/pin.sh v1.2.3             writes it
#   scripts/pin.sh --check v1.2.3     exit code 1 if another one is written
set -euo pipefail
cd "${ONWARD_ROOT:-$(dirname "$0")/..}"

check=false
if [ "${1:-}" = --check ]; then
  check=true
  shift
fi
version=${1:-}
if ! [[ $version =~ ^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?$ ]]; then
  echo "pin: name a version, such as v1.2.3" >&2
  exit 2
fi
failed=0
# pin FILE KEY LINES VALUE writes the value after the key in these lines of a file, which have it once.
pin() {
  local text
  text=$(sed -E "$3 s|^( +$2: ).*|\\1$4|" "$1")
  if [ "$(grep -cE "^ +$2: ${4//./\\.}$" <<<"$text")" != 1 ]; then
    echo "pin: $1 has no place for $2, or several" >&2
    exit 3
  fi
  if ! $check; then
    printf '%s\n' "$text" >"$1"
  elif [ "$text" != "$(cat "$1")" ]; then
    echo "pin: $1 has another version than $version: run scripts/pin.sh $version, commit, and tag that commit" >&2
    failed=1
  fi
}
for action in action.yml ci/comment/action.yml ci/stats/action.yml; do
  pin "$action" default '/^  version:/,/^    default:/' "$version"
done
pin ci/onward.gitlab-ci.yml ONWARD_VERSION '' "$version"
pin ci/onward.gitlab-ci.yml ONWARD_IMAGE '' "ghcr.io/onward-sql/onward:${version#v}-git"
exit $failed
