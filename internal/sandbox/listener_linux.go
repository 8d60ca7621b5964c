//go:build amd64 || arm64

package sandbox

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/onward-sql/onward/internal/confine"
)

// startListener decides about the calls of the program until Close.
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
			s.noteRefused("a name server")
		}
		return unix.EACCES
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
	return s.changeModeAt(c, unix.AT_FDCWD, c.Args[0], c.Args[1], true) // chmod
}

func (s *Sandbox) changeModeAt(c *confine.Call, dir int32, at, mode uint64, follow bool) error {
	path, err := c.ReadText(at)
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
	s.mu.Lock()
	tree := s.tree
	s.mu.Unlock()
	switch {
	case isLocal && a.Port() == s.access.Port && a.Port() != 0, isLocal && tree != nil && tree.Listens(a.Port()):
		return connectRaw(fd, raw)
	case isLocal:
		s.noteRefused(a.String())
		return unix.ECONNREFUSED
	}
	s.noteRefused(a.String())
	return unix.ENETUNREACH
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
			s.noteRefused(name)
		}
		return unix.ECONNREFUSED
	}
	return unix.Connect(fd, &unix.SockaddrUnix{Name: descriptorPath(file)})
}
