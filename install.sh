#!/bin/sh
# Installs a released onward: the archive for this system, by its checksum, and by its signature where
# cosign is there. Nothing is installed that is not what the release says. It takes no root.
#
#   curl -fsSLO https://github.com/onward-sql/onward/releases/latest/download/install.sh && sh install.sh
#   sh install.sh --version v1.2.3 --to /usr/local/bin
#
# Environment: ONWARD_RELEASES, where the releases are, for a mirror.
# Exit codes: 0 installed; 2 usage, or nothing is released for this system; 3 it could not be fetched, or is not what it should be.
set -eu

say() { printf 'onward: %s\n' "$*" >&2; }
die() {
  code=$1
  shift
  say "$*"
  exit "$code"
}
has() { command -v "$1" >/dev/null 2>&1; }

# fetch ADDRESS FILE
fetch() {
  if has curl; then
    curl -fsSL --retry 3 -o "$2" "$1"
  elif has wget; then
    wget -q -O "$2" "$1"
  else
    die 3 "neither curl nor wget is here; install one of them"
  fi
}

# sum FILE
sum() {
  if has sha256sum; then
    sha256sum <"$1"
  elif has shasum; then
    shasum -a 256 <"$1"
  elif has openssl; then
    openssl dgst -sha256 -r <"$1"
  else
    die 3 "none of sha256sum, shasum and openssl is here to verify the archive; install one of them"
  fi | cut -d ' ' -f 1
}

# verify holds checksums.txt against its signature: the release workflow of the repository signed it, on a tag.
verify() {
  if ! has cosign; then
    say "the signature was not verified, because cosign is not here; the checksum will be"
    return
  fi
  fetch "$1/checksums.txt.sigstore.json" "$work/checksums.txt.sigstore.json" ||
    die 3 "$1/checksums.txt.sigstore.json cannot be fetched, so the signature cannot be verified; nothing was installed"
  cosign verify-blob --bundle "$work/checksums.txt.sigstore.json" \
    --certificate-oidc-issuer https://token.actions.githubusercontent.com \
    --certificate-identity-regexp '^https://github\.com/onward-sql/onward/\.github/workflows/release\.yml@refs/tags/v' \
    "$work/checksums.txt" >"$work/cosign.log" 2>&1 || {
    cat "$work/cosign.log" >&2
    die 3 "the signature of checksums.txt is not that of onward's release workflow; nothing was installed"
  }
  say "the signature is right"
}

usage() { die 2 "usage: install.sh [--version v1.2.3] [--to DIRECTORY]"; }

# What is below runs when all of the script has arrived.
main() {
  version='' to=''
  while [ $# -gt 0 ]; do
    case "$1" in
      --version | --to)
        [ $# -ge 2 ] && [ -n "$2" ] || usage
        if [ "$1" = --to ]; then to=$2; else version=$2; fi
        shift 2
        ;;
      *) usage ;;
    esac
  done
  case "$version" in
    *[!0-9A-Za-z.+-]*) die 2 "\"$version\" is no version; write such as v1.2.3" ;;
  esac
  if [ -z "$to" ]; then
    to=${HOME:?onward: HOME is not set, so say where to: --to DIRECTORY}/.local/bin
  fi

  system=$(uname -s)
  case "$system" in
    Linux) os=linux end=tar.gz ;;
    Darwin) os=darwin end=tar.gz ;;
    MINGW* | MSYS* | CYGWIN*) os=windows end=zip ;;
    *) die 2 "nothing is released for $system; with Go: go install github.com/onward-sql/onward/cmd/onward@latest" ;;
  esac
  machine=$(uname -m)
  case "$machine" in
    x86_64 | amd64) arch=amd64 ;;
    aarch64 | arm64) arch=arm64 ;;
    *) die 2 "nothing is released for $machine; with Go: go install github.com/onward-sql/onward/cmd/onward@latest" ;;
  esac

  releases=${ONWARD_RELEASES:-https://github.com/onward-sql/onward/releases}
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  trap 'exit 3' HUP INT TERM
  version=${version#v}
  from=$releases/latest/download
  [ -z "$version" ] || from=$releases/download/v$version
  fetch "$from/checksums.txt" "$work/checksums.txt" ||
    die 3 "$from/checksums.txt cannot be fetched; is ${version:+v}${version:-onward} released?"
  verify "$from"
  # The name of the archive has the version: checksums.txt, once signed, tells which is the latest.
  archive=$(awk -v name="onward_${version}" -v end="_${os}_$arch.$end" '
    index($2, name) == 1 && substr($2, length($2) - length(end) + 1) == end && (name == "onward_" || $2 == name end) && $2 !~ /\// { print $2; exit }
  ' "$work/checksums.txt")
  [ -n "$archive" ] || die 3 "checksums.txt has no archive for ${os}_$arch; nothing was installed"
  if [ -z "$version" ]; then
    version=${archive#onward_}
    version=${version%"_${os}_$arch.$end"}
    from=$releases/download/v$version
  fi
  fetch "$from/$archive" "$work/$archive" ||
    die 3 "$from/$archive cannot be fetched; nothing was installed"
  want=$(awk -v name="$archive" '$2 == name { print $1; exit }' "$work/checksums.txt")
  got=$(sum "$work/$archive")
  [ "$want" = "$got" ] ||
    die 3 "$archive is not what checksums.txt says ($got, not $want); nothing was installed"

  mkdir "$work/files"
  if [ "$end" = zip ]; then
    unzip -q "$work/$archive" -d "$work/files"
  else
    tar -xzf "$work/$archive" -C "$work/files"
  fi ||
    die 3 "$archive cannot be unpacked; nothing was installed"
  program=onward
  [ "$os" != windows ] || program=onward.exe
  # It is run before it takes the place of one that works.
  chmod 755 "$work/files/$program" || die 3 "$archive has no $program; nothing was installed"
  "$work/files/$program" version >"$work/version" || die 3 "the onward of $archive does not run here; nothing was installed"
  if ! { mkdir -p "$to" && cp "$work/files/$program" "$to/.$program.new" && mv -f "$to/.$program.new" "$to/$program"; }; then
    die 3 "$to cannot be written; say where to: --to DIRECTORY"
  fi
  say "$(head -n 1 "$work/version") is installed as $to/$program"
  case ":$PATH:" in
    *":$to:"*) ;;
    *)
      say "$to is not on the PATH; write into your shell's profile:"
      # shellcheck disable=SC2016 # the line is for a profile, where PATH is put in
      printf '  export PATH="%s:$PATH"\n' "$to" >&2
      ;;
  esac
}

main "$@"
