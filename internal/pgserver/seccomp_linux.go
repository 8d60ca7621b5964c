//go:build amd64 || arm64

package pgserver

import (
	"errors"
	"unsafe"

	"golang.org/x/sys/unix"
)

// errNoFilter is for processors whose system calls nobody has listed.
var errNoFilter = errors.New("not done for this processor")

// refused are system calls that no server needs. They are refused with an error, so that the server goes on and says
// which statement wanted something.
var refused = append([]uint32{
	// Other processes.
	unix.SYS_PTRACE, unix.SYS_PROCESS_VM_READV, unix.SYS_PROCESS_VM_WRITEV, unix.SYS_KCMP, unix.SYS_PIDFD_GETFD,
	unix.SYS_PROCESS_MADVISE, unix.SYS_PROCESS_MRELEASE, unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
	unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK, unix.SYS_SENDMSG, unix.SYS_SENDMMSG,
	// Limits are set from outside, and are the mark by which its processes are found.
	unix.SYS_SETRLIMIT,
	// Programs that are no files, which Landlock does not see.
	unix.SYS_MEMFD_CREATE, unix.SYS_MEMFD_SECRET, unix.SYS_EXECVEAT,
	// Attributes of files, which Landlock does not hold.
	unix.SYS_SETXATTR, unix.SYS_LSETXATTR, unix.SYS_FSETXATTR, unix.SYS_SETXATTRAT,
	unix.SYS_REMOVEXATTR, unix.SYS_LREMOVEXATTR, unix.SYS_FREMOVEXATTR, unix.SYS_REMOVEXATTRAT,
	unix.SYS_UTIMENSAT, unix.SYS_FCHOWN, unix.SYS_FCHOWNAT, unix.SYS_FILE_SETATTR,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK,
	// File systems and namespaces.
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	// The kernel: what is seldom used has most faults.
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SYSLOG, unix.SYS_ACCT,
	unix.SYS_VHANGUP, unix.SYS_PERSONALITY, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SETTIMEOFDAY,
	unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
}, refusedHere...)

// pretended are calls that do nothing and report success: Postgres gives its socket a mode, and would not start if it
// could not. The mode is the wanted one already, by the umask.
var pretended = append([]uint32{unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2}, pretendedHere...)

// newestCall is the last system call that was there when refused was written. What came later is as unknown to
// Postgres as it is to us.
const newestCall = unix.SYS_RSEQ_SLICE_YIELD

// newNamespaces are the flags of clone that make some.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWTIME

// program is a filter (https://docs.kernel.org/userspace-api/seccomp_filter.html). Jumps go forward over instructions.
type program []unix.SockFilter

const (
	load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifFrom  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ifSome  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	and     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K

	number, processor = 0, 4 // where a call's description has them
)

// low and high are the halves of an argument, on the processors that this is for.
func low(arg uint32) uint32  { return 16 + 8*arg }
func high(arg uint32) uint32 { return low(arg) + 4 }

func (p *program) add(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
}

func (p *program) ret(what uint32) { p.add(unix.BPF_RET|unix.BPF_K, what, 0, 0) }

// refuse ends a call with an error; the error 0 is success.
func (p *program) refuse(errno unix.Errno) { p.ret(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

func (p *program) allow() { p.ret(unix.SECCOMP_RET_ALLOW) }

// on adds what is to be done with a call; it must end in returns, and leaves the number loaded for others.
func (p *program) on(call uint32, what func(p *program)) {
	var body program
	what(&body)
	p.add(ifEqual, call, 0, uint8(len(body)))
	*p = append(*p, body...)
}

// socket allows one kind.
func (p *program) socket(family, kind uint32) {
	p.add(load, low(0), 0, 0)
	p.add(ifEqual, family, 0, 4)
	p.add(load, low(1), 0, 0)
	p.add(and, 0xf, 0, 0) // without SOCK_CLOEXEC and SOCK_NONBLOCK
	p.add(ifEqual, kind, 0, 1)
	p.allow()
}

// zero allows the call if an argument is 0.
func (p *program) zero(arg uint32) {
	p.add(load, low(arg), 0, 0)
	p.add(ifEqual, 0, 0, 3)
	p.add(load, high(arg), 0, 0)
	p.add(ifEqual, 0, 0, 1)
	p.allow()
}

// filter refuses what no server needs. Its only sockets are streams of this machine, on which it listens: it connects
// to nothing, as there are sockets by which programs can be started (Docker's, a session's). With datagrams it may
// also have those of the internet, and connect to addresses that are as long as theirs.
func filter(datagrams bool) program {
	var p program
	p.add(load, processor, 0, 0)
	p.add(ifEqual, processorHere, 1, 0)
	p.refuse(unix.EPERM)
	p.add(load, number, 0, 0)
	p.add(ifFrom, newestCall+1, 0, 1) // also those of x32
	p.refuse(unix.ENOSYS)
	for _, call := range refused {
		p.on(call, func(p *program) { p.refuse(unix.EPERM) })
	}
	for _, call := range pretended {
		p.on(call, func(p *program) { p.refuse(0) })
	}
	p.on(unix.SYS_SOCKET, func(p *program) {
		p.socket(unix.AF_UNIX, unix.SOCK_STREAM)
		if datagrams {
			p.socket(unix.AF_INET, unix.SOCK_DGRAM)
		}
		p.refuse(unix.EACCES)
	})
	p.on(unix.SYS_SOCKETPAIR, func(p *program) {
		p.socket(unix.AF_UNIX, unix.SOCK_STREAM)
		p.refuse(unix.EACCES)
	})
	p.on(unix.SYS_CONNECT, func(p *program) {
		if datagrams {
			p.add(load, low(2), 0, 0)
			p.add(ifEqual, unix.SizeofSockaddrInet4, 0, 1)
			p.allow()
		}
		p.refuse(unix.EACCES)
	})
	p.on(unix.SYS_SENDTO, func(p *program) { // to nobody in particular is to whom one is connected
		p.zero(4)
		p.refuse(unix.EACCES)
	})
	p.on(unix.SYS_PRLIMIT64, func(p *program) { // reading limits is fine
		p.zero(2)
		p.refuse(unix.EPERM)
	})
	p.on(unix.SYS_PRCTL, func(p *program) { // who is not dumpable hides from us where it works
		p.add(load, low(0), 0, 0)
		p.add(ifEqual, unix.PR_SET_DUMPABLE, 0, 1)
		p.refuse(unix.EPERM)
		p.allow()
	})
	p.on(unix.SYS_CLONE, func(p *program) {
		p.add(load, low(0), 0, 0)
		p.add(ifSome, newNamespaces, 0, 1)
		p.refuse(unix.EPERM)
		p.allow()
	})
	p.on(unix.SYS_CLONE3, func(p *program) { p.refuse(unix.ENOSYS) }) // its flags cannot be seen; libraries use clone then
	p.allow()
	return p
}

// filterCalls puts the filter on the calling thread and what it starts.
func filterCalls(datagrams bool) error {
	p := filter(datagrams)
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	const setModeFilter, specAllow = 1, 1 << 2 // the second: memory is as quick as without a filter
	_, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, specAllow, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return errno
	}
	return nil
}
