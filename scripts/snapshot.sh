#!/usr/bin/env bash
# Makes all that a release has but its signature and containers, into dist/release, installs it in each way and runs it.
#
#   scripts/snapshot.sh        for this machine's own system and processor
#   scripts/snapshot.sh all    for all that are released
set -euo pipefail
cd "$(dirname "$0")/.."
dist=$PWD/dist/release
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
die() {
  echo "snapshot: $*" >&2
  exit 1
}
step() { echo "-- $*"; }

os=$(go env GOOS) arch=$(go env GOARCH)
config=.goreleaser.yaml
if [ "${1:-own}" != all ]; then
  config=$tmp/own.yaml
  sed "s/^    goos: .*/    goos: [$os]/; s/^    goarch: .*/    goarch: [$arch]/" .goreleaser.yaml >"$config"
fi
if ! git remote get-url origin >/dev/null 2>&1; then
  # goreleaser notes no commit where there is no remote.
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.url GIT_CONFIG_VALUE_0=https://github.com/onward-sql/onward
fi
HOMEBREW_TAP_TOKEN='' ./scripts/goreleaser.sh release --snapshot --clean --skip=docker,sign --config "$config"

step checksums
(cd "$dist" && cp ../../install.sh . && sha256sum --check --strict --quiet checksums.txt)
archive=$(find "$dist" -maxdepth 1 -name "onward_*_${os}_$arch.tar.gz")
version=$(basename "$archive" "_${os}_$arch.tar.gz")
version=${version#onward_}

# tried PROGRAM… runs an onward in a small repository with a hazard.
mkdir "$tmp/shop"
echo 'CREATE TABLE t (id bigint PRIMARY KEY, a text);' >"$tmp/shop/1.sql"
echo 'CREATE INDEX t_a_idx ON t (a);' >"$tmp/shop/2.sql"
tried() {
  "$@" version >"$tmp/version"
  grep -qF "onward $version ($(git rev-parse --short=12 HEAD) of " "$tmp/version" || die "$* does not say its version: $(cat "$tmp/version")"
  code=0
  (cd "$tmp/shop" && "$@" check --deployed 1.sql 2.sql >"$tmp/said") || code=$?
  if [ "$code" != 1 ] || ! grep -q index-create-blocking "$tmp/said"; then
    die "$* check: exit code $code: $(cat "$tmp/said")"
  fi
}

step the version that pipelines include
mkdir -p "$tmp/pin/ci"
cp action.yml "$tmp/pin/" && cp -r ci/comment ci/stats ci/onward.gitlab-ci.yml "$tmp/pin/ci/"
ONWARD_ROOT=$tmp/pin ./scripts/pin.sh v9.8.7
ONWARD_ROOT=$tmp/pin ./scripts/pin.sh --check v9.8.7
if ONWARD_ROOT=$tmp/pin ./scripts/pin.sh --check v9.8.6 2>/dev/null; then die "another version is pinned, and nothing is said"; fi

step the archive
mkdir "$tmp/archive" "$tmp/root"
tar -xf "$archive" -C "$tmp/archive"
tried "$tmp/archive/onward"
[ -s "$tmp/archive/LICENSE" ] && [ -s "$tmp/archive/completions/onward.bash" ] && [ -s "$tmp/archive/man/onward.1" ] || die "the archive lacks files"

step what each binary is for
find "$dist" -mindepth 2 -type f \( -name onward -o -name onward.exe \) | while read -r program; do
  # Go reads ELF, Mach-O and PE for that.
  is=$(go version -m "$program" | sed -n 's/.*\(GOOS\|GOARCH\)=//p' | sort | paste -sd ' ')
  case "$program $is" in
    *_linux_amd64*/onward\ amd64\ linux | *_linux_arm64*/onward\ arm64\ linux | *_darwin_amd64*/onward\ amd64\ darwin | *_darwin_arm64*/onward\ arm64\ darwin | *_windows_amd64*/onward.exe\ amd64\ windows | *_windows_arm64*/onward.exe\ arm64\ windows) ;;
    *) die "$program is for $is" ;;
  esac
  sbom=$dist/onward_${version}_$(awk '{ print $2 "_" $1 }' <<<"$is").sbom.json
  grep -q '"purl": "pkg:golang/github.com/jackc/pgx' "$sbom" || die "$sbom does not list what is in $program"
