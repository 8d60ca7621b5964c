package wire

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"
)

// shown is a message as the framer shows it.
type shown struct {
	kind byte
	body string
	size int
}

// frames cuts a text by a framer, in pieces of a length.
func frames(limits *limits, data []byte, piece int) (out []shown, f *framer) {
	f = &framer{limits: limits}
	f.emit = func(kind byte, body []byte, size int) {
		out = append(out, shown{kind, string(body), size})
	}
	for p := range slices.Chunk(data, piece) {
		f.feedPiece(p)
	}
	return out, f
}

// FuzzFramer: whatever comes, from either side and in whatever pieces, the same messages are
// shown, none beyond its limit, and what is held is bounded.
func FuzzFramer(f *testing.F) {
	f.Add([]byte("Q\x00\x00\x00\x0dSELECT 1\x00X\x00\x00\x00\x04"), 3)
	f.Add([]byte("Z\x00\x00\x00\x05ID\x00\x00\x00\x03"), 1)
	f.Add([]byte("d\x3f\xff\xff\xffx"), 2)
	f.Fuzz(func(t *testing.T, data []byte, piece int) {
		piece = 1 + int(uint(piece)%100)
		for _, l := range []*limits{clientLimits, serverLimits} {
			whole, a := frames(l, data, max(len(data), 1))
			parts, b := frames(l, data, piece)
			if !slices.Equal(whole, parts) || a.broken != b.broken {
				t.Fatalf("%q in pieces of %d: %v, and at once %v", data, piece, parts, whole)
			}
			for _, m := range whole {
				if l[m.kind] == unseen || len(m.body) > int(l[m.kind]) || len(m.body) > m.size {
					t.Fatalf("%v is shown", m)
				}
			}
			if cap(b.body) > 2*len(data)+2*MaxBind {
				t.Fatalf("it holds %d bytes of %d", cap(b.body), len(data))
			}
		}
	})
}

// FuzzStartup: what a client and a server say before a session begins is read without a panic.
func FuzzStartup(f *testing.F) {
	f.Add([]byte("\x00\x00\x00\x21\x00\x03\x00\x00user\x00me\x00database\x00db\x00\x00"))
	f.Add([]byte("R\x00\x00\x00\x2a\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) < 9 {
			return
		}
		if s, _ := parseStartup(data); s.Database == "" && s.User != "" {
			t.Fatalf("%q has no database", data)
		}
		if out, hadPlus, _ := removeChannelBinding(data); bytes.Contains(out[9:], []byte("-PLUS\x00")) || hadPlus && len(out) > len(data)+2 ||
			int(binary.BigEndian.Uint32(out[1:])) != len(out)-1 {
			t.Fatalf("%q of %q", out, data)
		}
		appendDrops(nil, 'P', data, "db")
		appendDrops(nil, 'Q', data, "db")
	})
}
