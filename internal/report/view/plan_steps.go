package view

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/internal/undo"
	"github.com/onward-sql/onward/onward"
)

// batch is roughly how many rows one batch of a backfill has.
const batch = 1000

// LockTimeout is for how long a step waits for a lock.
var LockTimeout = fmt.Sprintf("%g s", onward.PlanLockTimeout.Seconds())

// DescribeStepTime says how long a step takes, and how it affects others.
func DescribeStepTime(s *onward.PlanStep) string {
	var relation string
	var ms, rows int64
	blocks := false
	effects := ListNoticeable(s.Effects) // nobody waits for new relations
	for i := range effects {
		e := &effects[i]
		if e.Work != onward.NoWork || e.RowLocks {
			relation = cmp.Or(relation, ShortenRelation(e.Relation))
			rows = max(rows, e.Rows)
		}
		ms += e.EstimateMS
		blocks = blocks || len(e.Blocks) > 0
	}
	duration := "grows with " + cmp.Or(relation, "the table")
	if ms > 0 {
		duration = FormatEstimate(ms)
	}
	switch {
	case s.Repeat && s.Estimate != nil:
		return fmt.Sprintf("%s in the background: %s, some %s a run", estimatedTime(s.Estimate), size.FormatCount(s.Estimate.Rows)+" rows", GroupDigits(batch))
	case s.Repeat && rows > 0:
		return fmt.Sprintf("in the background, some %s rows a run: about %s runs, %s of work", GroupDigits(batch), size.FormatCount((rows+batch-1)/batch),
			strings.TrimPrefix(duration, "about "))
	case s.Repeat:
		return fmt.Sprintf("in the background, some %s rows a run; %s", GroupDigits(batch), duration)
	case s.Class == onward.StepValidate:
		return duration + "; reads and writes go on"
	case s.Class == onward.StepConcurrent:
		return duration + "; it waits for open transactions, and reads and writes go on"
	case s.Duration == "grows" && blocks:
		return duration + ", and others wait for as long"
	case s.Duration == "grows":
		return duration
	case blocks:
		return "an instant; if it gets no lock within " + LockTimeout + ", it stops: run it again"
	}
	return "an instant"
}

// dropsRows finds statements that remove values or rows.
var dropsRows = lazyregexp.New(`(?i)\b(?:DROP\s+(?:TABLE|COLUMN|MATERIALIZED|SCHEMA|SEQUENCE)|DELETE|TRUNCATE)\b`)

// DescribeUndo says how a step is undone: in words, or as lines of SQL.
func DescribeUndo(s *onward.PlanStep) (words string, sql []string) {
	lines := StripTransaction(strings.TrimRight(s.Undo, "\n"))
	switch {
	case len(s.StayChanged) > 0 && s.Phase != onward.Contract:
		return escape.Line(undo.DescribeChanged(s.StayChanged)) + ": no old value is kept", lines
	case s.Undo != "":
		return "", lines
	case s.Class == onward.StepValidate:
		return "not needed: it leaves nothing", nil
	case s.Bookkeeping:
		return "not needed: it is the plan's own state", nil
	case s.Phase == onward.Contract && dropsRows.MatchString(s.SQL):
		return "none: the dropped data is gone", nil
	case s.Phase == onward.Contract:
		return "none: make what it drops again, in a later release", nil
	case s.Phase == onward.Backfill:
		return "not needed: the undo of earlier steps removes what it wrote", nil
	}
	return "not needed: it is harmless if left", nil
}

// ListRequirements lists what must be true before a step runs, besides the completion of the
// previous step. listedRequirements are those that an earlier step already printed.
func ListRequirements(s *onward.PlanStep, listedRequirements map[string]bool) []string {
	var out []string
	for _, r := range s.Requires {
		switch {
		case r.Kind == onward.RequiresCheck:
			out = append(out, "no row is found by: "+escape.Line(strings.TrimSuffix(s.Check, ";")))
		case r.Kind != onward.RequiresStep && !listedRequirements[r.Text]:
			listedRequirements[r.Text] = true
			out = append(out, escape.Line(r.Text))
		}
	}
	return out
}

// mostLines is how many lines of a step's SQL are printed without -v. A trigger's function has more.
const mostLines = 8

// ListStepLines returns the lines of a step's SQL that a reader needs: of a backfill the work on one batch, without the
// cursor, and of long SQL the first lines. whole returns all lines.
func ListStepLines(s *onward.PlanStep, whole bool) []string {
	if s.Repeat && s.Backfill != nil && !whole {
		return StripTransaction(s.Backfill.Work)
	}
	lines := StripTransaction(s.SQL)
	if !whole && len(lines) > mostLines {
		lines = append(lines[:mostLines/2:mostLines/2], fmt.Sprintf("… %s (-v shows all)", prose.CountNoun(len(lines)-mostLines/2, "more line")))
	}
	return lines
}

// countSteps counts the steps of a plan, and those that only keep the plan's own state.
func countSteps(p *onward.Plan) string {
	bookkeepingCount := 0
	for i := range p.Steps {
		if p.Steps[i].Bookkeeping {
			bookkeepingCount++
		}
	}
	if bookkeepingCount == 0 {
		return prose.CountNoun(len(p.Steps), "step")
	}
	return prose.CountNoun(len(p.Steps)-bookkeepingCount, "step") + fmt.Sprintf(", and %d for the plan's own state", bookkeepingCount)
}

// StripTransaction returns the lines of a step's SQL without its transaction.
func StripTransaction(sql string) []string {
	var out []string
	for line := range strings.Lines(sql) {
		text := strings.TrimRight(line, "\n")
		if text != "BEGIN;" && text != "COMMIT;" && !strings.HasPrefix(text, "SET LOCAL ") {
			out = append(out, text)
		}
	}
	return out
}