done

if [ -z "$(git status --porcelain)" ]; then
  step the same bytes from another directory
  mkdir "$tmp/elsewhere"
  git archive HEAD | tar -xf - -C "$tmp/elsewhere"
  built=$(find "$dist" -mindepth 2 -type f -path "*_${os}_$arch*" -name onward)
  at=$(TZ=UTC git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd)
  to=github.com/onward-sql/onward/internal/cli
  (cd "$tmp/elsewhere" && CGO_ENABLED=0 go build -trimpath -buildvcs=false -o "$tmp/again" \
    -ldflags "-s -w -X $to.version=$version -X $to.commit=$(git -C "$OLDPWD" rev-parse HEAD) -X $to.date=$at" ./cmd/onward)
  cmp "$built" "$tmp/again" || die "another directory makes other bytes"
else
  echo "-- the tree has changes: not built again from another directory"
fi

if [ "$os" = linux ] && command -v dpkg >/dev/null; then
  step the Debian package
  dpkg -x "$dist/onward_${version}_linux_$arch.deb" "$tmp/root"
  tried "$tmp/root/usr/bin/onward"
  for file in share/man/man1/onward.1 share/bash-completion/completions/onward share/zsh/vendor-completions/_onward share/fish/vendor_completions.d/onward.fish share/doc/onward/copyright; do
    [ -s "$tmp/root/usr/$file" ] || die "the package lacks /usr/$file"
  done
fi

step "the packages of RPM, apk, npm and pip"
go run ./packaging "$dist"
ONWARD_SNAPSHOT=$dist ONWARD_REQUIRE=${ONWARD_REQUIRE:-1} go test -count=1 ./packaging

step the formula
formula=$dist/homebrew/Formula/onward.rb
grep -q "$(sha256sum <"$archive" | cut -d ' ' -f 1)" "$formula" || die "the formula has another checksum"
if command -v ruby >/dev/null; then ruby -c "$formula"; else echo "ruby is not here: the formula was not parsed"; fi

if [ "$os" = linux ] && [ "$(id -u)" = 0 ]; then
  step the container from scratch, its files by chroot
  mkdir "$tmp/scratch"
  sed '1,/^FROM scratch/d' Dockerfile | awk '$1 == "COPY" { print $(NF - 1), $NF }' | while read -r from to; do
    mkdir -p "$tmp/scratch$(dirname "$to")"
    # shellcheck disable=SC2016 # it stands so in the Dockerfile
    case "$from" in
      '$TARGETPLATFORM/onward') cp "$tmp/archive/onward" "$tmp/scratch$to" ;;
      /empty) mkdir -m 1777 "$tmp/scratch$to" ;;
      *) cp "$from" "$tmp/scratch$to" ;;
    esac
  done
  cp -r "$tmp/shop" "$tmp/scratch/work"
  chmod 755 "$tmp" "$tmp/scratch"
  code=0
  chroot --userspec=65532:65532 "$tmp/scratch" /usr/bin/onward check --deployed /work/1.sql /work/2.sql >"$tmp/said" || code=$?
  if [ "$code" != 1 ] || ! grep -q index-create-blocking "$tmp/said"; then
    die "in the container: exit code $code: $(cat "$tmp/said")"
  fi
fi

step the quick start of the README
ONWARD_SNAPSHOT=$dist ONWARD_REQUIRE=1 go test -count=1 -run '^Test(QuickStart|Install|Released)' ./bench/newcomer
ls -l "$dist" | awk 'NR > 1 { printf "%10d  %s\n", $5, $NF }'
