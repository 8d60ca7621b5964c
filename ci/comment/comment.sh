# What the commenting Action runs. onward fetches the artifact of the run that judged, checks it, and writes the comment.
set -eu -o pipefail
if [ "$GITHUB_EVENT_NAME" != workflow_run ]; then
  echo "::error::onward: the comment is written on workflow_run, and this is $GITHUB_EVENT_NAME"
  exit 2
fi
dir=$RUNNER_TEMP/onward-comment
rm -rf "$dir"
mkdir -p "$dir"
silent=()
[ "${ONWARD_COMMENT:-}" = true ] || silent=(--silent)
onward comment --run "$GITHUB_EVENT_PATH" --to "$dir" ${silent[@]+"${silent[@]}"}
if [ "${ONWARD_SARIF:-}" = true ] && [ -s "$dir/report.json" ]; then
  GITHUB_TOKEN='' onward report "$dir/report.json" --fail-on never --format sarif --output "$dir/onward.sarif"
  {
    echo "sarif=$dir/onward.sarif"
    echo "ref=$(cat "$dir/ref")"
    echo "sha=$(cat "$dir/sha")"
  } >> "$GITHUB_OUTPUT"
fi
