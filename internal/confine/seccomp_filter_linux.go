//go:build amd64 || arm64

package confine

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// newestCall is the last system call that existed when the lists of refused calls were written. Programs have another way if a
// newer one is missing.
const newestCall = unix.SYS_RSEQ_SLICE_YIELD

// newNamespaces are the flags of clone that create namespaces.
const newNamespaces = unix.CLONE_NEWNS | unix.CLONE_NEWCGROUP | unix.CLONE_NEWUTS | unix.CLONE_NEWIPC | unix.CLONE_NEWUSER |
	unix.CLONE_NEWPID | unix.CLONE_NEWNET | unix.CLONE_NEWTIME

// KernelCalls are calls for namespaces, file systems and the kernel itself, which has most bugs in rarely used code. No project's
// program needs them.
var KernelCalls = append([]uint32{
	unix.SYS_MOUNT, unix.SYS_UMOUNT2, unix.SYS_PIVOT_ROOT, unix.SYS_CHROOT, unix.SYS_MOVE_MOUNT, unix.SYS_OPEN_TREE,
	unix.SYS_OPEN_TREE_ATTR, unix.SYS_FSOPEN, unix.SYS_FSCONFIG, unix.SYS_FSMOUNT, unix.SYS_FSPICK, unix.SYS_MOUNT_SETATTR,
	unix.SYS_UNSHARE, unix.SYS_SETNS, unix.SYS_QUOTACTL, unix.SYS_QUOTACTL_FD, unix.SYS_SWAPON, unix.SYS_SWAPOFF,
	unix.SYS_OPEN_BY_HANDLE_AT, unix.SYS_NAME_TO_HANDLE_AT, unix.SYS_FANOTIFY_INIT, unix.SYS_FANOTIFY_MARK,
	unix.SYS_BPF, unix.SYS_PERF_EVENT_OPEN, unix.SYS_KEYCTL, unix.SYS_ADD_KEY, unix.SYS_REQUEST_KEY, unix.SYS_USERFAULTFD,
	unix.SYS_IO_URING_SETUP, unix.SYS_IO_URING_ENTER, unix.SYS_IO_URING_REGISTER, unix.SYS_KEXEC_LOAD, unix.SYS_KEXEC_FILE_LOAD,
	unix.SYS_INIT_MODULE, unix.SYS_FINIT_MODULE, unix.SYS_DELETE_MODULE, unix.SYS_REBOOT, unix.SYS_SYSLOG, unix.SYS_ACCT,
	unix.SYS_VHANGUP, unix.SYS_SETHOSTNAME, unix.SYS_SETDOMAINNAME, unix.SYS_SETTIMEOFDAY,
	unix.SYS_CLOCK_SETTIME, unix.SYS_CLOCK_ADJTIME, unix.SYS_ADJTIMEX,
}, kernelCallsHere...)

// SharedMemoryCalls are calls for the shared memory, semaphores and message queues of System V and POSIX. All programs of a user
// share them.
var SharedMemoryCalls = []uint32{
	unix.SYS_MQ_OPEN, unix.SYS_MQ_UNLINK,
	unix.SYS_SHMGET, unix.SYS_SHMAT, unix.SYS_SHMCTL, unix.SYS_SEMGET, unix.SYS_SEMOP, unix.SYS_SEMTIMEDOP, unix.SYS_SEMCTL,
	unix.SYS_MSGGET, unix.SYS_MSGSND, unix.SYS_MSGRCV, unix.SYS_MSGCTL,
}

// Filter is a filter of system calls (https://docs.kernel.org/userspace-api/seccomp_filter.html). Jumps skip instructions forward.
type Filter []unix.SockFilter

const (
	load    = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS
	ifEqual = unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K
	ifFrom  = unix.BPF_JMP | unix.BPF_JGE | unix.BPF_K
	ifSome  = unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K
	and     = unix.BPF_ALU | unix.BPF_AND | unix.BPF_K

	number, processor = 0, 4 // offsets in a call's description
)

// lowOffset and highOffset are the offsets of the halves of an argument, on the supported processors.
func lowOffset(arg uint32) uint32 { return 16 + 8*arg }

// NewFilter returns a filter that refuses the calls of other processors, and calls that are too new.
func NewFilter() Filter {
	var p Filter
	p.addInstruction(load, processor, 0, 0)
	p.addInstruction(ifEqual, processorHere, 1, 0)
	p.RefuseCall(unix.EPERM)
	p.addInstruction(load, number, 0, 0)
	p.addInstruction(ifFrom, newestCall+1, 0, 1) // also the calls of x32
	p.RefuseCall(unix.ENOSYS)
	return p
}

func (p *Filter) addInstruction(code uint16, k uint32, yes, no uint8) {
	*p = append(*p, unix.SockFilter{Code: code, K: k, Jt: yes, Jf: no})
}

func (p *Filter) addReturn(action uint32) { p.addInstruction(unix.BPF_RET|unix.BPF_K, action, 0, 0) }

