//go:build amd64 || arm64

package sandbox

import (
	"os"
	"slices"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// refusedCalls are calls that no migration needs. The attributes of files are there because Landlock does not control them.
var refusedCalls = slices.Concat([]uint32{
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT, unix.SYS_FILE_SETATTR,
	unix.SYS_PIDFD_GETFD, unix.SYS_KCMP,
}, confine.KernelCalls)

// pretendedCalls do nothing and report success: files keep their owner.
var pretendedCalls = append([]uint32{unix.SYS_FCHOWN, unix.SYS_FCHOWNAT}, chownHere...)

// chmodCalls change the mode of a file. The listener decides about them.
var chmodCalls = append([]uint32{unix.SYS_FCHMOD, unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, chmodHere...)

// filterCalls installs the filter on the calling thread. asks is set if a listener decides about connections. It needs the right to
// copy an open file of the program, which some containers do not give.
func (s *Sandbox) filterCalls() (asks bool, err error) {
	if !s.access.noListener && canCopyDescriptors() {
		listener, err := s.callFilter(true).InstallListener()
		if err == nil {
			return true, s.startListener(listener)
		}
		if !confine.IsUnsupported(err) {
			return false, err
		}
	}
	s.gaps = append(s.gaps, "this kernel or container lets no program decide about another one's connections: the command can use Unix sockets, change the "+
		"modes of your files, and connect to its database's port on other machines")
	return false, s.callFilter(false).InstallFilter()
}

// canCopyDescriptors reports whether a process may copy another one's open files, by an attempt on itself.
func canCopyDescriptors() bool {
	pid, err := unix.PidfdOpen(os.Getpid(), 0)
	if err != nil {
		return false
	}
	defer unix.Close(pid)
	fd, err := unix.PidfdGetfd(pid, pid, 0)
	if err == nil {
		unix.Close(fd)
	}
	return err == nil
}

// callFilter refuses calls that no migration needs. Of sockets it allows Unix and TCP streams. A listener decides about
// connections and modes of files, if there is one.
func (s *Sandbox) callFilter(asks bool) confine.Filter {
	p := confine.NewFilter()
	p.RefuseCalls(refusedCalls, unix.EPERM)
	p.RefuseCalls(pretendedCalls, 0)
	if asks {
		for _, call := range chmodCalls {
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

func (s *Sandbox) filterSockets(p *confine.Filter, asks bool) {
	p.OnCall(unix.SYS_SOCKET, func(p *confine.Filter) {
		p.AllowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.RefuseValue(2, unix.IPPROTO_MPTCP, unix.EPROTONOSUPPORT) // older versions of Landlock do not control it
		p.RefuseValue(2, unix.IPPROTO_SCTP, unix.EPROTONOSUPPORT)
		p.AllowSocket(unix.AF_INET, unix.SOCK_STREAM)
		p.AllowSocket(unix.AF_INET6, unix.SOCK_STREAM)
		p.AllowSocket(unix.AF_NETLINK, unix.SOCK_RAW) // it shows the addresses of this machine
		p.AllowSocket(unix.AF_NETLINK, unix.SOCK_DGRAM)
		if asks {
			p.AskListener() // the listener notes the search for a name
		}
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
