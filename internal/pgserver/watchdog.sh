# Runs a Postgres server for as long as standard input stays open, then shuts it down and removes its directory.
#
#   sh watchdog.sh DIRECTORY SOCKETS COMMAND [ARGUMENT…]
#
# DIRECTORY holds data/, the data directory; SOCKETS, possibly the same, holds the server's socket; both are removed.
# The server is started when the first line arrives: until then the directory is being filled. Descriptor 3 is the
# directory's lock. Descriptor 4 is held by the server's processes only: when it is closed everywhere, they are gone.
dir=$1 sockets=$2
shift 2
server=

finish() {
	trap '' HUP INT TERM
	if [ -n "$server" ]; then
		# QUIT is an immediate shutdown. A server ignores it in its first instants, so keep asking.
		(
			cd / && exec 3>&-
			n=0
			while kill -QUIT "$server"; do
				n=$((n + 1))
				[ $n -gt 60 ] && kill -KILL "$server"
				sleep 0.1
			done
		) 2>/dev/null &
		asking=$!
		wait "$server"
		kill -KILL "$asking" 2>/dev/null
		wait "$asking"
	fi 2>/dev/null
	# A server that could not shut down (it was killed) left this file: it names the shared memory segment, and
	# backends may still be running in the data directory.
	if [ -s "$dir/data/postmaster.pid" ]; then
		for process in /proc/[0-9]*; do
			[ "$(readlink "$process/cwd")" = "$dir/data" ] && kill -KILL "${process#/proc/}"
		done 2>/dev/null
		set -- $(sed -n 7p "$dir/data/postmaster.pid")
		[ -n "$2" ] && ipcrm -m "$2" 2>/dev/null
	fi
	rm -rf "$dir" "$sockets"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

read -r line || exit 0
"$@" </dev/null &
server=$!
exec 4>&-
read -r line
exit 0
