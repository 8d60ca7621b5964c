package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/onward"
)

// Bounds of the recorded traffic that is shown; -v shows all.
const (
	maxWaiterLines  = 5
	maxRefusalLines = 8
)

// maxMadeUp is how many tables without recorded traffic are named.
const maxMadeUp = 4

// waiterWords says who waited, in a sentence: "checkout waited up to 1.20 s behind
// 00043.sql:4, 4 times, with SELECT … FROM orders".
func waiterWords(r *onward.Report, run *onward.Rehearsal, w *onward.Waiter, width int, name, code func(string) string) string {
	who, with := name(EscapeLine(w.Sender)), code(cutToWidth(shortenQuery(EscapeLine(w.Query), width), width))
	if who == "" {
		who, with = with, ""
	}
	text := fmt.Sprintf("%s waited up to %s", who, FormatMillis(w.WorstMS))
	if place := shortPlace(r, run, w.Statement); place != "" {
		text += " behind " + code(place)
	}
	if w.Waits > 1 {
		text += fmt.Sprintf(", %s", prose.CountNoun(w.Waits, "time"))
	}
	switch {
	case with == "":
	case w.Queries > 1:
		text += fmt.Sprintf(", with %d queries such as %s", w.Queries, with)
	default:
		text += ", with " + with
	}
	return text
}

// refusal is an error of the server for queries of the traffic: equal errors of several
// recorded queries after one statement are one refusal.
type refusal struct {
	*onward.TrafficFailure // the first
	queries, times         int
	senders                []string
}

// groupRefusals groups equal errors, in the order in which they began.
func groupRefusals(t *onward.Traffic) (out []refusal) {
	if t == nil {
		return nil
	}
	for i := range t.Failures {
		f := &t.Failures[i]
		at := slices.IndexFunc(out, func(r refusal) bool {
			return f.ID != "" && r.ID != "" && r.Error == f.Error && failedStatement(r.TrafficFailure) == failedStatement(f)
		})
		if at < 0 {
			at = len(out)
			out = append(out, refusal{TrafficFailure: f})
		}
		r := &out[at]
		r.queries++
		r.times += f.Count
		if f.Sender != "" && !slices.Contains(r.senders, f.Sender) {
			r.senders = append(r.senders, f.Sender)
		}
	}
	return out
}

func failedStatement(f *onward.TrafficFailure) int {
	if f.After == nil {
		return -1
	}
	return *f.After
}

// describeRefusal says after which statement the errors began, and who sends the queries.
func (f *refusal) describeRefusal(r *onward.Report, run *onward.Rehearsal) string {
	text := "refused from " + FormatMillis(f.AtMS) + " on"
	if place := shortPlace(r, run, failedStatement(f.TrafficFailure)); place != "" {
		text += ", behind " + place
	}
	if len(f.senders) > 0 {
		text += ", to " + EscapeLine(prose.FirstNames(f.senders, 1))
	}
	if f.queries > 1 {
		return text + fmt.Sprintf(", %d queries", f.queries)
	}
	return text + ", " + prose.CountNoun(f.times, "time")
}

// recordedWords returns sentences about the recordings: how much of them was sent, what
// was left out and why. It is empty if there were no recordings.
func recordedWords(t *onward.Traffic, width int) []string {
	if t == nil || t.Recorded == nil {
		return nil
	}
	r := t.Recorded
	var out []string
	switch {
	case r.Touching == 0 && r.Queries == 0:
		out = append(out, "the recording has no query of the code's: the traffic was made up from the schema")
	case r.Touching == 0:
		out = append(out, fmt.Sprintf("none of the %s could be run on the release's tables: the traffic was made up from the schema",
			prose.CountNoun(r.Queries, "recorded query")))
	default:
		text := fmt.Sprintf("traffic: %d of %s, %d on the release's tables: %d sent while it ran", r.Run, prose.CountNoun(r.Queries, "recorded query"),
			r.Touching, r.Sent)
		if r.Tried > r.Sent {
			text += fmt.Sprintf(", %d more after it", r.Tried-r.Sent)
		}
		if r.Transactions > 0 {
			text += "; " + prose.CountNoun(r.Transactions, "transaction")
		}
		if r.Unwrapped {
			text += "; transactions that were rolled back ran query by query, as a suite wraps its tests in them"
		}
		out = append(out, text)
	}
	for i := range r.Left {
		l := &r.Left[i]
		text := fmt.Sprintf("left out: %s that %s", prose.CountNoun(l.Queries, "recorded query"), describeLeftOut(l))
		if len(l.Examples) > 0 && l.Examples[0].Error != nil {
			e := &l.Examples[0]
			text += ", such as " + cutToWidth(shortenQuery(EscapeLine(e.Query), width), width)
			if e.Sender != "" {
				text += " of " + EscapeLine(e.Sender)
			}
			text += ": " + errorWords(e.Error)
		}
		out = append(out, text)
	}
	if len(r.MadeUp) > 0 && r.Touching > 0 {
		names := make([]string, len(r.MadeUp))
		for i, name := range r.MadeUp {
			names[i] = shortRelation(name)
		}
		out = append(out, "made up, as no recorded query works on it: the traffic on "+prose.FirstNames(names, maxMadeUp))
	}
	return out
}

