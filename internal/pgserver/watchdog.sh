# Watches over a Postgres server for as long as standard input stays open, then shuts it down and removes its directory.
#
#   sh watchdog.sh DIRECTORY HOME
#
# DIRECTORY holds data/, the data directory; HOME, possibly the same, the directory of the server's socket; both are
# removed. Descriptor 3 is the directory's lock. Descriptor 4 ends when no process holds its other end: the server's
# do. Lines of standard input:
#
#   server PID MARK   a server was started; each of its processes has the limit MARK of file locks (0: has none)
#   segment ID        the server is ready and has this shared memory. From here on strangers use it, and what is
#                     written in its directory is believed no more
#   ended             the server is no more: PID may be somebody else's
dir=$1 home=$2
server= mark=0 segment=

# works reports whether a process works in the data directory; where that cannot be asked, everyone may.
works() {
	[ ! -d /proc/self ] || [ "$(readlink "/proc/$1/cwd")" = "$dir/data" ]
}

# all sends a signal to every process that works in the data directory or bears the mark.
all() {
	[ -d /proc/self ] || return
	for process in /proc/[0-9]*; do
		[ "$(readlink "$process/cwd")" = "$dir/data" ] && kill -"$1" "${process#/proc/}"
	done
	marked "$1"
}

# marked sends a signal to every process that bears the mark, and fails when there is none. The dead bear it, too,
# until somebody asks for their status, but work nowhere.
marked() {
	found=1
	[ "$mark" = 0 ] && return 1
	for limits in $(grep -ls "^Max file locks  *$mark " /proc/[0-9]*/limits); do
		process=${limits%/limits}
		[ -n "$(readlink "$process/cwd")" ] && kill -"$1" "${process#/proc/}" && found=0
	done
	return $found
}

# ask shuts the server down. QUIT is an immediate shutdown. A server ignores it in its first instants, so keep asking.
ask() {
	n=0
	while :; do
		case $server in
		'') # it may have been started and not told: no stranger has used it
			pid=$(sed -n 1p "$dir/data/postmaster.pid")
			case $pid in
			'' | *[!0-9]*) all QUIT ;;
			*) works "$pid" && kill -QUIT "$pid" ;;
			esac
			;;
		*)
			if works "$server"; then
				kill -QUIT "$server"
			else
				[ $n -gt 3 ] && all KILL
			fi
			;;
		esac
		n=$((n + 1))
		if [ $n -gt 60 ]; then
			[ -n "$server" ] && works "$server" && kill -KILL "$server"
			all KILL
		fi
		sleep 0.1
	done
}

finish() {
	trap '' HUP INT TERM
	if [ "$server" != ended ]; then
		(cd / && exec 3>&- 4<&- && ask) 2>/dev/null &
		asking=$!
		while read -r line <&4; do :; done
		kill -KILL "$asking" 2>/dev/null
		wait "$asking"
	fi 2>/dev/null
	n=0
	while marked KILL 2>/dev/null && [ $n -lt 100 ]; do n=$((n + 1)); done
	# A server that could not shut down (it was killed) left its shared memory.
	if [ -z "$segment" ] && [ -s "$dir/data/postmaster.pid" ]; then
		set -- $(sed -n 7p "$dir/data/postmaster.pid")
		segment=$2
	fi
	# One that ended in its first instants, without onward to let it remove its memory, left no file that names it.
	if [ -z "$segment" ] && [ "$server" != ended ] && [ -n "$server" ] && [ -r /proc/sysvipc/shm ]; then
		while read -r key id mode size creator last users rest; do
			[ "$creator" = "$server" ] && [ "$users" = 0 ] && [ "$key" != 0 ] && segment=$id
		done </proc/sysvipc/shm
	fi
	case $segment in
	'' | *[!0-9]*) ;;
	*) ipcrm -m "$segment" 2>/dev/null ;;
	esac
	rm -rf "$dir" "$home"
}
trap finish EXIT
trap 'exit 1' HUP INT TERM

while read -r word first second; do
	case $word in
	server) server=$first mark=$second ;;
	segment) segment=$first ;;
	ended) server=ended ;;
	esac
done
exit 0