// RefuseCall ends a call with an error; the error 0 is success.
func (p *Filter) RefuseCall(errno unix.Errno) { p.addReturn(unix.SECCOMP_RET_ERRNO | uint32(errno)) }

// RefuseCalls ends each of some calls with an error; the error 0 is success.
func (p *Filter) RefuseCalls(calls []uint32, errno unix.Errno) {
	for _, call := range calls {
		p.OnCall(call, func(p *Filter) { p.RefuseCall(errno) })
	}
}

// AllowCall lets a call pass.
func (p *Filter) AllowCall() { p.addReturn(unix.SECCOMP_RET_ALLOW) }

// AskListener lets the listener decide about a call.
func (p *Filter) AskListener() { p.addReturn(unix.SECCOMP_RET_USER_NOTIF) }

// OnCall adds the instructions for a call; they must end in returns. The call's number stays loaded for other calls.
func (p *Filter) OnCall(call uint32, addBody func(p *Filter)) {
	var body Filter
	addBody(&body)
	p.addInstruction(ifEqual, call, 0, uint8(len(body)))
	*p = append(*p, body...)
}

// AllowSocket allows one kind.
func (p *Filter) AllowSocket(family, kind uint32) {
	p.addInstruction(load, lowOffset(0), 0, 0)
	p.addInstruction(ifEqual, family, 0, 4)
	p.addInstruction(load, lowOffset(1), 0, 0)
	p.addInstruction(and, 0xf, 0, 0) // without SOCK_CLOEXEC and SOCK_NONBLOCK
	p.addInstruction(ifEqual, kind, 0, 1)
	p.AllowCall()
}

// AllowSocketProtocol allows one kind with a protocol.
func (p *Filter) AllowSocketProtocol(family, kind, protocol uint32) {
	p.addInstruction(load, lowOffset(2), 0, 0)
	p.addInstruction(ifEqual, protocol, 0, 6) // past AllowSocket
	p.AllowSocket(family, kind)
}

// RefuseUnless refuses the call if the low half of an argument has another value; the error 0 is success.
func (p *Filter) RefuseUnless(arg, value uint32, errno unix.Errno) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifEqual, value, 1, 0)
	p.RefuseCall(errno)
}

// AllowZero allows the call if an argument is 0.
func (p *Filter) AllowZero(arg uint32) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifEqual, 0, 0, 3)
	p.addInstruction(load, lowOffset(arg)+4, 0, 0)
	p.addInstruction(ifEqual, 0, 0, 1)
	p.AllowCall()
}

// AllowValue allows the call if the low half of an argument has a value.
func (p *Filter) AllowValue(arg, value uint32) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifEqual, value, 0, 1)
	p.AllowCall()
}

// AllowFlags allows the call if an argument has one of the flags.
func (p *Filter) AllowFlags(arg, flags uint32) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifSome, flags, 0, 1)
	p.AllowCall()
}

// RefuseValue refuses the call if the low half of an argument has a value.
func (p *Filter) RefuseValue(arg, value uint32, errno unix.Errno) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifEqual, value, 0, 1)
	p.RefuseCall(errno)
}

// RefuseFlags refuses the call if an argument has one of the flags.
func (p *Filter) RefuseFlags(arg, flags uint32, errno unix.Errno) {
	p.addInstruction(load, lowOffset(arg), 0, 0)
	p.addInstruction(ifSome, flags, 0, 1)
	p.RefuseCall(errno)
}

// RefuseNamespaces refuses processes in new namespaces.
func (p *Filter) RefuseNamespaces() {
	p.OnCall(unix.SYS_CLONE, func(p *Filter) {
		p.RefuseFlags(0, newNamespaces, unix.EPERM)
		p.AllowCall()
	})
	p.OnCall(unix.SYS_CLONE3, func(p *Filter) { p.RefuseCall(unix.ENOSYS) }) // the filter cannot see its flags; libraries fall back to clone
}

// InstallFilter installs the filter for the calling thread and its children.
func (p Filter) InstallFilter() error {
	_, err := p.installWithFlags(1 << 2) // memory access is as fast as without a filter
	return err
}

// InstallForAll installs the filter for all threads of this process, and for those that they start.
func (p Filter) InstallForAll() error {
	thread, err := p.installWithFlags(1<<2 | unix.SECCOMP_FILTER_FLAG_TSYNC)
	if err == nil && thread != 0 {
		return fmt.Errorf("thread %d has another filter", thread)
	}
	return err
}

// InstallListener installs a filter that asks, and returns the listener for [ServeCalls].
func (p Filter) InstallListener() (fd int, err error) {
	return p.installWithFlags(1<<2 | unix.SECCOMP_FILTER_FLAG_NEW_LISTENER)
}

func (p Filter) installWithFlags(flags uintptr) (int, error) {
	prog := unix.SockFprog{Len: uint16(len(p)), Filter: &p[0]}
	const setModeFilter = 1
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, setModeFilter, flags, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return -1, errno
	}
	return int(fd), nil
}
