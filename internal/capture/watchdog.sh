# Ends the processes of a command if onward was killed: standard input then ends without "done".
#
#   sh watchdog.sh MARK
#
# MARK is the limit of file locks that each process has (on Linux). Lines of standard input:
#
#   group PID   the command leads this process group
#   done        the command and its processes have ended
trap '' HUP INT TERM
group=
while read -r word pid; do
	case $word in
	group) group=$pid ;;
	done) exit ;;
	esac
done
[ -n "$group" ] && kill -KILL -- "-$group" 2>/dev/null
n=0 found=1
while [ -n "$found" ] && [ $n -lt 20 ]; do
	n=$((n + 1)) found=
	for process in /proc/[0-9]*; do
		grep -qs "^Max file locks  *$1 " "$process/limits" && [ -n "$(readlink "$process/cwd")" ] && kill -KILL "${process#/proc/}" 2>/dev/null && found=1
	done
done
