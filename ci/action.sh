# What the Action runs: one report, as annotations, as the job's summary, and as the one comment.
set -eu -o pipefail
base=${ONWARD_BASE:-}
if [ -z "$base" ] && [ -n "${ONWARD_TARGET:-}" ]; then
  base="origin/$ONWARD_TARGET"
fi
if [ -z "$base" ]; then
  base=${ONWARD_BEFORE:-}
  case "$base" in
    *[!0]*) ;;
    *) echo "onward: there is nothing to compare the first push of a branch with"; exit 0 ;;
  esac
fi
dir=$RUNNER_TEMP/onward
mkdir -p "$dir"
report=$dir/report.json
rm -f "$report"
code=0
onward changelog --base "$base" ${ONWARD_FAIL_ON:+--fail-on "$ONWARD_FAIL_ON"} --format json --output "$report" || code=$?
if [ -s "$report" ]; then
  onward report "$report" --fail-on never --format github || true
  onward report "$report" --fail-on never --format markdown >> "$GITHUB_STEP_SUMMARY" || true
  if [ "${ONWARD_SARIF:-}" = true ]; then
    onward report "$report" --fail-on never --format sarif --output "$dir/onward.sarif" || true
    echo "sarif=$dir/onward.sarif" >> "$GITHUB_OUTPUT"
  fi
  case "${ONWARD_COMMENT:-},${GITHUB_REF:-}" in
    # A comment that could not be written fails no job: the verdict does.
    true,refs/pull/*) onward comment "$report" || echo "::warning::onward: the comment could not be kept up to date; the log says why" ;;
  esac
fi
exit "$code"
