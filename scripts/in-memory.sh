#!/usr/bin/env bash
# Runs a command with its temporary files in memory, if TMPDIR is not set and there is room. A server's thousand files are made, copied and
# removed for each rehearsal. The directory is the same in each run, so that go test keeps its results. The last run that uses it empties it.
#
#   scripts/in-memory.sh COMMAND [ARGUMENT …]
set -uo pipefail
directory=/dev/shm/onward-$(id -u) # no word "test": record takes a command with it for a suite
free=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1)
if [ -n "${TMPDIR:-}" ] || [ "${free:-0}" -lt 8000000 ] || ! command -v flock >/dev/null; then
  exec "$@"
fi
exec 9>"$directory.lock"
empty() {
  if flock --exclusive --nonblock 9; then
    rm -rf "$directory"
  fi
}
trap empty EXIT
empty
mkdir -p "$directory"
chmod 1777 "$directory" # a server's account removes its own files there, as in /tmp
flock --shared 9
TMPDIR=$directory "$@"
