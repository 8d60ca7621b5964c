package rule

import (
	"testing"
	"time"
)

// A history of many migrations may run in one transaction. Its statements come in order, in time that grows with their number only.
func TestAllOfALongTransaction(t *testing.T) {
	t.Parallel()
	const parts = 50_000
	var last *Tx
	var first *Stmt
	for range parts {
		s := &Stmt{}
		if first == nil {
			first = s
		}
		last = &Tx{Earlier: last, Statements: []*Stmt{s}}
	}
	started := time.Now()
	n := 0
	for s := range last.All() {
		if n == 0 && s != first {
			t.Fatal("the first statement is not the earliest")
		}
		n++
	}
	if took := time.Since(started); n != parts || took > 2*time.Second {
		t.Errorf("%d of %d statements in %v", n, parts, took)
	}
}
