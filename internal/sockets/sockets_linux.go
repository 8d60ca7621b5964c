package sockets

import (
	"encoding/binary"
	"encoding/hex"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// readProcesses lists the processes that are running. A zombie holds nothing, and is left out.
func readProcesses() map[int]entry {
	dirs, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	out := map[int]entry{}
	for _, d := range dirs {
		pid, err := strconv.Atoi(d.Name())
		if err != nil {
			continue
		}
		if e, ok := readProcess(pid); ok {
			out[pid] = e
		}
	}
	return out
}

func readProcess(pid int) (e entry, ok bool) {
	text, err := os.ReadFile(procPath(pid, "stat"))
	if err != nil {
		return e, false
	}
	// The program's name may hold spaces and parentheses.
	end := strings.LastIndexByte(string(text), ')')
	fields := strings.Fields(string(text[end+1:]))
	if end < 0 || len(fields) < 20 || fields[0] == "Z" || fields[0] == "X" {
		return e, false
	}
	e.pid = pid
	e.parent, _ = strconv.Atoi(fields[1])
	e.started, err = strconv.ParseUint(fields[19], 10, 64)
	return e, err == nil
}

func procPath(pid int, name string) string {
	return filepath.Join("/proc", strconv.Itoa(pid), name)
}

// inodes are the sockets that a process holds.
func inodes(pid int) map[uint64]bool {
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
func Holds(pid int, end uint64) bool { return inodes(pid)[end] }

// Connections are those that the tree's processes hold, by TCP or by Unix sockets.
func (t *Tree) Connections() []Connection {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refresh()
	held := map[uint64]int{}
	own, _ := os.Readlink("/proc/self/ns/net")
	for pid := range t.members {
		// In another network namespace the same address is another place.
		if ns, err := os.Readlink(procPath(pid, "ns/net")); err != nil || ns != own {
			continue
		}
		for inode := range inodes(pid) {
			held[inode] = pid
		}
	}
	if len(held) == 0 {
		return nil
	}
	return append(tcpConnections(held), unixConnections(held)...)
}

// tcpConnections are those of the held sockets that are established TCP connections.
func tcpConnections(held map[uint64]int) []Connection {
	type ends struct{ local, remote netip.AddrPort }
	byEnds, found := map[ends]uint64{}, map[uint64]ends{}
	for _, file := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		text, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			const established = "01"
			if len(fields) < 10 || fields[3] != established {
				continue
			}
			local, ok := parseAddress(fields[1])
			remote, valid := parseAddress(fields[2])
			inode, err := strconv.ParseUint(fields[9], 10, 64)
			if !ok || !valid || err != nil {
				continue
			}
			e := ends{local, remote}
			byEnds[e] = inode
			if held[inode] != 0 {
				found[inode] = e
			}
		}
	}
	var out []Connection
	for inode, e := range found {
		out = append(out, Connection{PID: held[inode], Local: e.local, Remote: e.remote, Peer: byEnds[ends{e.remote, e.local}]})
	}
	return out
}

// parseAddress reads "0100007F:1538": each four bytes are a number in the machine's own byte order.
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
