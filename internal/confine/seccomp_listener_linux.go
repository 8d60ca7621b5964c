//go:build amd64 || arm64

package confine

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Call is a system call that waits for the listener's decision.
type Call struct {
	// Number is the call, and Args its arguments.
	Number uint32
	Args   [6]uint64
	// Proceeds is set by a decision without an error to let the kernel make the call. Its arguments in memory may have changed since.
	Proceeds bool

	id       uint64
	pid      int
	listener int
}

// notification is the kernel's seccomp_notif, answer its seccomp_notif_resp.
type notification struct {
	id         uint64
	pid, flags uint32
	number     int32
	arch       uint32
	pointer    uint64
	args       [6]uint64
}

type answer struct {
	id    uint64
	value int64
	errno int32
	flags uint32
}

// ServeCalls passes the calls of a listener to a function, each in a goroutine of its own, and answers with its result, until stop
// can be read or no process has the filter. It closes the listener.
func ServeCalls(listener int, stop *os.File, decide func(*Call) unix.Errno) {
	defer unix.Close(listener)
	for {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}, {Fd: int32(stop.Fd()), Events: unix.POLLIN}}
		if _, err := unix.Poll(fds, -1); errors.Is(err, unix.EINTR) {
			continue
		} else if err != nil || fds[1].Revents != 0 || fds[0].Revents&unix.POLLIN == 0 {
			return
		}
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), unix.SECCOMP_IOCTL_NOTIF_RECV, uintptr(unsafe.Pointer(&n))); errno != 0 {
			continue // the process has gone
		}
		call := &Call{Number: uint32(n.number), Args: n.args, id: n.id, pid: int(n.pid), listener: listener}
		go func() { call.sendAnswer(decide(call)) }()
	}
}

// sendAnswer ends the call. If its process has gone, nobody waits for it.
func (c *Call) sendAnswer(errno unix.Errno) {
	a := answer{id: c.id, errno: -int32(errno)}
	if c.Proceeds && errno == 0 {
		a.flags = unix.SECCOMP_USER_NOTIF_FLAG_CONTINUE
	}
	_, _, _ = unix.Syscall(unix.SYS_IOCTL, uintptr(c.listener), unix.SECCOMP_IOCTL_NOTIF_SEND, uintptr(unsafe.Pointer(&a)))
}

// isWaiting reports whether the process still waits: otherwise its ID may be another one's.
func (c *Call) isWaiting() bool {
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(c.listener), unix.SECCOMP_IOCTL_NOTIF_ID_VALID, uintptr(unsafe.Pointer(&c.id)))
	return errno == 0
}

// ReadMemory returns bytes of the calling process, up to the end of what it has there.
func (c *Call) ReadMemory(address uint64, length int) ([]byte, error) {
	f, err := os.Open(c.procPath("mem"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if !c.isWaiting() {
		return nil, unix.ESRCH
	}
	out := make([]byte, length)
	n, err := f.ReadAt(out, int64(address))
	if n == 0 {
		return nil, err
	}
	return out[:n], nil
}

// ReadText returns a text of the calling process that ends with a zero. A longer one is an error.
func (c *Call) ReadText(address uint64) (string, error) {
	const page = 4096
	data, err := c.ReadMemory(address, int(page-address%page)) // a page at a time: the next one may not exist
	if err != nil {
		return "", err
	}
	text, _, ended := strings.Cut(string(data), "\x00")
	if !ended {
		if data, err = c.ReadMemory(address, unix.PathMax); err != nil {
			return "", err
		}
		if text, _, ended = strings.Cut(string(data), "\x00"); !ended {
			return "", unix.ENAMETOOLONG
		}
	}
	return text, nil
}

// PID returns the calling thread.
func (c *Call) PID() int { return c.pid }

func (c *Call) procPath(name string) string { return "/proc/" + strconv.Itoa(c.pid) + "/" + name }

// DupDescriptor returns a copy of an open file of the calling process.
func (c *Call) DupDescriptor(fd int) (int, error) {
	group, err := c.threadGroupID()
	if err != nil {
		return -1, err
	}
	pid, err := unix.PidfdOpen(group, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(pid)
	if !c.isWaiting() {
		return -1, unix.ESRCH
	}
	return unix.PidfdGetfd(pid, fd, 0)
}

// threadGroupID returns the process of the calling thread.
func (c *Call) threadGroupID() (int, error) {
	status, err := os.ReadFile(c.procPath("status"))
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(status), "\nTgid:")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(strings.TrimSpace(line))
}

// OpenPath opens the file that a path means for the calling process, without any rights on it. dir is the directory's descriptor.
func (c *Call) OpenPath(dir int32, path string, follow bool) (int, error) {
	flags := unix.O_PATH | unix.O_CLOEXEC
	if !follow {
		flags |= unix.O_NOFOLLOW
	}
	base := c.procPath("cwd")
	if dir != unix.AT_FDCWD {
		base = c.procPath(fmt.Sprintf("fd/%d", dir))
	}
	open := c.openHere
	if c.hasOwnMounts() {
		open = c.openInRoot
	}
	fd, err := open(base, path, flags)
	if err == nil && !c.isWaiting() {
		unix.Close(fd)
		return -1, unix.ESRCH
	}
	return fd, err
}

// openHere opens a path of a process that has the same mounts as this one.
func (c *Call) openHere(base, path string, flags int) (int, error) {
	if !strings.HasPrefix(path, "/") {
		path = base + "/" + path
	}
	return unix.Open(path, flags, 0)
}

// openInRoot opens a path of a process with mounts of its own. No link leads out of them.
func (c *Call) openInRoot(base, path string, flags int) (int, error) {
	root, err := unix.Open(c.procPath("root"), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(root)
	if !strings.HasPrefix(path, "/") {
		dir, err := os.Readlink(base)
		if err != nil {
			return -1, err
		}
		path = dir + "/" + path
	}
	return unix.Openat2(root, path, &unix.OpenHow{Flags: uint64(flags), Resolve: unix.RESOLVE_IN_ROOT})
}

// hasOwnMounts reports whether the calling process has other mounts than this one.
func (c *Call) hasOwnMounts() bool {
	ownNamespace, err := os.Readlink("/proc/self/ns/mnt")
	other, err2 := os.Readlink(c.procPath("ns/mnt"))
	return err != nil || err2 != nil || ownNamespace != other
}

// CanCopyDescriptors reports whether a process may copy another one's open files, by an attempt on itself.
func CanCopyDescriptors() bool {
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
