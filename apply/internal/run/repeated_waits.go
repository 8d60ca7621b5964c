package run

import (
	"sync"
	"time"

	"github.com/onward-sql/onward/internal/prose"
)

// waitReminder is how often a wait is reported while nothing changes.
const waitReminder = time.Minute

// ReportChanges reports a wait if it differs from the last one, and once a minute while it lasts. Numbers in its text do
// not count, because ages and process IDs change with each look.
func ReportChanges(tell func(Event)) func(Event) {
	var mu sync.Mutex
	var last, warning string
	var lastReport time.Time
	return func(e Event) {
		wait := ""
		if e.Kind == Held || e.Kind == Waits {
			wait = string(e.Kind) + " " + prose.CutNumbers(e.Words)
			if e.Step != nil {
				wait += " " + e.Step.ID
			}
		}
		mu.Lock()
		repeated := wait != "" && wait == last && time.Since(lastReport) < waitReminder
		if !repeated {
			last, lastReport = wait, time.Now()
		}
		if e.Kind == Warned {
			repeated, warning = e.Words == warning, e.Words
		}
		mu.Unlock()
		if !repeated {
			tell(e)
		}
	}
}
