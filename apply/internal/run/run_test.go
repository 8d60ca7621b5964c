package run

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/queue"
	"github.com/onward-sql/onward/onward"
)

// Lost races double the lock_timeout, up to its limit. A new step begins with the shortest one.
func TestTries(t *testing.T) {
	t.Parallel()
	tries := &Tries{MaxStall: 3 * queue.FirstStall}
	tries.Reset("a")
	var got []time.Duration
	for range 3 {
		got = append(got, tries.LockTimeout())
		tries.LostRaces += losses
	}
	if diff := cmp.Diff([]time.Duration{queue.FirstStall, 2 * queue.FirstStall, 3 * queue.FirstStall}, got); diff != "" {
		t.Error(diff)
	}
	tries.Started, tries.Waited = true, time.Second
	tries.Reset("b")
	if tries.Step != "b" || tries.Started || tries.Waited != 0 || tries.LockTimeout() != queue.FirstStall {
		t.Errorf("after Reset the tries are %+v, want new ones of step b", tries)
	}
}

// A wait is reported again if something other than a number of its text changes.
func TestReportChanges(t *testing.T) {
	t.Parallel()
	var got []string
	tell := ReportChanges(func(e Event) { got = append(got, e.Words) })
	for _, words := range []string{"process 1 for 2.5s", "process 1 for 3.5s", "an older process 1 for 4.5s"} {
		tell(Event{Kind: Waits, Words: words})
	}
	tell(Event{Kind: Lost, Words: "a race"})
	tell(Event{Kind: Lost, Words: "a race"})
	if diff := cmp.Diff([]string{"process 1 for 2.5s", "an older process 1 for 4.5s", "a race", "a race"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestInnerSQL(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"BEGIN; SET LOCAL lock_timeout = '1s'; SET LOCAL work_mem = '8MB'; SELECT 1; COMMIT;": "SET LOCAL work_mem = '8MB';\nSELECT 1;\n",
		"SELECT 1":                   "SELECT 1;\n",
		"SELECT 1; COMMIT; SELECT 2": "",
		"BEGIN; SELEC 1; COMMIT":     "",
	} {
		got, err := InnerSQL(&onward.PlanStep{ID: "a", SQL: sql})
		if wrong := new(config.InputError); got != want || (err != nil) != (want == "") || err != nil && !errors.As(err, &wrong) {
			t.Errorf("InnerSQL(%q) = %q, %v, want %q", sql, got, err, want)
		}
	}
}
