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

// severityWidth is the width of a severity's word in a list.
const severityWidth = 7

// mostVerdicts bounds the verdicts on queries, and mostAlike the queries that share one.
const (
	mostVerdicts = 30
	mostAlike    = 2
)

// DescribeVerification returns what recorded queries mean for a release, below the matrix of the commit points: which queries break, and
// what to do.
func DescribeVerification(r *onward.Report, s Scope) []block.Block {
	v := r.Verification
	out := listVerdicts(r, s)
	section := func(heading string, width int, items itemList) {
		if len(items) > 0 {
			out = append(out, block.Heading{Text: block.Say(heading)}, block.List{Depth: 1, Width: width, Items: items})
		}
	}
	var users, phases, waits, deprecated, asks itemList
	for _, u := range ListQueryUsers(v) {
		tone := block.Ordinary
		if u.Severity != onward.Off {
			tone = block.SeverityTone(u.Severity)
		}
		users.add(block.Say(u.Name+": "+u.Words), tone)
	}
	section("programs that use the database", 0, users)
	for _, p := range ListPhases(r) {
		item := block.Item{Label: p.Where, Text: block.Text{}.Path(p.Path), Below: []block.Line{{Text: block.Say(p.Advice), Tone: block.Faint}}}
		if p.Wrong {
			item.Mark = block.Error
		}
		phases = append(phases, item)
	}
	section("where each migration belongs", len("before or after"), phases)
	if v.Order != "" {
		order := block.Paragraph{Text: block.Say(v.Order), Attached: len(phases) > 0}
		if !v.Works {
			order.Tone = block.Error
		}
		out = append(out, order)
	}
	for _, w := range ListWaits(r) {
		waits.add(block.Text{}.Path(FormatPlace(w.Path, w.Line, 0)).Gap().Say(w.Words), block.Ordinary)
	}
	section("who waits for its locks", 0, waits)
	for _, d := range ListExpiringColumns(v) {
		item := block.Item{Text: block.Say(d.Name + ": " + d.Words)}
		if d.Used {
			item.Tone = block.Warning
		}
		if d.SQL != "" {
			item.Below = []block.Line{{Text: block.Text{}.Code(d.SQL), Tone: block.Faint, Cut: true}}
		}
		deprecated = append(deprecated, item)
	}
	section("deprecated columns", 0, deprecated)
	list, rest := ListAskedQueries(v)
	for _, q := range list {
		asks = append(asks, block.Item{
			Label: q.Severity.String(), Mark: block.SeverityTone(q.Severity), Text: block.Say(q.Words),
			Below: []block.Line{{Text: block.Text{}.Code(q.SQL), Tone: block.Faint, Cut: true}},
		})
	}
	section("how the recorded code asks", severityWidth, asks)
	if rest != "" {
		out = append(out, block.Paragraph{Text: block.Say(rest), Tone: block.Faint, Attached: true})
	}
	for _, n := range v.Notes {
		out = append(out, block.Paragraph{Text: block.Say("note: " + n), Tone: block.Faint})
	}
	return out
}

// listVerdicts lists the queries that break, by the statement that breaks them.
func listVerdicts(r *onward.Report, s Scope) (out []block.Block) {
	groups, more := prose.TakeFirst(GroupVerdicts(r), s.limit(mostVerdicts))
	list := block.List{Depth: 1, Width: severityWidth}
	for i := range groups {
		d := &groups[i]
		if i == 0 || d.After != groups[i-1].After || d.Code != groups[i-1].Code {
			if i > 0 {
				out = append(out, list)
				list.Items = nil
			}
			place := block.Say("the base")
			if d.After.Path != "" {
				place = block.Text{}.Path(FormatPlace(d.After.Path, d.After.Line, 0))
			}
			out = append(out, block.Heading{Text: place, After: block.Say(NameCode(d.Code))})
		}
		item := block.Item{
			Label: d.Severity.String(), Mark: block.SeverityTone(ScreenSeverity(d.Verdict)), Text: block.Say(string(d.Kind) + ": " + DescribeFailure(d.Verdict)),
			Below: append(ListVerdictQueries(d, s.Whole), block.Line{Text: block.Say(d.DescribeSenders()), Tone: block.Faint}),
		}
		if ScreenSeverity(d.Verdict) != d.Severity { // it only needs a later schema
			item.Label = "later"
		}
		list.Items = append(list.Items, item)
	}
	if more > 0 {
		list.Items = append(list.Items, block.Item{Text: block.Say(prose.CountNoun(more, "more verdict")), Rest: true})
	}
	if len(list.Items) > 0 {
		out = append(out, list)
	}
	return out
}

// ListVerdictQueries returns the queries of a verdict with their values, the most frequent ones first.
func ListVerdictQueries(d *SimilarVerdicts, whole bool) (out []block.Line) {
	all := d.All
	if !whole {
		all, _ = prose.TakeFirst(all, mostAlike)
	}
	for _, verdict := range all {
		out = append(out, block.Line{Text: block.Text{}.Code(verdict.Query), Cut: !whole})
		if len(verdict.Values) > 0 {
			name := "values: "
			if verdict.MadeValues {
				name = "made values: "
			}
			out = append(out, block.Line{Text: block.Say(name).Code(strings.Join(verdict.Values, ", "))})
		}
	}
	return out
}
