# What the Action runs first: puts onward into $RUNNER_TEMP/onward, a released one by its checksum, or one that is built from
# the Action's own checkout (ONWARD_VERSION=source).
set -eu -o pipefail
dir=$RUNNER_TEMP/onward
mkdir -p "$dir"
version=${ONWARD_VERSION#v}
if [ "$version" = source ]; then
  (cd "$GITHUB_ACTION_PATH" && CGO_ENABLED=0 go build -o "$dir/" ./cmd/onward)
  echo "$dir" >> "$GITHUB_PATH"
  exit 0
fi
case "$version" in
  '' | *[!0-9A-Za-z.-]*) echo "::error::onward: version is no version; write source, or such as v1.2.3"; exit 2 ;;
esac
case "$RUNNER_OS" in
  Linux) os=linux end=tar.gz ;;
  macOS) os=darwin end=tar.gz ;;
  Windows) os=windows end=zip ;;
  *) echo "::error::onward: nothing is released for $RUNNER_OS"; exit 2 ;;
esac
case "$RUNNER_ARCH" in
  X64) arch=amd64 ;;
  ARM64) arch=arm64 ;;
  *) echo "::error::onward: nothing is released for $RUNNER_ARCH"; exit 2 ;;
esac
archive=onward_${version}_${os}_$arch.$end
from=${ONWARD_RELEASES:-https://github.com/onward-sql/onward/releases/download}/v$version
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for file in "$archive" checksums.txt; do
  curl --fail --silent --show-error --location --retry 3 --output "$file" "$from/$file" || {
    echo "::error::onward: $from/$file cannot be fetched; is v$version released?"
    exit 3
  }
done
want=$(awk -v name="$archive" '$2 == name { print $1 }' checksums.txt)
sum() { if command -v sha256sum > /dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi; }
got=$(sum "$archive" | cut -d ' ' -f 1)
if [ -z "$want" ] || [ "$want" != "$got" ]; then
  echo "::error::onward: $archive is not what checksums.txt says; nothing was installed"
  exit 3
fi
tar -xf "$archive" -C "$dir"
echo "$dir" >> "$GITHUB_PATH"
