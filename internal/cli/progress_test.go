package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/rehearse"
)

// On a terminal one line is written over again, no wider than it, and taken away; elsewhere
// a phase has a line only when it takes long.
func TestProgress(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	p := &progress{to: &b, terminal: true, width: 60}
	p.handleEvent(rehearse.Progress{Phase: "starts"})
	p.handleEvent(rehearse.Progress{Phase: "fills the tables", Table: "public.orders", Rows: 340_000, Of: 1_000_000, Left: 12300 * time.Millisecond})
	p.handleEvent(rehearse.Progress{Phase: "fills the tables", Table: "public.orders", Rows: 350_000, Of: 1_000_000}) // too soon
	p.clearLine()
	const want = "\r\x1b[Konward starts …\r\x1b[Konward fills orders: 340 k of 1 M rows, 12s left for all …\r\x1b[K"
	if b.String() != want {
		t.Errorf("the terminal got %q, want %q", b.String(), want)
	}
	b.Reset()
	q := &progress{to: &b}
	q.handleEvent(rehearse.Progress{Phase: "starts"})
	q.handleEvent(rehearse.Progress{Phase: "fills the tables", Table: "public.orders", Rows: 1, Of: 2})
	q.clearLine()
	time.Sleep(patience + 300*time.Millisecond)
	if b.Len() > 0 {
		t.Errorf("what was quick: %q", b.String())
	}
	q.handleEvent(rehearse.Progress{Phase: "runs the release"})
	time.Sleep(patience + 300*time.Millisecond)
	q.handleEvent(rehearse.Progress{Phase: "runs the release"})
	q.clearLine()
	if got := b.String(); got != "onward: runs the release\n" || strings.Contains(got, "\x1b") {
		t.Errorf("what took long: %q", got)
	}
}
