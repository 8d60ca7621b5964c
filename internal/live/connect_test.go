package live

import (
	"io"
	"testing"
)

func TestLostConnection(t *testing.T) {
	t.Parallel()
	err := &ServerError{What: "read tables", Err: io.ErrUnexpectedEOF}
	if err.Error() != "read tables: the server closed the connection" {
		t.Error(err)
	}
}
