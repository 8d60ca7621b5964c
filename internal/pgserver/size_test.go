//go:build unix

package pgserver

import (
	"context"
	"testing"
)

// What no database's size counts is in the server's: here temporary files of a query under way.
func TestSize(t *testing.T) {
	t.Parallel()
	s := server(t, Config{Small: true})
	before := s.Size()
	if before < 1<<20 {
		t.Errorf("an empty server takes %d bytes", before)
	}
	conn := connect(t, s.URL("postgres"))
	defer conn.Close(context.Background())
	// A cursor keeps its sort's files while it is open.
	if _, err := conn.Exec(t.Context(), `BEGIN; SET LOCAL work_mem = '1MB';
		DECLARE c CURSOR FOR SELECT repeat('x', 100) || n FROM generate_series(1, 200000) AS n ORDER BY 1 DESC; FETCH 1 FROM c`); err != nil {
		t.Fatal(err)
	}
	if grown := s.Size() - before; grown < 15<<20 {
		t.Errorf("20 MB of temporary files: the size has grown by %d bytes", grown)
	}
}

func BenchmarkSize(b *testing.B) {
	s := server(b, Config{Small: true})
	for b.Loop() {
		s.Size()
	}
}
