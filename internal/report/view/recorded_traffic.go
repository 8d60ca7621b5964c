package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/block"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// maxMadeUp is how many tables without recorded traffic are named.
const maxMadeUp = 4

// describeWaiter says who waited, in a sentence: "checkout waited up to 1.20 s behind
// 00043.sql:4, 4 times, with SELECT … FROM orders". SQL is cut to width.
func describeWaiter(r *onward.Report, run *onward.Rehearsal, w *onward.Waiter, width int) block.Text {
	query := ShortenQuery(escape.Line(w.Query), width)
	text := block.Say(w.Sender)
	if w.Sender == "" {
		text = block.Text{}.Cut(query, width)
	}
	text = text.Say(" waited up to " + FormatMillis(w.WorstMS))
	if place := NamePlace(r, run, w.Statement); place != "" {
		text = text.Say(" behind ").Code(place)
	}
	if w.Waits > 1 {
		text = text.Say(", " + prose.CountNoun(w.Waits, "time"))
	}
	switch {
	case w.Sender == "":
	case w.Queries > 1:
		text = text.Say(fmt.Sprintf(", with %d queries such as ", w.Queries)).Cut(query, width)
	default:
		text = text.Say(", with ").Cut(query, width)
	}
	return text
}

// Refusal is an error of the server for queries of the traffic: equal errors of several
// recorded queries after one statement are one refusal.
type Refusal struct {
	*onward.TrafficFailure // the first
	Queries, times         int
	senders                []string
}

// GroupRefusals groups equal errors, in the order in which they began.
func GroupRefusals(t *onward.Traffic) (out []Refusal) {
	if t == nil {
		return nil
	}
	for i := range t.Failures {
		f := &t.Failures[i]
		index := slices.IndexFunc(out, func(r Refusal) bool {
			return f.ID != "" && r.ID != "" && r.Error == f.Error && PrecedingStatement(r.TrafficFailure) == PrecedingStatement(f)
		})
		if index < 0 {
			index = len(out)
			out = append(out, Refusal{TrafficFailure: f})
		}
		r := &out[index]
		r.Queries++
		r.times += f.Count
		if f.Sender != "" && !slices.Contains(r.senders, f.Sender) {
			r.senders = append(r.senders, f.Sender)
		}
	}
	return out
}

// PrecedingStatement returns the statement after which the server began to refuse a query; -1 if it is not known.
func PrecedingStatement(f *onward.TrafficFailure) int {
	if f.After == nil {
		return -1
	}
	return *f.After
}

// describeRefusal says after which statement the errors began, who sends the queries, and which error it is. SQL is cut to width.
func (f *Refusal) describeRefusal(r *onward.Report, run *onward.Rehearsal, width int) block.Text {
	text := block.Say("refused from " + FormatMillis(f.AtMS) + " on")
	if place := NamePlace(r, run, PrecedingStatement(f.TrafficFailure)); place != "" {
		text = text.Say(", behind ").Code(place)
	}
	if len(f.senders) > 0 {
		text = text.Say(", to " + prose.FirstNames(f.senders, 1))
	}
	count := prose.CountNoun(f.times, "time")
	if f.Queries > 1 {
		count = fmt.Sprintf("%d queries", f.Queries)
	}
	return text.Say(", "+count+": "+DescribeError(&f.Error)+": ").Cut(ShortenQuery(escape.Line(f.Query), width), width)
}

// DescribeRecording returns sentences about the recordings: how much of them was sent, what
// was left out and why. It is empty if there were no recordings.
func DescribeRecording(t *onward.Traffic, width int) []string {
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
			text += ", such as " + CutToWidth(ShortenQuery(escape.Line(e.Query), width), width)
			if e.Sender != "" {
				text += " of " + escape.Line(e.Sender)
			}
			text += ": " + DescribeError(e.Error)
		}
		out = append(out, text)
	}
	if len(r.MadeUp) > 0 && r.Touching > 0 {
		names := make([]string, len(r.MadeUp))
		for i, name := range r.MadeUp {
			names[i] = ShortenRelation(name)
		}
		out = append(out, "made up, as no recorded query works on it: the traffic on "+prose.FirstNames(names, maxMadeUp))
	}
	return out
}

// describeLeftOut returns why one query, or several, were left out.
func describeLeftOut(l *onward.LeftOut) string {
	reason := escape.Line(l.Why)
	if l.Queries == 1 {
		for _, verb := range [][2]string{{"are ", "is "}, {"were ", "was "}, {"do ", "does "}, {"take ", "takes "}, {"touch ", "touches "}} {
			if rest, ok := strings.CutPrefix(reason, verb[0]); ok {
				return verb[1] + strings.Replace(rest, "or reach ", "or reaches ", 1)
			}
		}
	}
	return reason
}

var (
	selected = lazyregexp.New(`(?i)^(select )(.*?)( from .*)$`)
	setting  = lazyregexp.New(`(?i)^(update .*? set )(.*?)( where .*)?$`)
	listing  = lazyregexp.New(`(?i)^(insert into [^(]*)\((.*)$`)
)

// ShortenQuery returns a query without its lists of columns, if it is longer than width: queries
// of an ORM begin with all columns of a table.
func ShortenQuery(sql string, width int) string {
	if MeasureText(sql) <= width {
		return sql
	}
	for _, cut := range []*lazyregexp.Regexp{selected, setting} {
		if m := cut.FindStringSubmatch(sql); m != nil && MeasureText(m[2]) > 12 {
			return m[1] + "…" + m[3]
		}
	}
	if m := listing.FindStringSubmatch(sql); m != nil {
		return m[1] + "(…)"
	}
	return sql
}
