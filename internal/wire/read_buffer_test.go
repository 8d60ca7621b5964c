package wire

import (
	"bytes"
	"net"
	"testing"
)

// A connection is read in short pieces until one fills the buffer, and each byte is read once.
func TestReadBuffer(t *testing.T) {
	t.Parallel()
	sent := bytes.Repeat([]byte("0123456789abcdef"), 10<<10)
	out, in := net.Pipe()
	go func() {
		defer out.Close()
		for _, p := range [][]byte{sent[:10], sent[10:1000], sent[1000 : 1000+shortRead], sent[1000+shortRead:]} {
			if _, err := out.Write(p); err != nil {
				t.Error(err)
			}
		}
	}()
	var b readBuffer
	var got []byte
	var sizes []int
	for {
		p, err := b.readFrom(in)
		got, sizes = append(got, p...), append(sizes, len(p))
		if err != nil {
			break
		}
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes were read, and they differ from the %d that were sent", len(got), len(sent))
	}
	if sizes[0] != 10 || sizes[1] != 990 || sizes[2] != shortRead || sizes[3] != longRead || len(b) != longRead {
		t.Errorf("the pieces were %v", sizes)
	}
}
