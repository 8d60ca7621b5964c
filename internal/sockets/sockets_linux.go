package sockets

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// IsSupported reports whether this system tells which process holds a connection.
const IsSupported = true

// listChildren returns the child processes of a process, from the lists of its threads.
func listChildren(pid int) (out []int) {
	dir := procPath(pid, "task")
	threads, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, thread := range threads {
		text, err := os.ReadFile(filepath.Join(dir, thread.Name(), "children"))
		if err != nil {
			continue
		}
		for _, field := range strings.Fields(string(text)) {
			if child, err := strconv.Atoi(field); err == nil {
				out = append(out, child)
			}
		}
	}
	return out
}

// readProcess identifies a running process. A zombie holds nothing, and counts as ended.
func readProcess(pid int) (p process, ok bool) {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return p, false
	}
	// The program's name may contain spaces and parentheses.
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return p, false
	}
	p.pid = pid
	p.started, err = strconv.ParseUint(fields[19], 10, 64)
	return p, err == nil
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// socketInodes returns the sockets that a process holds.
func socketInodes(pid int) map[uint64]bool {
	out := map[uint64]bool{}
	dir := procPath(pid, "fd")
	names, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, n := range names {
		target, err := os.Readlink(filepath.Join(dir, n.Name()))
		if err != nil {
			continue
		}
		if text, ok := strings.CutPrefix(target, "socket:["); ok {
			if inode, err := strconv.ParseUint(strings.TrimSuffix(text, "]"), 10, 64); err == nil {
				out[inode] = true
			}
		}
	}
	return out
}

// Holds reports whether a process holds one end of a connection. It is false if this user may not see that.
func Holds(pid int, end uint64) bool { return socketInodes(pid)[end] }

// Connections returns the TCP and Unix socket connections that the tree's processes hold.
func (t *Tree) Connections() []Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refreshMembers()
	pidByInode := map[uint64]int{}
	namespace, _ := os.Readlink("/proc/self/ns/net")
	for pid := range t.members {
		// In another network namespace the same address means another place.
		if ns, err := os.Readlink(procPath(pid, "ns/net")); err != nil || ns != namespace {
			continue
		}
		for inode := range socketInodes(pid) {
			pidByInode[inode] = pid
		}
	}
	if len(pidByInode) == 0 {
		return nil
	}
	return append(tcpConnections(pidByInode), unixConnections(pidByInode)...)
}

// tcpState is a state of a TCP socket, as the kernel numbers it.
type tcpState string

const (
	established tcpState = "01"
	listening   tcpState = "0A"
)

// tcpSocket is a line of the kernel's list.
type tcpSocket struct {
	local, remote netip.AddrPort
	inode         uint64
	user          uint32
}

// tcpSockets returns the sockets of this network namespace in a state.
func tcpSockets(state tcpState) []tcpSocket {
	var out []tcpSocket
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			if len(fields) < 10 || fields[3] != string(state) {
				continue
			}
			local, ok := parseAddress(fields[1])
			remote, valid := parseAddress(fields[2])
			inode, err := strconv.ParseUint(fields[9], 10, 64)
			user, unknown := strconv.ParseUint(fields[7], 10, 32)
			if ok && valid && err == nil && unknown == nil {
				out = append(out, tcpSocket{local, remote, inode, uint32(user)})
			}
		}
	}
	return out
}

// tcpConnections returns the held sockets that are established TCP connections.
func tcpConnections(pidByInode map[uint64]int) []Connection {
	type ends struct{ local, remote netip.AddrPort }
	list := tcpSockets(established)
	byEnds := map[ends]uint64{}
	for _, s := range list {
		byEnds[ends{s.local, s.remote}] = s.inode
	}
	var out []Connection
	for _, s := range list {
		if pidByInode[s.inode] != 0 {
			out = append(out, Connection{PID: pidByInode[s.inode], Local: s.local, Remote: s.remote, Peer: byEnds[ends{s.remote, s.local}]})
		}
	}
	return out
}

// FindClient returns the other end of a connection that this process has accepted, if it is on this machine.
func FindClient(conn net.Conn) (c Client, ok bool) {
	switch conn := conn.(type) {
	case *net.UnixConn:
		return findUnixClient(conn)
	case *net.TCPConn:
		local, okLocal := conn.LocalAddr().(*net.TCPAddr)
		remote, okRemote := conn.RemoteAddr().(*net.TCPAddr)
		if !okLocal || !okRemote {
			return c, false
		}
		server, client := unmapAddress(local.AddrPort()), unmapAddress(remote.AddrPort())
		if s, ok := findTCPSocket(client, server); ok {
			return Client{User: s.user, inode: s.inode}, true
		}
	}
	return c, false
}

func unmapAddress(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// findUnixClient returns the client of a Unix socket.
func findUnixClient(conn *net.UnixConn) (c Client, ok bool) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return c, false
	}
	_ = raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			c, ok = Client{User: cred.Uid, pid: int(cred.Pid)}, true
		}
	})
	return c, ok
}

// IsOnlyListener reports whether a connection to an address of this machine reaches one of some processes: they hold every socket that
// listens there, or on all addresses at that port.
func IsOnlyListener(pids []int, a netip.AddrPort) bool {
	found := false
	var inodes map[uint64]bool
	for _, s := range tcpSockets(listening) {
		if s.local.Port() != a.Port() || s.local.Addr() != a.Addr() && !s.local.Addr().IsUnspecified() {
			continue
		}
		if inodes == nil {
			inodes = map[uint64]bool{}
			for _, pid := range pids {
				maps.Copy(inodes, socketInodes(pid))
			}
		}
		if !inodes[s.inode] {
			return false
		}
		found = true
	}
	return found
}

// parseAddress parses "0100007F:1538": each four bytes are a number in the machine's own byte order.
func parseAddress(text string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(text, ":")
	raw, err := hex.DecodeString(host)
	number, wrong := strconv.ParseUint(port, 16, 16)
	if err != nil || wrong != nil || len(raw)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(raw); i += 4 {
		binary.NativeEndian.PutUint32(raw[i:], binary.BigEndian.Uint32(raw[i:]))
	}
	addr, ok := netip.AddrFromSlice(raw)
	return netip.AddrPortFrom(addr.Unmap(), uint16(number)), ok
}
