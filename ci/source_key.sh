# The key under which a program built from the Action's own checkout is cached: the content of all its files.
set -eu -o pipefail
cd "$(dirname "$0")/.."
key=$(find . -type f -not -path './.git/*' -print0 | LC_ALL=C sort -z | xargs -0 git hash-object --no-filters | git hash-object --stdin)
echo "key=$key" >> "$GITHUB_OUTPUT"
