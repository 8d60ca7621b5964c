package sockets

import (
	"encoding/binary"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// findTCPSocket returns the established TCP socket with two addresses in this network namespace. The kernel looks it up if it is asked
// through a netlink socket. For its list in /proc it walks all its tables, which takes milliseconds: it is read if there is no answer, since
// a kernel without that module says the same as one without such a socket.
func findTCPSocket(local, remote netip.AddrPort) (s tcpSocket, ok bool) {
	if s, err := lookUpTCPSocket(local, remote); err == nil {
		return s, true
	}
	for _, s := range tcpSockets(established) {
		if s.local == local && s.remote == remote {
			return s, true
		}
	}
	return s, false
}

// The layout of linux/inet_diag.h: of a request (inet_diag_req_v2), with the addresses from inetRequestID on, and of an answer
// (inet_diag_msg), which has them from inetMessageID on.
const (
	inetRequestSize, inetRequestID = 56, 8
	inetMessageSize, inetMessageID = 72, 4
	inetMessageUser                = 64
	inetMessageInode               = 68
	inetCookie                     = 40 // in the addresses
)

// lookUpTCPSocket asks the kernel for a socket. Errors: ENOENT if there is none, and others if it does not answer.
func lookUpTCPSocket(local, remote netip.AddrPort) (s tcpSocket, err error) {
	fd, err := openDiagSocket()
	if err != nil {
		return s, err
	}
	defer unix.Close(fd)
	request := newDiagRequest(inetRequestSize, 0)
	body := request[unix.NLMSG_HDRLEN:]
	family := byte(unix.AF_INET)
	if local.Addr().Is6() {
		family = unix.AF_INET6
	}
	body[0], body[1] = family, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(body[4:], 1<<unix.BPF_TCP_ESTABLISHED)
	id := body[inetRequestID:]
	binary.BigEndian.PutUint16(id, local.Port())
	binary.BigEndian.PutUint16(id[2:], remote.Port())
	copy(id[4:20], local.Addr().AsSlice())
	copy(id[20:36], remote.Addr().AsSlice())
	binary.NativeEndian.PutUint64(id[inetCookie:], ^uint64(0)) // any
	if err := unix.Sendto(fd, request, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return s, err
	}
	answer := make([]byte, 4<<10)
	n, _, err := unix.Recvfrom(fd, answer, 0)
	if err != nil {
		return s, err
	}
	if answer = answer[:n]; n < unix.NLMSG_HDRLEN+4 {
		return s, unix.EBADMSG
	}
	message := answer[unix.NLMSG_HDRLEN:]
	if binary.NativeEndian.Uint16(answer[4:]) == unix.NLMSG_ERROR {
		if errno := unix.Errno(-int32(binary.NativeEndian.Uint32(message))); errno != 0 {
			return s, errno
		}
		return s, unix.EBADMSG
	}
	if len(message) < inetMessageSize {
		return s, unix.EBADMSG
	}
	size := 4
	if message[0] == unix.AF_INET6 {
		size = 16 // also of a socket that has addresses of IPv4
	}
	id = message[inetMessageID:]
	source, _ := netip.AddrFromSlice(id[4 : 4+size])
	destination, _ := netip.AddrFromSlice(id[20 : 20+size])
	s = tcpSocket{
		local:  netip.AddrPortFrom(source.Unmap(), binary.BigEndian.Uint16(id)),
		remote: netip.AddrPortFrom(destination.Unmap(), binary.BigEndian.Uint16(id[2:])),
		inode:  uint64(binary.NativeEndian.Uint32(message[inetMessageInode:])),
		user:   binary.NativeEndian.Uint32(message[inetMessageUser:]),
	}
	if message[1] != unix.BPF_TCP_ESTABLISHED || s.local != local || s.remote != remote {
		return tcpSocket{}, unix.ENOENT // a socket that listens at the port
	}
	return s, nil
}

// openDiagSocket returns a netlink socket that answers questions about sockets.
func openDiagSocket() (fd int, err error) {
	fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return 0, err
	}
	wait := unix.NsecToTimeval(int64(time.Second))
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &wait); err != nil {
		unix.Close(fd)
		return 0, err
	}
	return fd, nil
}

// newDiagRequest returns a request with a body of a size, for bytes from [unix.NLMSG_HDRLEN] on.
func newDiagRequest(size int, flags uint16) []byte {
	out := make([]byte, unix.NLMSG_HDRLEN+size)
	binary.NativeEndian.PutUint32(out, uint32(len(out)))
	binary.NativeEndian.PutUint16(out[4:], unix.SOCK_DIAG_BY_FAMILY)
	binary.NativeEndian.PutUint16(out[6:], unix.NLM_F_REQUEST|flags)
	return out
}
