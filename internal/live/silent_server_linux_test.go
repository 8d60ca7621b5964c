package live

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestKeepAlive: a dead line is found in as long as a server may be silent.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, onward.NewestMajor, "SELECT 1")
	l := pgservertest.NewLine(t, url)
	conn, err := newBoundDialer(NewSilence(t.Context(), nil))(t.Context(), "tcp", strings.SplitN(strings.SplitN(l.URL, "@", 2)[1], "/", 2)[0])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*boundConn).Conn.(syscall.Conn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	if err := raw.Control(func(fd uintptr) {
		enabled, _ := syscall.GetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_KEEPALIVE)
		idle, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPIDLE)
		every, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPINTVL)
		count, _ := syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_KEEPCNT)
		total = enabled * (idle + every*count)
	}); err != nil || total == 0 || time.Duration(total)*time.Second > maxSilence {
		t.Errorf("found after %d s: %v", total, err)
	}
}
