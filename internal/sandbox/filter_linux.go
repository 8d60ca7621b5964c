//go:build amd64 || arm64

package sandbox

import (
	"slices"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// refusedCalls are calls that no migration needs. The attributes of files are there because Landlock does not control them.
var refusedCalls = slices.Concat([]uint32{
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
	unix.SYS_PIDFD_GETFD, unix.SYS_KCMP, unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_MIGRATE_PAGES, unix.SYS_MOVE_PAGES,
}, confine.KernelCalls, confine.SharedMemoryCalls)

// pretendedCalls do nothing and report success: files keep their owner, and a watch of files hears nothing, also of files that the
// program may not read.
var pretendedCalls = append([]uint32{unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_INOTIFY_ADD_WATCH}, chownHere...)

// chmodCalls change the mode of a file, and timeCalls its times. The listener decides about them.
var (
	chmodCalls = append([]uint32{unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, chmodHere...)
	timeCalls  = append([]uint32{unix.SYS_UTIMENSAT}, timesHere...)
)

// scheduleCalls change how a process runs, of which the first argument is the ID. Programs name their own threads, too, and nothing
// depends on the answer: for all but the calling thread they do nothing and report success.
var scheduleCalls = []uint32{unix.SYS_SCHED_SETAFFINITY, unix.SYS_SCHED_SETPARAM, unix.SYS_SCHED_SETSCHEDULER, unix.SYS_SCHED_SETATTR}

// signalCalls send a signal to a process.
var signalCalls = []uint32{
	unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_SEND_SIGNAL,
}

// filterCalls installs a seccomp filter on the calling thread. It returns the listener that decides about connections; -1 for none. A listener needs
// the right to copy an open file of the program, which some containers do not give.
func (s *Sandbox) filterCalls(abi int) (listener int, err error) {
	if !s.access.noListener && confine.CanCopyDescriptors() {
		listener, err := s.newCallFilter(true, abi).InstallListener()
		if err == nil || !confine.IsUnsupported(err) {
			return listener, err
		}
	}
	s.addGap("this kernel or container lets no program decide about another one's connections: the command can use Unix sockets, change the modes of " +
		"your files, and connect to its database's port on other machines")
	return -1, s.newCallFilter(false, abi).InstallFilter()
}

// newCallFilter returns a filter that refuses calls that no migration needs. Of sockets it allows Unix and TCP streams. A listener decides about
// connections and modes of files, if there is one.
func (s *Sandbox) newCallFilter(asks bool, abi int) confine.Filter {
	p := confine.NewFilter()
	p.RefuseCalls(refusedCalls, unix.EPERM)
	p.RefuseCalls(pretendedCalls, 0)
	for _, call := range slices.Concat(chmodCalls, timeCalls) {
		switch {
		case asks:
			p.OnCall(call, func(p *confine.Filter) { p.AskListener() })
		case slices.Contains(timeCalls, call):
			p.RefuseCalls([]uint32{call}, 0) // a file with other times than it should have is no failure
		}
	}
	filterProcesses(&p)
	if asks && abi < confine.ScopedSignals && !s.isolated { // no signal leaves the namespace, whose numbers mean nothing here
		for _, call := range signalCalls {
			p.OnCall(call, func(p *confine.Filter) { p.AskListener() })
		}
	}
	if !s.access.Network {
		s.filterSockets(&p, asks)
	}
	p.RefuseNamespaces()
	p.AllowCall()
	return p
}

// filterProcesses refuses changes of other processes, and of the limits by which the program's own are bounded and found.
func filterProcesses(p *confine.Filter) {
	for _, call := range scheduleCalls {
		p.OnCall(call, func(p *confine.Filter) {
			p.RefuseUnless(0, 0, 0)
			p.AllowCall()
		})
	}
	const ofProcess = 1 // IOPRIO_WHO_PROCESS
	for call, kind := range map[uint32]uint32{unix.SYS_SETPRIORITY: unix.PRIO_PROCESS, unix.SYS_IOPRIO_SET: ofProcess} {
		p.OnCall(call, func(p *confine.Filter) {
			p.RefuseUnless(0, kind, 0)
			p.RefuseUnless(1, 0, 0)
			p.AllowCall()
		})
	}
	p.OnCall(unix.SYS_PRLIMIT64, func(p *confine.Filter) {
		p.AllowZero(2) // it only reads them
		p.RefuseUnless(0, 0, unix.EPERM)
		p.RefuseValue(1, confine.MarkLimit, unix.EPERM)
		p.AllowCall()
	})
	p.OnCall(unix.SYS_SETRLIMIT, func(p *confine.Filter) {
		p.RefuseValue(0, confine.MarkLimit, unix.EPERM)
		p.AllowCall()
	})
}

func (s *Sandbox) filterSockets(p *confine.Filter, asks bool) {
	p.OnCall(unix.SYS_SOCKET, func(p *confine.Filter) {
		p.AllowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.RefuseValue(2, unix.IPPROTO_MPTCP, unix.EPROTONOSUPPORT) // older versions of Landlock do not control it
		p.RefuseValue(2, unix.IPPROTO_SCTP, unix.EPROTONOSUPPORT)
		p.AllowSocket(unix.AF_INET, unix.SOCK_STREAM)
		p.AllowSocket(unix.AF_INET6, unix.SOCK_STREAM)
		p.AllowSocketProtocol(unix.AF_NETLINK, unix.SOCK_RAW, unix.NETLINK_ROUTE) // it shows the addresses of this machine
		p.AllowSocketProtocol(unix.AF_NETLINK, unix.SOCK_DGRAM, unix.NETLINK_ROUTE)
		if asks {
			p.AskListener() // the listener notes the search for a name
		}
		p.RefuseCall(unix.EACCES)
	})
	p.OnCall(unix.SYS_SOCKETPAIR, func(p *confine.Filter) { // a datagram could be sent from it to any address
		p.AllowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.RefuseCall(unix.EACCES)
	})
	if asks {
		p.OnCall(unix.SYS_CONNECT, func(p *confine.Filter) { p.AskListener() })
	}
	// A message with an address needs no connection.
	p.OnCall(unix.SYS_SENDTO, func(p *confine.Filter) {
		p.AllowZero(4)
		p.AllowValue(5, unix.SizeofSockaddrNetlink) // no other address has this length
		p.RefuseCall(unix.ENETUNREACH)
	})
	for call, flags := range map[uint32]uint32{unix.SYS_SENDMSG: 2, unix.SYS_SENDMMSG: 3} {
		p.OnCall(call, func(p *confine.Filter) {
			p.RefuseFlags(flags, unix.MSG_FASTOPEN, unix.EOPNOTSUPP)
			p.AllowCall()
		})
	}
}
