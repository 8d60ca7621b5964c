# What the Action for sizes runs. It leaves the sizes in a directory, which the next step puts into the cache.
set -eu -o pipefail
if [ "${GITHUB_REF:-}" != "refs/heads/${ONWARD_DEFAULT:-}" ]; then
  echo "::error::onward: other branches see the cache of the default branch only, and this is ${GITHUB_REF:-no branch}"
  exit 2
fi
if [ -z "${ONWARD_STATS_URL:-}" ]; then
  echo "::notice::onward: no address is given, so no sizes are read. Set the secret ONWARD_STATS_URL to the address of the database or of a replica"
  exit 0
fi
dir=$RUNNER_TEMP/onward-sizes
rm -rf "$dir"
mkdir -p "$dir"
onward stats env:ONWARD_STATS_URL --output "$dir/onward.stats.json"
echo "directory=$dir" >> "$GITHUB_OUTPUT"
