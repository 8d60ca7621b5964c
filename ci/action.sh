# What the judging Action runs. It may run the branch's code (Django's settings), so no token is in its environment. It prints
# annotations, writes the job's summary, and leaves the report as an artifact for the comment.
set -eu -o pipefail
unset GITHUB_TOKEN GH_TOKEN
fail() {
  echo "::error::onward: $*"
  exit 2
}
event=${GITHUB_EVENT_NAME:-}
if [ "$event" = pull_request_target ]; then
  fail "this workflow runs on pull_request_target, where the branch's code could reach the repository's secrets. Run it on pull_request"
fi
if git config --get-regexp '^http\..*\.extraheader$' >/dev/null; then
  echo "::warning::onward: actions/checkout left the job's token in the git configuration, where the branch's code can read it. Set persist-credentials: false"
fi

base=${ONWARD_BASE:-}
if [ -z "$base" ]; then
  case "$event" in
    pull_request) base="refs/remotes/origin/$ONWARD_TARGET" ;; # whole: a tag may be called origin/main
    merge_group) base=${ONWARD_GROUP:-} ;;
    push) case "${ONWARD_BEFORE:-}" in *[!0]*) base=$ONWARD_BEFORE ;; esac ;;
  esac
fi
if [ -z "$base" ]; then
  # A new branch, a run by hand, a schedule: the default branch is deployed.
  base=refs/remotes/origin/${ONWARD_DEFAULT:-}
  if [ -z "${ONWARD_DEFAULT:-}" ] || git merge-base --is-ancestor HEAD "$base" 2>/dev/null; then
    fail "nothing says which revision is deployed: this $event compares ${GITHUB_REF:-HEAD} with nothing before it. Set the input base to a revision"
  fi
fi

dir=$RUNNER_TEMP/onward
rm -rf "$dir/artifact"
mkdir -p "$dir/artifact"
report=$dir/artifact/report.json
# Sizes: what ci/stats read on the default branch, or a file that the deployed revision has.
sizes=$RUNNER_TEMP/onward-sizes/onward.stats.json
if [ ! -s "$sizes" ]; then
  mkdir -p "$(dirname "$sizes")"
  git show "$base:onward.stats.json" > "$sizes" 2>/dev/null || sizes=
fi
code=0
onward changelog --base "$base" ${sizes:+--stats "$sizes"} ${ONWARD_FAIL_ON:+--fail-on "$ONWARD_FAIL_ON"} ${ONWARD_TRUST:+--trust "$ONWARD_TRUST"} --format json --output "$report" || code=$?
if [ -s "$report" ]; then
  onward report "$report" --fail-on never --format github || true
  onward report "$report" --fail-on never --format markdown >> "$GITHUB_STEP_SUMMARY" || true
  echo "${ONWARD_NUMBER:-0}" > "$dir/artifact/pull-request"
  echo "artifact=$dir/artifact" >> "$GITHUB_OUTPUT"
fi
exit "$code"
