//go:build amd64 || arm64

package jsrun

import (
	"os"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// neededCalls are what Go's scheduler, its memory and its pipes need.
var neededCalls = []uint32{
	unix.SYS_READ, unix.SYS_WRITE, unix.SYS_CLOSE, unix.SYS_FCNTL, unix.SYS_MMAP, unix.SYS_MUNMAP, unix.SYS_MPROTECT,
	unix.SYS_MADVISE, unix.SYS_MINCORE, unix.SYS_BRK, unix.SYS_FUTEX, unix.SYS_SCHED_YIELD,
	unix.SYS_SCHED_GETAFFINITY, unix.SYS_NANOSLEEP, unix.SYS_CLOCK_NANOSLEEP, unix.SYS_CLOCK_GETTIME,
	unix.SYS_GETTIMEOFDAY, unix.SYS_RT_SIGACTION, unix.SYS_RT_SIGPROCMASK, unix.SYS_RT_SIGRETURN,
	unix.SYS_SIGALTSTACK, unix.SYS_GETTID, unix.SYS_GETPID, unix.SYS_EXIT, unix.SYS_EXIT_GROUP,
	unix.SYS_SET_ROBUST_LIST, unix.SYS_RSEQ, unix.SYS_GETRANDOM, unix.SYS_RESTART_SYSCALL, unix.SYS_EPOLL_CREATE1,
	unix.SYS_EPOLL_CTL, unix.SYS_EPOLL_PWAIT, unix.SYS_EVENTFD2,
}

// restrictSystemCalls lets this process make the calls that it needs and no others: it can open no file or socket, start no
// program and signal no other process.
func restrictSystemCalls() error {
	p := confine.NewFilter()
	for _, call := range neededCalls {
		p.OnCall(call, func(p *confine.Filter) { p.AllowCall() })
	}
	p.OnCall(unix.SYS_CLONE, func(p *confine.Filter) {
		p.AllowFlags(0, unix.CLONE_THREAD)
		p.RefuseCall(unix.EPERM)
	})
	p.OnCall(unix.SYS_TGKILL, func(p *confine.Filter) {
		p.AllowValue(0, uint32(os.Getpid()))
		p.RefuseCall(unix.EPERM)
	})
	p.OnCall(unix.SYS_CLONE3, func(p *confine.Filter) { p.RefuseCall(unix.ENOSYS) })
	p.RefuseCall(unix.EPERM)
	return p.InstallForAll()
}
