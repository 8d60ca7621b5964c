package report

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// batch is how many rows a run of a backfill passes, about.
const batch = 1000

// lockTimeout is for how long a step waits for a lock.
var lockTimeout = fmt.Sprintf("%g s", onward.PlanLockTimeout.Seconds())

// stepTime says for how long a step takes, and what others feel of it.
func stepTime(s *onward.PlanStep) string {
	var on string
	var ms, rows int64
	blocks := false
	effects := existing(s.Effects) // nobody waits for what is new
	for i := range effects {
		e := &effects[i]
		if e.Work != onward.NoWork || e.RowLocks {
			on = cmp.Or(on, relation(e.Relation))
			rows = max(rows, e.Rows)
		}
		ms += e.EstimateMS
		blocks = blocks || len(e.Blocks) > 0
	}
	how := "grows with " + cmp.Or(on, "the table")
	if ms > 0 {
		how = timeWords(ms)
	}
	switch {
	case s.Repeat && rows > 0:
		return fmt.Sprintf("in the background, some %s rows a run: about %s runs, %s of work", grouped(batch), Number((rows+batch-1)/batch), strings.TrimPrefix(how, "about "))
	case s.Repeat:
		return fmt.Sprintf("in the background, some %s rows a run; %s", grouped(batch), how)
	case s.Class == onward.StepValidate:
		return how + "; reads and writes go on"
	case s.Class == onward.StepConcurrent:
		return how + ", and waits for transactions that are open; reads and writes go on"
	case s.Duration == "grows" && blocks:
		return how + ", and others wait for as long"
	case s.Duration == "grows":
		return how
	case blocks:
		return "an instant; without its lock it gives up after " + lockTimeout + ", and is to be run again"
	}
	return "an instant"
}

// stepUndo says how a step is taken back: in words, or as SQL.
func stepUndo(s *onward.PlanStep) (words, sql string) {
	switch {
	case len(s.StayChanged) > 0 && s.Phase != onward.Contract:
		return undo.Sentence(s.StayChanged) + ": no old value is kept", strings.TrimRight(s.Undo, "\n")
	case s.Undo != "":
		return "", strings.TrimRight(s.Undo, "\n")
	case s.Phase == onward.Contract:
		return "there is no way back: what it takes away is gone", ""
	case s.Class == onward.StepValidate:
		return "nothing is left to take back", ""
	case s.Phase == onward.Backfill:
		return "not needed: what it wrote goes with the steps before it", ""
	}
	return "nothing takes it back; it stands in nobody's way", ""
}

// stepBefore is what must be true before a step is run, beside that the one before it is done.
// told is what was said of one before it already.
func stepBefore(s *onward.PlanStep, told map[string]bool) []string {
	var out []string
	for _, r := range s.Requires {
		switch {
		case r.Kind == onward.RequiresCheck:
			out = append(out, "no row is found by: "+Line(strings.TrimSuffix(s.Check, ";")))
		case r.Kind != onward.RequiresStep && !told[r.Text]:
			told[r.Text] = true
			out = append(out, Line(r.Text))
		}
	}
	return out
}

// inner are the lines of a step's SQL without those of its transaction.
func inner(sql string) []string {
	var out []string
	for line := range strings.Lines(sql) {
		text := strings.TrimRight(line, "\n")
		if text != "BEGIN;" && text != "COMMIT;" && !strings.HasPrefix(text, "SET LOCAL ") {
			out = append(out, text)
		}
	}
	return out
}
