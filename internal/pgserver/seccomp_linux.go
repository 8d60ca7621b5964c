//go:build amd64 || arm64

package pgserver

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// refusedCalls are system calls that no server needs. They fail with an error, so that the server goes on and reports the
// statement that needed one.
var refusedCalls = slices.Concat([]uint32{
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
	unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL, // Postgres has POSIX semaphores on Linux
	// Limits are set from outside, and are the mark that identifies the server's processes.
	unix.SYS_SETRLIMIT,
	// Programs that are no files, which Landlock does not control.
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_EXECVEAT,
	// Attributes of files, which Landlock does not control.
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT,
	unix.SYS_UTIMENSAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_FILE_SETATTR,
	unix.SYS_PERSONALITY,
}, confine.KernelCalls, refusedHere)

// pretendedCalls are calls that do nothing and report success: Postgres sets the mode of its socket, and would not start
// if that failed. The mode is the wanted one already, because of the umask.
var pretendedCalls = append([]uint32{unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, pretendedHere...)

// segmentCalls are calls for System V shared memory, which all programs of a user share. The server's first process makes a segment, and the
// others inherit it.
var segmentCalls = []uint32{unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL}

// newCallFilter refuses calls that no server needs. Its only sockets are Unix stream sockets on which it listens. It may not
// connect, because some sockets can start programs (Docker's, a session manager's). With datagrams it may also have
// IP sockets, and connect to addresses of their length.
func newCallFilter(datagrams bool) confine.Filter {
	p := confine.NewFilter()
	p.RefuseCalls(refusedCalls, unix.EPERM)
	p.RefuseCalls(pretendedCalls, 0)
	p.OnCall(unix.SYS_SOCKET, func(p *confine.Filter) {
		p.AllowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		if datagrams {
			p.AllowSocket(unix.AF_INET, unix.SOCK_DGRAM)
		}
		p.RefuseCall(unix.EACCES)
	})
	p.OnCall(unix.SYS_SOCKETPAIR, func(p *confine.Filter) {
		p.AllowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.RefuseCall(unix.EACCES)
	})
	p.OnCall(unix.SYS_CONNECT, func(p *confine.Filter) {
		if datagrams {
			p.AllowValue(2, unix.SizeofSockaddrInet4)
		}
		p.RefuseCall(unix.EACCES)
	})
	p.OnCall(unix.SYS_SENDTO, func(p *confine.Filter) { // without an address it goes to the connected one
		p.AllowZero(4)
		p.RefuseCall(unix.EACCES)
	})
	p.OnCall(unix.SYS_PRLIMIT64, func(p *confine.Filter) { // reading limits is fine
		p.AllowZero(2)
		p.RefuseCall(unix.EPERM)
	})
	p.OnCall(unix.SYS_PRCTL, func(p *confine.Filter) { // the cwd of a process that is not dumpable cannot be read
		p.RefuseValue(0, unix.PR_SET_DUMPABLE, unix.EPERM)
		p.AllowCall()
	})
	p.RefuseNamespaces()
	p.AllowCall()
	return p
}

// installCallFilter installs the filter for the calling thread and its children.
func installCallFilter(datagrams bool) error { return newCallFilter(datagrams).InstallFilter() }

// installSegmentFilter installs a filter for the calling thread and its children that asks about segmentCalls. listener is for [serveSegments]; it is
// -1 if this kernel has none.
func installSegmentFilter() (listener int) {
	if _, err := confine.LandlockVersion(); err != nil {
		return -1 // a kernel without it may not let a call proceed
	}
	p := confine.NewFilter()
	for _, call := range segmentCalls {
		p.OnCall(call, func(p *confine.Filter) { p.AskListener() })
	}
	p.AllowCall()
	listener, err := p.InstallListener()
	if err != nil {
		return -1
	}
	return listener
}

// serveSegments lets only the first process of a server use shared memory of System V, until the server has ended.
func serveSegments(listener, server int, ended <-chan struct{}) error {
	stop, running, err := os.Pipe()
	if err != nil {
		return err
	}
	go func() {
		<-ended
		_ = running.Close()
	}()
	go func() {
		defer stop.Close()
		confine.ServeCalls(listener, stop, func(c *confine.Call) unix.Errno {
			if c.PID() != server {
				return unix.EPERM
			}
			c.Proceeds = true
			return 0
		})
	}()
	return nil
}