// describeLeftOut returns why one query, or several, were left out.
func describeLeftOut(l *onward.LeftOut) string {
	why := EscapeLine(l.Why)
	if l.Queries == 1 {
		for _, verb := range [][2]string{{"are ", "is "}, {"were ", "was "}, {"do ", "does "}, {"take ", "takes "}, {"touch ", "touches "}} {
			if rest, ok := strings.CutPrefix(why, verb[0]); ok {
				return verb[1] + strings.Replace(rest, "or reach ", "or reaches ", 1)
			}
		}
	}
	return why
}

var (
	selected = lazyregexp.New(`(?i)^(select )(.*?)( from .*)$`)
	setting  = lazyregexp.New(`(?i)^(update .*? set )(.*?)( where .*)?$`)
	listing  = lazyregexp.New(`(?i)^(insert into [^(]*)\((.*)$`)
)

// shortenQuery returns a query without its lists of columns, if it is longer than width: queries
// of an ORM begin with all columns of a table.
func shortenQuery(sql string, width int) string {
	if textWidth(sql) <= width {
		return sql
	}
	for _, cut := range []*lazyregexp.Regexp{selected, setting} {
		if m := cut.FindStringSubmatch(sql); m != nil && textWidth(m[2]) > 12 {
			return m[1] + "…" + m[3]
		}
	}
	if m := listing.FindStringSubmatch(sql); m != nil {
		return m[1] + "(…)"
	}
	return sql
}

// printWaiters prints which recorded queries waited, by name, and how the recording was used.
func (t *terminal) printWaiters(run *onward.Rehearsal) {
	if run.Traffic == nil {
		return
	}
	list, more := prose.TakeFirst(run.Traffic.Waiters, t.limitList(maxWaiterLines))
	for i := range list {
		t.addWrapped("  ", "    ", waiterWords(t.report, run, &list[i], t.width*3/4, keepText, keepText), t.Warning)
	}
	t.addRest("  ", more, fmt.Sprintf("%d more", more), t.Dim)
	for _, text := range recordedWords(run.Traffic, t.width/2) {
		t.addWrapped("  ", "    ", text, t.Dim)
	}
}

// keepText returns a text unchanged.
func keepText(s string) string { return s }

// waitersInMarkdown returns the same as items.
func waitersInMarkdown(r *onward.Report, run *onward.Rehearsal) (items []string) {
	if run.Traffic == nil {
		return nil
	}
	list, more := prose.TakeFirst(run.Traffic.Waiters, maxStallItems)
	for i := range list {
		items = append(items, waiterWords(r, run, &list[i], 80, func(s string) string { return escapeProse(cutText(s, maxCell)) }, codeSpan))
	}
	if more > 0 {
		items = append(items, fmt.Sprintf("%d more waited", more))
	}
	for _, text := range recordedWords(run.Traffic, 80) {
		items = append(items, escapeProse(cutText(text, 2*maxCell)))
	}
	return items
}

// pageWaiter is a sender whose queries waited.
type pageWaiter struct {
	Who, Query, Worst, Waits, For, Place string
	N                                    int
}

func (b *pageBuilder) listWaiters() (out []pageWaiter) {
	if b.run.Traffic == nil {
		return nil
	}
	for i := range b.run.Traffic.Waiters {
		w := &b.run.Traffic.Waiters[i]
		x := pageWaiter{Who: EscapeLine(w.Sender), Query: EscapeLine(w.Query), Worst: FormatMillis(w.WorstMS), Waits: prose.CountNoun(w.Waits, "time")}
		if w.Queries > 1 {
			x.Waits += fmt.Sprintf(", %d queries", w.Queries)
		}
		if _, st := statementAt(b.report, b.run, w.Statement); st != nil {
			x.For, x.N = EscapeLine(st.SQL), b.numberOf(b.run, w.Statement)
		}
		out = append(out, x)
	}
	return out
}
