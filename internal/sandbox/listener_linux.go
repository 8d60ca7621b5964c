//go:build amd64 || arm64

package sandbox

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
	"github.com/onward-sql/onward/internal/sockets"
)

// startListener answers the system calls that the seccomp filter leaves to this process, such as connect, kill and chmod, until Close.
func (s *Sandbox) startListener(listener int) error {
	r, w, err := os.Pipe()
	if err != nil {
		unix.Close(listener)
		return err
	}
	s.wake, s.listening = w, make(chan struct{})
	go func() {
		confine.ServeCalls(listener, r, s.answerCall)
		r.Close()
		close(s.listening)
	}()
	return nil
}

// answerCall answers a call. This process makes the allowed ones itself, with its own copy of their arguments: the program could change
// those after they were checked.
func (s *Sandbox) answerCall(c *confine.Call) unix.Errno {
	var errno unix.Errno
	switch err := s.makeCall(c); {
	case err == nil:
		return 0
	case errors.As(err, &errno):
		return errno
	}
	return unix.EACCES
}

func (s *Sandbox) makeCall(c *confine.Call) error {
	switch c.Number {
	case unix.SYS_CONNECT:
		return s.connectSocket(c)
	case unix.SYS_SOCKET:
		if kind := c.Args[1]; kind&0xf == unix.SOCK_DGRAM && kind&unix.SOCK_NONBLOCK != 0 {
			s.recordRefusal("a name server")
		}
		return unix.EACCES
	case unix.SYS_KILL, unix.SYS_TKILL, unix.SYS_TGKILL, unix.SYS_RT_SIGQUEUEINFO, unix.SYS_RT_TGSIGQUEUEINFO, unix.SYS_PIDFD_SEND_SIGNAL:
		c.Proceeds = true
		return s.checkSignal(c)
	case unix.SYS_FCHMOD:
		fd, err := c.DupDescriptor(int(int32(c.Args[0])))
		if err != nil {
			return err
		}
		return s.changeMode(fd, c.Args[1])
	case unix.SYS_FCHMODAT, unix.SYS_FCHMODAT2:
		follow := c.Number == unix.SYS_FCHMODAT || c.Args[3]&unix.AT_SYMLINK_NOFOLLOW == 0
		return s.changeModeAt(c, int32(c.Args[0]), c.Args[1], c.Args[2], follow)
	}
	if slices.Contains(timeCalls, c.Number) {
		return s.changeTimes(c)
	}
	return s.changeModeAt(c, unix.AT_FDCWD, c.Args[0], c.Args[1], true) // chmod
}

func (s *Sandbox) changeModeAt(c *confine.Call, dir int32, address, mode uint64, follow bool) error {
	path, err := c.ReadText(address)
	if err != nil {
		return err
	}
	fd, err := c.OpenPath(dir, path, follow)
	if err != nil {
		return err
	}
	return s.changeMode(fd, mode)
}

// changeMode changes the mode of a file below a writable directory, and closes it. Privileges of a program's owner or group are
// left out.
func (s *Sandbox) changeMode(fd int, mode uint64) error {
	defer unix.Close(fd)
	if !s.isWritable(fd) {
		return unix.EPERM
	}
	return unix.Chmod(descriptorPath(fd), uint32(mode)&0o777)
}

// changeTimes changes the times of a file below a writable directory.
func (s *Sandbox) changeTimes(c *confine.Call) error {
	request, err := readTimesCall(c)
	if err != nil {
		return err
	}
	var fd int
	if request.path == "" {
		fd, err = c.DupDescriptor(int(request.dir))
	} else {
		fd, err = c.OpenPath(request.dir, request.path, request.follow)
	}
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if !s.isWritable(fd) {
		return unix.EPERM
	}
	return unix.UtimesNanoAt(fd, "", request.times, unix.AT_EMPTY_PATH)
}

// timesRequest is a call that changes the times of a file: of the descriptor dir if there is no path.
type timesRequest struct {
	dir    int32
	path   string
	follow bool
	times  []unix.Timespec
}

