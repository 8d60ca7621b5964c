package view

import (
	"fmt"
	"math"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// Scope says how much of a document is shown. Whole shows everything; Width is the width of a line, to which SQL is cut.
type Scope struct {
	Whole bool
	Width int
}

// limit returns how many elements of a list are shown.
func (s Scope) limit(most int) int {
	if s.Whole {
		return math.MaxInt
	}
	return most
}

// Bounds of the lists about a rehearsal.
const (
	mostStalls  = 5
	mostErrors  = 8
	mostWaiters = 5
	mostNotes   = 5
)

// itemList collects items.
type itemList []block.Item

func (l *itemList) add(text block.Text, tone block.Tone) {
	*l = append(*l, block.Item{Text: text, Tone: tone})
}

// addHiddenCount counts the elements that are not shown.
func (l *itemList) addHiddenCount(more int, noun string) {
	if more > 0 {
		*l = append(*l, block.Item{Text: block.Say(prose.CountNoun(more, noun)), Rest: true})
	}
}

// ListObserved lists what a rehearsal saw: which statements failed, who waited, which queries were refused, and where the model was wrong.
func ListObserved(r *onward.Report, run *onward.Rehearsal, s Scope) block.List {
	var out itemList
	failed, more := prose.TakeFirst(ListFailedRuns(r, run), s.limit(mostErrors))
	for _, f := range failed {
		text := block.Text{}
		if f.Place != "" {
			text = text.Code(f.Place).Say(" ")
		}
		out.add(text.Say("failed: "+DescribeError(f.Err)), block.Error)
	}
	out.addHiddenCount(more, "more failure")
	stalls, more := prose.TakeFirst(ListStalls(r, run), s.limit(mostStalls))
	for i := range stalls {
		word := "stall"
		if i == 0 {
			word = "worst stall"
		}
		out.add(stalls[i].formatStall(word, s.Width/2), block.Warning)
	}
	out.addHiddenCount(more, "shorter stall")
	if calm := describeNoWaits(run.Traffic); calm != "" {
		out.add(block.Say(calm), block.Good)
	}
	if t := run.Traffic; t != nil {
		waiters, more := prose.TakeFirst(t.Waiters, s.limit(mostWaiters))
		for i := range waiters {
			out.add(describeWaiter(r, run, &waiters[i], s.Width*3/4), block.Warning)
		}
		out.addHiddenCount(more, "more waiter")
		for _, text := range DescribeRecording(t, s.Width/2) {
			out.add(block.Say(text), block.Faint)
		}
	}
	refusals, more := prose.TakeFirst(GroupRefusals(run.Traffic), s.limit(mostErrors))
	for i := range refusals {
		out.add(refusals[i].describeRefusal(r, run, s.Width/2), block.Error)
	}
	out.addHiddenCount(more, "more refusal")
	for _, d := range ListDifferences(r) {
		out.add(block.Say(d.formatDifference(r)+"; please report it"), block.Warning)
	}
	for _, line := range ListOtherRehearsals(r) {
		out.add(block.Say(line), block.Ordinary)
	}
	notes, more := prose.TakeFirst(run.Notes, s.limit(mostNotes))
	for _, n := range notes {
		out.add(block.Say(n), block.Faint)
	}
	out.addHiddenCount(more, "more note")
	return block.List{Depth: 1, Items: out}
}

// DescribeTransaction says how a migration is sent: "one transaction", "not in a transaction", "one message, an implicit transaction".
func DescribeTransaction(m *onward.Migration) string {
	switch m.Transaction {
	case onward.TransactionFile:
		return describeRunnerTransaction(m)
	case onward.TransactionMessage:
		return "one message, an implicit transaction"
	case onward.TransactionPipeline:
		return "one pipeline, an implicit transaction"
	case onward.TransactionNone:
		return describeOwnTransaction(m)
	}
	return escape.Line(string(m.Transaction))
}

// describeRunnerTransaction says whether a COMMIT, perhaps in an earlier file, has ended the transaction of the runner.
func describeRunnerTransaction(m *onward.Migration) string {
	outside := 0
	for i := range m.Statements {
		if m.Statements[i].Transaction == 0 {
			outside++
		}
	}
	switch {
	case outside == 0:
		return "one transaction"
	case outside == len(m.Statements):
		return "not in a transaction, after a COMMIT"
	}
	return "in part in a transaction"
}

// describeOwnTransaction says whether a file that is sent without a transaction has a BEGIN of its own.
func describeOwnTransaction(m *onward.Migration) string {
	inside := 0
	for i := range m.Statements {
		if m.Statements[i].Transaction > 0 {
			inside++
		}
	}
	switch {
	case inside == 0:
		return "not in a transaction"
	case inside == len(m.Statements) && m.Statements[0].Transaction == m.Statements[inside-1].Transaction:
		return "one transaction of its own"
	case inside == len(m.Statements):
		return "transactions of its own"
	}
	return "in part in a transaction of its own"
}

// DescribeTarget returns the checked database, and the purpose of the check.
func DescribeTarget(r *onward.Preflight) (left, right string) {
	right = "Postgres " + escape.Line(r.Postgres) + " · role " + escape.Line(r.Role)
	if r.Release != "" {
		right = escape.Line(r.Release) + " · " + right
	}
	return "database " + escape.Line(r.Database), right
}

// CountChecks is the summary in a line: "27 checks: 1 error, 2 warnings, 3 not seen".
func CountChecks(r *onward.Preflight) string {
	s := &r.Summary
	parts := countFindings(&onward.Summary{Errors: s.Errors, Warnings: s.Warnings, Infos: s.Infos})
	if s.Opaque > 0 {
		parts = append(parts, fmt.Sprintf("%d not seen", s.Opaque))
	}
	if len(parts) == 0 {
		parts = []string{"nothing found"}
	}
	return prose.CountNoun(s.Checks, "check") + ": " + strings.Join(parts, ", ")
}
