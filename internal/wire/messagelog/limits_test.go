package messagelog

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/transcript"
	"github.com/onward-sql/onward/internal/wire"
)

// A log that is full ends with a note; sessions go on.
func TestLimits(t *testing.T) {
	t.Parallel()
	for note, maxEvents := range map[string]int{"there are more than 3 messages": 3, "there are more than 1 MB": 100} {
		log := New()
		log.maxEvents, log.maxBytes = maxEvents, 1<<20
		first := log.Session(wire.Startup{})
		first.Server('Z', []byte("I"), 1)
		body := make([]byte, 400<<10)
		for range 4 {
			first.Client('Q', body, len(body))
		}
		second := log.Session(wire.Startup{})
		second.Client('Q', []byte("x"), 1)
		second.Close()
		first.Close()
		got := log.Transcript()
		if len(got.Events) != 3 || len(got.Sessions) != 1 || len(got.Notes) != 1 || !strings.HasSuffix(got.Notes[0], note) {
			t.Errorf("%d events, %d sessions, %q", len(got.Events), len(got.Sessions), got.Notes)
		}
	}
}

// The log of a session ends at a message that is too long.
func TestTooLong(t *testing.T) {
	t.Parallel()
	log := New()
	s := log.Session(wire.Startup{})
	s.Client('Q', []byte("SELECT 1\x00"), 9)
	s.Client('Q', []byte("SELECT 2"), wire.MaxWhole+1<<20)
	s.Client('Q', []byte("SELECT 3\x00"), 9)
	s.Server('C', []byte("SELECT 1\x00"), 9)
	s.Close()
	got := log.Transcript()
	var kinds []byte
	for _, e := range got.Events {
		kinds = append(kinds, byte(e.Source))
	}
	if !slices.Equal(kinds, []byte{byte(transcript.Begins), byte(transcript.Client), byte(transcript.Ends)}) ||
		got.Sessions[0].Lost != "a message has 65 MB, and 64 MB are kept" {
		t.Errorf("the events are %q, the sessions %+v, want the log to end at the long message", kinds, got.Sessions)
	}
}