// readTimesCall reads the arguments of utimensat; see readOlderTimesCall for the others.
func readTimesCall(c *confine.Call) (r timesRequest, err error) {
	if c.Number != unix.SYS_UTIMENSAT {
		return readOlderTimesCall(c)
	}
	r = timesRequest{dir: int32(c.Args[0]), follow: c.Args[3]&unix.AT_SYMLINK_NOFOLLOW == 0}
	if c.Args[1] != 0 {
		if r.path, err = c.ReadText(c.Args[1]); err != nil {
			return r, err
		}
		if r.path == "" && c.Args[3]&unix.AT_EMPTY_PATH == 0 {
			return r, unix.ENOENT
		}
	}
	r.times, err = readTimes(c, c.Args[2], 1)
	return r, err
}

// readTimes reads two times of a call, whose second half is in units of some nanoseconds; at address 0 both are now.
func readTimes(c *confine.Call, address uint64, unit int64) ([]unix.Timespec, error) {
	if address == 0 {
		return []unix.Timespec{{Nsec: unix.UTIME_NOW}, {Nsec: unix.UTIME_NOW}}, nil
	}
	raw, err := c.ReadMemory(address, 32)
	if err != nil || len(raw) < 32 {
		return nil, unix.EFAULT
	}
	number := func(i int) int64 { return int64(binary.NativeEndian.Uint64(raw[8*i:])) }
	return []unix.Timespec{{Sec: number(0), Nsec: unit * number(1)}, {Sec: number(2), Nsec: unit * number(3)}}, nil
}

// checkSignal reports whether all processes that get a signal are the program's own: Landlock holds signals from its version 6 on.
func (s *Sandbox) checkSignal(c *confine.Call) error {
	pid := int(int32(c.Args[0]))
	switch c.Number {
	case unix.SYS_PIDFD_SEND_SIGNAL:
		fd, err := c.DupDescriptor(pid)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		if pid, err = readPidfd(fd); err != nil {
			return err
		}
	case unix.SYS_KILL:
		if pid == 0 {
			group, err := unix.Getpgid(c.PID())
			if err != nil {
				return err
			}
			pid = -group
		}
	}
	if pid > 0 {
		if !s.isOwnProcess(pid) {
			return unix.EPERM
		}
		return nil
	}
	if pid == -1 || !s.isOwnGroup(-pid) {
		return unix.EPERM
	}
	return nil
}

// isOwnGroup reports whether all processes of a group are the program's own.
func (s *Sandbox) isOwnGroup(group int) bool {
	entries, err := os.ReadDir("/proc")
	for _, e := range entries {
		pid, notNumber := strconv.Atoi(e.Name())
		if notNumber != nil {
			continue
		}
		if number, err := unix.Getpgid(pid); err == nil && number == group && !s.isOwnProcess(pid) {
			return false
		}
	}
	return err == nil
}

// readPidfd returns the process of a descriptor.
func readPidfd(fd int) (int, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/self/fdinfo/%d", fd))
	if err != nil {
		return 0, err
	}
	_, rest, ok := strings.Cut(string(text), "\nPid:")
	line, _, _ := strings.Cut(rest, "\n")
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if !ok || err != nil || pid <= 0 {
		return 0, unix.ESRCH
	}
	return pid, nil
}

func descriptorPath(fd int) string { return fmt.Sprintf("/proc/self/fd/%d", fd) }

// isWritable reports whether an open file is below a writable directory.
func (s *Sandbox) isWritable(fd int) bool {
	path, err := os.Readlink(descriptorPath(fd))
	return err == nil && filepath.IsAbs(path) && slices.ContainsFunc(s.writable, func(dir string) bool { return isBelow(path, dir) })
}

// maxAddress is the length of the longest address, of a Unix socket.
const maxAddress = unix.SizeofSockaddrUnix

