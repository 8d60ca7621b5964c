package report

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// statement is a statement of the release: in the list beside the timeline,
// and below with all that is known of it.
func (b *htmlBuilder) statement(m, s int) htmlStatement {
	mig := &b.report.Migrations[m]
	st := &mig.Statements[s]
	out := htmlStatement{
		N: b.numbers[m][s], Line: strconv.Itoa(st.Line),
		Place: Line(place(mig.Path, st.Line, st.Column)), SQL: shorten(Line(st.SQL), 160),
		Whole: strings.TrimSpace(Visible(st.SQL)), Who: "nobody", Note: Line(st.Note),
	}
	at, ran := b.ran[out.N]
	if !ran {
		b.expected(&out, mig, s)
		if b.run != nil {
			out.Took, out.Who, out.Unrun, out.Quiet = "not run", "unrun", true, false
		}
		return out
	}
	b.seen(&out, at)
	return out
}

// expected fills in what the model says of a statement that did not run.
func (b *htmlBuilder) expected(out *htmlStatement, m *onward.Migration, s int) {
	st := &m.Statements[s]
	for i := range st.Effects {
		e := &st.Effects[i]
		l := htmlLock{Relation: relation(e.Relation), Lock: e.Lock.String(), Work: cmp.Or(worked(e), "—"), Who: who(e.Blocks), Blocks: kept(e)}
		l.Held = strings.TrimPrefix(duration(m, s, e), l.Work+", ")
		if e.New {
			l.Relation, l.Who, l.Blocks = l.Relation+" (new)", "nobody", "nobody yet"
		}
		out.Locks = append(out.Locks, l)
		out.Who = worse(out.Who, l.Who)
	}
	out.Took = Line(st.Duration)
	out.Quiet = len(out.Locks) == 0 && out.Note == ""
}

// seen fills in what the rehearsal saw.
func (b *htmlBuilder) seen(out *htmlStatement, at int) {
	run := &b.run.Statements[at]
	out.Seen = true
	out.Took = Millis(run.UntilMS - run.FromMS)
	fact := func(name, value string) { out.Facts = append(out.Facts, htmlFact{name, value}) }
	fact("took", out.Took)
	if run.WaitedMS > 0 {
		fact("waited for locks", Millis(run.WaitedMS))
	}
	if run.Waited > 0 || run.StallMS > 0 {
		fact("stalled", queries(run.Waited)+" for up to "+Millis(run.StallMS))
	}
	if run.Rows > 0 {
		fact("touched", grouped(int(run.Rows))+" "+plural(run.Rows, "row"))
	}
	if run.WALBytes > 0 {
		fact("WAL", Bytes(run.WALBytes))
	}
	if e := run.Estimate; e != nil {
		fact("in production", between(e)+", at "+Number(e.Rows)+" rows of "+relation(e.Relation))
	}
	b.locks(out, run, at)
	for _, n := range run.Nested {
		nested := htmlNested{SQL: strings.TrimSpace(Visible(n.SQL))}
		if n.DurationMS > 0 {
			nested.Took = Millis(n.DurationMS)
		}
		out.Nested = append(out.Nested, nested)
	}
	if f := run.Failed; f != nil {
		out.Failed = &htmlError{Line(f.Code), Line(f.Message), Line(f.Detail), Line(f.Hint)}
	}
	for i := range b.run.Differences {
		if b.run.Differences[i].Statement == at {
			out.DifferenceNumbers = append(out.DifferenceNumbers, i+1)
		}
	}
	out.Quiet = len(out.Locks) == 0 && out.Fresh == "" && len(out.Nested) == 0 && out.Failed == nil && out.Note == ""
}

// locks fills in what a statement that ran locked, and for how long others had
// to keep out. A lock of an earlier statement is that one's.
func (b *htmlBuilder) locks(out *htmlStatement, run *onward.RehearsedStatement, at int) {
	var fresh []string
	blocked := 0.0
	for i := range run.Observed {
		o := &run.Observed[i]
		if o.New {
			fresh = append(fresh, relation(o.Relation))
			continue
		}
		l := htmlLock{
			Relation: relation(o.Relation), Lock: o.Lock.String(), Work: workWords(o.Work), Who: who(o.Blocks), Blocks: whom(o.Blocks),
			At: Millis(o.FromMS), Waited: "—", Held: Millis(o.HeldMS),
		}
		if o.WaitedMS > 0 {
			l.Waited = Millis(o.WaitedMS)
		}
		if owner, ok := b.under[foot{o.Relation, at}]; ok {
			l.Lock, l.Who, l.Blocks, l.Held = b.since(owner), "nobody", "—", "—"
		} else if len(o.Blocks) > 0 {
			blocked = max(blocked, o.WaitedMS+o.HeldMS)
		}
		out.Locks = append(out.Locks, l)
		out.Who = worse(out.Who, l.Who)
	}
	if blocked > 0 {
		out.Harm = "blocks " + Millis(blocked)
	}
	switch n := len(fresh); {
	case n == 1:
		out.Fresh = fresh[0] + " is new: nobody uses it yet"
	case n > 1:
		out.Fresh = fmt.Sprintf("%s and %s are new: nobody uses them yet", fresh[0], Count(n-1, "more relation"))
	}
}

// worse is who is blocked by either of two locks.
func worse(a, b string) string {
	order := []string{"nobody", "writes", "reads"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}

// workWords names work; a dash for none.
func workWords(w onward.Work) string {
	if w == onward.NoWork {
		return "—"
	}
	return doing[w]
}

// between is the range of an estimate.
func between(e *onward.Estimate) string {
	low, high := strings.TrimPrefix(timeWords(int64(min(e.LowMS, 1e15))), "about "), strings.TrimPrefix(timeWords(int64(min(e.HighMS, 1e15))), "about ")
	if low == high {
		return "about " + low
	}
	return low + " to " + high
}

// queries counts queries: "5,021 queries".
func queries(n int) string { return grouped(n) + " " + plural(int64(n), "query") }

// grouped is a number with its thousands apart: "5,021".
func grouped(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
