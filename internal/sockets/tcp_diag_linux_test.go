package sockets

import (
	"net"
	"net/netip"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// The kernel's answer about a socket is what its list in /proc says, for both families and for addresses of IPv4 on a socket of IPv6. Sockets that
// listen, or that are gone, are none.
func TestLookUpTCPSocket(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		family  int
		address string
	}{{unix.AF_INET, "127.0.0.1"}, {unix.AF_INET6, "::1"}, {unix.AF_INET6, "::ffff:127.0.0.1"}} {
		l, err := net.Listen("tcp", net.JoinHostPort(netip.MustParseAddr(c.address).Unmap().String(), "0"))
		if err != nil {
			t.Log(err) // a machine without IPv6
			continue
		}
		defer l.Close()
		server := l.Addr().(*net.TCPAddr).AddrPort()
		fd, err := unix.Socket(c.family, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			t.Fatal(err)
		}
		var to unix.Sockaddr = &unix.SockaddrInet4{Port: int(server.Port()), Addr: [4]byte{127, 0, 0, 1}}
		if c.family == unix.AF_INET6 {
			to = &unix.SockaddrInet6{Port: int(server.Port()), Addr: netip.MustParseAddr(c.address).As16()}
		}
		if err := unix.Connect(fd, to); err != nil {
			t.Fatal(err)
		}
		conn, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		client := unmapAddress(conn.RemoteAddr().(*net.TCPAddr).AddrPort())
		server = unmapAddress(server)
		got, err := lookUpTCPSocket(client, server)
		if err != nil {
			t.Fatalf("%s: %v", c.address, err)
		}
		if !Holds(os.Getpid(), got.inode) || got.user != uint32(os.Geteuid()) {
			t.Errorf("%s: another one's socket: %+v", c.address, got)
		}
		for _, s := range tcpSockets(established) {
			if s.local == client && s.remote == server && s != got {
				t.Errorf("%s: %+v, and in /proc %+v", c.address, got, s)
			}
		}
		for name, pair := range map[string][2]netip.AddrPort{
			"from another port": {netip.AddrPortFrom(client.Addr(), 1), server},
			"to another port":   {client, netip.AddrPortFrom(server.Addr(), 1)},
			"that listens":      {server, netip.AddrPortFrom(server.Addr(), 1)},
		} {
			if s, err := lookUpTCPSocket(pair[0], pair[1]); err != unix.ENOENT { //nolint:errorlint // it is not wrapped
				t.Errorf("%s: a socket %s: %+v, %v", c.address, name, s, err)
			}
			if _, ok := findTCPSocket(pair[0], pair[1]); ok {
				t.Errorf("%s: found a socket %s", c.address, name)
			}
		}
		unix.Close(fd)
	}
}
