//go:build amd64 || arm64

package pgserver

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNoFilter is for processors without a list of system calls.
var errNoFilter = errors.New("not done for this processor")

// refusedCalls are system calls that no server needs. They fail with an error, so that the server goes on and reports the
// statement that needed one.
var refusedCalls = append([]uint32{
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
	unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	// Limits are set from outside, and are the mark that identifies the server's processes.
	unix.SYS_SETRLIMIT,
	// Programs that are no files, which Landlock does not control.
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_EXECVEAT,
	// Attributes of files, which Landlock does not control.
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT,
	unix.SYS_UTIMENSAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_FILE_SETATTR,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK,
	// File systems and namespaces.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	// The kernel: rarely used code has most bugs.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SYSLOG, unix.SYS_ACCT,
	unix.SYS_VHANGUP, unix.SYS_PERSONALITY, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SETTIMEOFDAY,
	unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
}, refusedHere...)

// pretendedCalls are calls that do nothing and report success: Postgres sets the mode of its socket, and would not start
// if that failed. The mode is the wanted one already, because of the umask.
var pretendedCalls = append([]uint32{unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, pretendedHere...)

// newestCall is the last system call that existed when refused was written. Postgres does not know newer ones.
const newestCall = unix.SYS_RSEQ_SLICE_YIELD

// newNamespaces are the flags of clone that create namespaces.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWTIME

// filterProgram is a filter (https://docs.kernel.org/userspace-api/seccomp_filter.html). Jumps skip instructions forward.
type filterProgram []unix.SockFilter

const (
	load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifFrom  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ifSome  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	and     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K

	number, processor = 0, 4 // offsets in a call's description
)

// lowOffset and high are the offsets of the halves of an argument, on the supported processors.
func lowOffset(arg uint32) uint32  { return 16 + 8*arg }
func highOffset(arg uint32) uint32 { return lowOffset(arg) + 4 }

func (p *filterProgram) add(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
}

func (p *filterProgram) addReturn(what uint32) { p.add(unix.BPF_RET|unix.BPF_K, what, 0, 0) }

// addRefuse ends a call with an error; the error 0 is success.
func (p *filterProgram) addRefuse(errno unix.Errno) {
	p.addReturn(unix.SECCOMP_RET_ERRNO | uint32(errno))
}

func (p *filterProgram) addAllow() { p.addReturn(unix.SECCOMP_RET_ALLOW) }

// addCall adds the instructions for a call; they must end in returns. The call's number stays loaded for other calls.
func (p *filterProgram) addCall(call uint32, what func(p *filterProgram)) {
	var body filterProgram
	what(&body)
	p.add(ifEqual, call, 0, uint8(len(body)))
	*p = append(*p, body...)
}

// allowSocket allows one kind.
func (p *filterProgram) allowSocket(family, kind uint32) {
	p.add(load, lowOffset(0), 0, 0)
	p.add(ifEqual, family, 0, 4)
	p.add(load, lowOffset(1), 0, 0)
	p.add(and, 0xf, 0, 0) // without SOCK_CLOEXEC and SOCK_NONBLOCK
	p.add(ifEqual, kind, 0, 1)
	p.addAllow()
}

// allowZero allows the call if an argument is 0.
func (p *filterProgram) allowZero(arg uint32) {
	p.add(load, lowOffset(arg), 0, 0)
	p.add(ifEqual, 0, 0, 3)
	p.add(load, highOffset(arg), 0, 0)
	p.add(ifEqual, 0, 0, 1)
	p.addAllow()
}

// callFilter refuses calls that no server needs. Its only sockets are Unix stream sockets on which it listens. It may not
// connect, because some sockets can start programs (Docker's, a session manager's). With datagrams it may also have
// IP sockets, and connect to addresses of their length.
func callFilter(datagrams bool) filterProgram {
	var p filterProgram
	p.add(load, processor, 0, 0)
	p.add(ifEqual, processorHere, 1, 0)
	p.addRefuse(unix.EPERM)
	p.add(load, number, 0, 0)
	p.add(ifFrom, newestCall+1, 0, 1) // also the calls of x32
	p.addRefuse(unix.ENOSYS)
	for _, call := range refusedCalls {
		p.addCall(call, func(p *filterProgram) { p.addRefuse(unix.EPERM) })
	}
	for _, call := range pretendedCalls {
		p.addCall(call, func(p *filterProgram) { p.addRefuse(0) })
	}
	p.addCall(unix.SYS_SOCKET, func(p *filterProgram) {
		p.allowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		if datagrams {
			p.allowSocket(unix.AF_INET, unix.SOCK_DGRAM)
		}
		p.addRefuse(unix.EACCES)
	})
	p.addCall(unix.SYS_SOCKETPAIR, func(p *filterProgram) {
		p.allowSocket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.addRefuse(unix.EACCES)
	})
	p.addCall(unix.SYS_CONNECT, func(p *filterProgram) {
		if datagrams {
			p.add(load, lowOffset(2), 0, 0)
			p.add(ifEqual, unix.SizeofSockaddrInet4, 0, 1)
			p.addAllow()
		}
		p.addRefuse(unix.EACCES)
	})
	p.addCall(unix.SYS_SENDTO, func(p *filterProgram) { // without an address it goes to the connected one
		p.allowZero(4)
		p.addRefuse(unix.EACCES)
	})
	p.addCall(unix.SYS_PRLIMIT64, func(p *filterProgram) { // reading limits is fine
		p.allowZero(2)
		p.addRefuse(unix.EPERM)
	})
	p.addCall(unix.SYS_PRCTL, func(p *filterProgram) { // the cwd of a process that is not dumpable cannot be read
		p.add(load, lowOffset(0), 0, 0)
		p.add(ifEqual, unix.PR_SET_DUMPABLE, 0, 1)
		p.addRefuse(unix.EPERM)
		p.addAllow()
	})
	p.addCall(unix.SYS_CLONE, func(p *filterProgram) {
		p.add(load, lowOffset(0), 0, 0)
		p.add(ifSome, newNamespaces, 0, 1)
		p.addRefuse(unix.EPERM)
		p.addAllow()
	})
	p.addCall(unix.SYS_CLONE3, func(p *filterProgram) { p.addRefuse(unix.ENOSYS) }) // the filter cannot see its flags; libraries fall back to clone
	p.addAllow()
	return p
}

// filterCalls installs the filter for the calling thread and its children.
func filterCalls(datagrams bool) error {
	p := callFilter(datagrams)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	const setModeFilter, specAllow = 1, 1 << 2 // the second: memory access is as fast as without a filter
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, specAllow, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
