package lazyregexp

import (
	"sync"
	"testing"
)

func TestLazy(t *testing.T) {
	t.Parallel()
	r := New(`(\w)-(\d+)`)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if m := r.FindStringSubmatch("x a-12"); len(m) != 3 || m[1] != "a" || m[2] != "12" {
				t.Errorf("FindStringSubmatch(\"x a-12\") = %q, want [\"a-12\" \"a\" \"12\"]", m)
			}
		})
	}
	all.Wait()
	if got := r.ReplaceAllString("a-12 b-3", "$2$1"); got != "12a 3b" || r.String() != `(\w)-(\d+)` {
		t.Errorf("ReplaceAllString = %q, want \"12a 3b\"; String() = %s", got, r)
	}
}

// A wrong pattern ends each test's program at its start, as with [regexp.MustCompile].
func TestWrongPattern(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("a wrong pattern is not noticed")
		}
	}()
	New("(")
}
