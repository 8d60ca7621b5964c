package sockets

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// unixConnections returns the held sockets that are connected Unix sockets. /proc/net/unix does not report the
// other end, so the kernel is asked through a netlink socket, as ss -x does.
func unixConnections(pidByInode map[uint64]int) []Connection {
	fd, err := openDiagSocket()
	if err != nil {
		return nil
	}
	defer unix.Close(fd)
	if err := unix.Sendto(fd, newUnixRequest(), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return nil
	}
	var out []Connection
	buf := make([]byte, 64<<10)
	for {
		n, _, err := unix.Recvfrom(fd, buf, 0)
		if err != nil {
			return out
		}
		for rest := buf[:n]; len(rest) >= unix.NLMSG_HDRLEN; {
			length, kind := binary.NativeEndian.Uint32(rest), binary.NativeEndian.Uint16(rest[4:])
			if kind != unix.SOCK_DIAG_BY_FAMILY || int(length) > len(rest) || length < unix.NLMSG_HDRLEN {
				return out // the end of the list, or an error
			}
			inode, peer := parseUnixSocket(rest[unix.NLMSG_HDRLEN:length])
			if pid := pidByInode[inode]; pid != 0 && peer != 0 {
				out = append(out, Connection{PID: pid, Peer: peer})
			}
			rest = rest[min(len(rest), int(length+3)&^3):]
		}
	}
}

// The layout of linux/unix_diag.h.
const (
	unixRequestSize = 24
	unixMessageSize = 16
	showPeer        = 4 // UDIAG_SHOW_PEER
	attributePeer   = 2 // UNIX_DIAG_PEER
)

// newUnixRequest returns a request for all connected Unix sockets and the other end of each.
func newUnixRequest() []byte {
	out := newDiagRequest(unixRequestSize, unix.NLM_F_DUMP)
	body := out[unix.NLMSG_HDRLEN:]
	body[0] = unix.AF_UNIX
	binary.NativeEndian.PutUint32(body[4:], 1<<unix.BPF_TCP_ESTABLISHED)
	binary.NativeEndian.PutUint32(body[12:], showPeer)
	return out
}

// parseUnixSocket reads a socket and its other end from one message.
func parseUnixSocket(body []byte) (inode, peer uint64) {
	if len(body) < unixMessageSize {
		return 0, 0
	}
	inode = uint64(binary.NativeEndian.Uint32(body[4:]))
	for rest := body[unixMessageSize:]; len(rest) >= unix.SizeofNlAttr; {
		length, kind := int(binary.NativeEndian.Uint16(rest)), binary.NativeEndian.Uint16(rest[2:])
		if length < unix.SizeofNlAttr || length > len(rest) {
			break
		}
		if kind == attributePeer && length >= unix.SizeofNlAttr+4 {
			peer = uint64(binary.NativeEndian.Uint32(rest[unix.SizeofNlAttr:]))
		}
		rest = rest[min(len(rest), (length+3)&^3):]
	}
	return inode, peer
}
