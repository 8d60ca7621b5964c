package collect

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/wire"
	"github.com/onward-sql/onward/internal/workload"
)

// message is one as FuzzSession stores it: its side and kind, its length, its body.
func message(kind byte, fromServer bool, body string) string {
	side := "c"
	if fromServer {
		side = "s"
	}
	return side + string(kind) + string(binary.BigEndian.AppendUint16(nil, uint16(len(body)))) + body
}

// FuzzSession: whatever messages come in whatever order, nothing panics, what is recorded can
// be stored and read again, and what is held is bounded.
func FuzzSession(f *testing.F) {
	f.Add(message('Z', true, "I") + message('Q', false, "SELECT 1\x00") + message('D', true, "\x00\x01\x00\x00\x00\x017") + message('C', true, "SELECT 1\x00") +
		message('Z', true, "I"))
	f.Add(message('P', false, "s\x00SELECT $1\x00\x00\x01\x00\x00\x00\x17") + message('B', false, "\x00s\x00\x00\x00\x00\x01\x00\x00\x00\x015\x00\x00") +
		message('E', false, "\x00\x00\x00\x00\x00") + message('S', false, "") +
		message('1', true, "") + message('2', true, "") + message('C', true, "SELECT 1\x00") + message('Z', true, "T"))
	f.Add(message('Q', false, "BEGIN; SAVEPOINT a; DECLARE c CURSOR FOR SELECT 1; FETCH 2 FROM c; ROLLBACK TO a; COMMIT AND CHAIN\x00") +
		strings.Repeat(message('C', true, "X\x00"), 6) + message('E', true, "C42501\x00\x00") + message('Z', true, "E"))
	f.Fuzz(func(t *testing.T, data string) {
		c := New(Config{MaxQueries: 20, MaxSequences: 10})
		s := newSession(c, wire.Startup{User: "u", Database: "db_1"})
		for len(data) >= 4 {
			server, kind, n := data[0] == 's', data[1], int(binary.BigEndian.Uint16([]byte(data[2:4])))
			body := []byte(data[4:min(len(data), 4+n)])
			data = data[min(len(data), 4+n):]
			if server {
				s.Server(kind, body, len(body))
			} else {
				s.Client(kind, body, len(body))
			}
		}
		s.Close()
		load := c.Recording().Workload
		if len(load.Queries) > 20 || len(load.Sequences) > 10 {
			t.Fatalf("%d queries, %d sequences", len(load.Queries), len(load.Sequences))
		}
		var b strings.Builder
		if err := workload.Write(&b, load, false); err != nil {
			t.Fatal(err)
		}
		if _, err := workload.Read(strings.NewReader(b.String())); err != nil {
			t.Fatalf("read the stored recording: %v\n%s", err, b.String())
		}
	})
}