func (s *Sandbox) connectSocket(c *confine.Call) error {
	length := int(uint32(c.Args[2]))
	if length < 2 || length > maxAddress {
		return unix.EINVAL
	}
	raw, err := c.ReadMemory(c.Args[1], length)
	if err != nil || len(raw) < length {
		return unix.EFAULT
	}
	fd, err := c.DupDescriptor(int(int32(c.Args[0])))
	if err != nil {
		return unix.EBADF
	}
	defer unix.Close(fd)
	switch family := *(*uint16)(unsafe.Pointer(&raw[0])); family {
	case unix.AF_UNIX:
		return s.connectUnix(c, fd, string(raw[2:]))
	case unix.AF_INET, unix.AF_INET6:
		return s.connectTCP(fd, raw)
	case unix.AF_UNSPEC, unix.AF_NETLINK:
		return connectRaw(fd, raw)
	}
	return unix.EAFNOSUPPORT
}

// connectRaw connects a socket.
func connectRaw(fd int, address []byte) error {
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&address[0])), uintptr(len(address)))
	if errno != 0 {
		return errno
	}
	return nil
}

// connectTCP connects to the allowed port or to a server of the program itself. Other addresses fail as if there were no network.
func (s *Sandbox) connectTCP(fd int, raw []byte) error {
	a, ok := parseSocketAddress(raw)
	if !ok {
		return unix.EINVAL
	}
	isLocal := a.Addr().IsLoopback() || a.Addr().IsUnspecified()
	switch {
	case isLocal && s.mayConnect(resolveUnspecified(a)):
		err := connectRaw(fd, raw)
		if errors.Is(err, unix.ECONNREFUSED) && s.isolated && a.Port() != s.access.Port {
			s.recordRefusal(a.String()) // it may be a service outside of the program's own network
		}
		return err
	case isLocal:
		s.recordRefusal(a.String())
		return unix.ECONNREFUSED
	}
	s.recordRefusal(a.String())
	return unix.ENETUNREACH
}

// resolveUnspecified returns the address that Linux connects to: for none, the usual one of this machine.
func resolveUnspecified(a netip.AddrPort) netip.AddrPort {
	switch a.Addr() {
	case netip.IPv4Unspecified():
		return netip.AddrPortFrom(loopback, a.Port())
	case netip.IPv6Unspecified():
		return netip.AddrPortFrom(netip.IPv6Loopback(), a.Port())
	}
	return a
}

// mayConnect reports whether an address of this machine is the allowed port's, or one at which only the program itself listens.
func (s *Sandbox) mayConnect(a netip.AddrPort) bool {
	if s.isolated && !s.access.Network {
		return true // of the program's own network
	}
	if a.Port() == s.access.Port && a.Addr() == loopback {
		return a.Port() != 0
	}
	return sockets.IsOnlyListener(s.listProcesses(), a)
}

// parseSocketAddress reads an address as the kernel gets it.
func parseSocketAddress(raw []byte) (netip.AddrPort, bool) {
	if len(raw) < unix.SizeofSockaddrInet4 {
		return netip.AddrPort{}, false
	}
	port := uint16(raw[2])<<8 | uint16(raw[3])
	if *(*uint16)(unsafe.Pointer(&raw[0])) == unix.AF_INET {
		return netip.AddrPortFrom(netip.AddrFrom4([4]byte(raw[4:8])), port), true
	}
	if len(raw) < 24 { // without the scope, which is optional
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(netip.AddrFrom16([16]byte(raw[8:24])).Unmap(), port), true
}

// usualSockets are those that the C library tries by itself.
var usualSockets = []string{"/var/run/nscd/socket", "/run/nscd/socket", "/dev/log", "/run/systemd/userdb/io.systemd.DynamicUser"}

// connectUnix connects to a socket below a writable directory.
func (s *Sandbox) connectUnix(c *confine.Call, fd int, path string) error {
	name, _, _ := strings.Cut(path, "\x00")
	if name == "" { // an abstract one
		return unix.ECONNREFUSED
	}
	file, err := c.OpenPath(unix.AT_FDCWD, name, true)
	if err != nil {
		return err
	}
	defer unix.Close(file)
	if !s.isWritable(file) {
		if !slices.Contains(usualSockets, name) {
			s.recordRefusal(name)
		}
		return unix.ECONNREFUSED
	}
	return unix.Connect(fd, &unix.SockaddrUnix{Name: descriptorPath(file)})
}
