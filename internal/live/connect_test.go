package live

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"
)

// TestImpatient: a server that freezes in the middle is not waited for.
func TestImpatient(t *testing.T) {
	t.Parallel()
	here, there := net.Pipe()
	go there.Write([]byte("x"))
	c := &impatient{Conn: here, most: 100 * time.Millisecond}
	b := make([]byte, 1)
	if n, err := c.Read(b); n != 1 || err != nil {
		t.Fatalf("%d %v", n, err)
	}
	if _, err := c.Read(b); err == nil || !strings.Contains(err.Error(), "the server has said nothing for 100ms") {
		t.Error(err)
	}
	if _, err := there.Write([]byte("y")); err == nil {
		t.Error("the connection is open")
	}
}

func TestLostConnection(t *testing.T) {
	t.Parallel()
	err := &ServerError{What: "read tables", Err: io.ErrUnexpectedEOF}
	if err.Error() != "read tables: the server closed the connection" {
		t.Error(err)
	}
}
