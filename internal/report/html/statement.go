package html

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

// buildStatement returns a statement of the release: for the list next to the timeline, and
// for its details below.
func (b *pageBuilder) buildStatement(m, s int) pageStatement {
	mig := &b.report.Migrations[m]
	st := &mig.Statements[s]
	out := pageStatement{
		N: b.numbers[m][s], Line: strconv.Itoa(st.Line),
		Place: escape.Line(view.FormatPlace(mig.Path, st.Line, st.Column)), SQL: view.CutToWidth(escape.Line(st.SQL), 160),
		Whole: strings.TrimSpace(escape.Controls(st.SQL)), Who: "nobody", Note: escape.Line(st.Note),
	}
	index, ran := b.ran[out.N]
	if !ran {
		b.setExpected(&out, mig, s)
		if b.run != nil {
			out.Took, out.Who, out.Unrun, out.Quiet = "not run", "unrun", true, false
		}
		return out
	}
	b.setObserved(&out, index)
	return out
}

// setExpected sets the model's prediction for a statement that did not run.
func (b *pageBuilder) setExpected(out *pageStatement, m *onward.Migration, s int) {
	st := &m.Statements[s]
	for i := range st.Effects {
		e := &st.Effects[i]
		l := newPageLock(e)
		l.Held = strings.TrimPrefix(view.DescribeDuration(m, s, e), l.Work+", ")
		if e.New {
			l.Relation, l.Who, l.Blocks = l.Relation+" (new)", "nobody", "nobody yet"
		}
		out.Locks = append(out.Locks, l)
		out.Who = widerBlock(out.Who, l.Who)
	}
	out.Took = escape.Line(st.Duration)
	out.Quiet = len(out.Locks) == 0 && out.Note == ""
}

// newPageLock returns an effect of a statement on a relation.
func newPageLock(e *onward.Effect) pageLock {
	return pageLock{
		Relation: view.ShortenRelation(e.Relation), Lock: e.Lock.String(), Work: cmp.Or(view.NameWork(e), "—"),
		Who: view.DescribeBlocked(e.Blocks), Blocks: view.NameWaiters(e),
	}
}

// setObserved sets the rehearsal's observations.
func (b *pageBuilder) setObserved(out *pageStatement, index int) {
	run := &b.run.Statements[index]
	out.Seen = true
	out.Took = view.FormatMillis(run.UntilMS - run.FromMS)
	fact := func(name, value string) { out.Facts = append(out.Facts, pageFact{name, value}) }
	fact("took", out.Took)
	if run.WaitedMS > 0 {
		fact("waited for locks", view.FormatMillis(run.WaitedMS))
	}
	if run.Waited > 0 || run.StallMS > 0 {
		fact("stalled", view.CountQueries(run.Waited)+" for up to "+view.FormatMillis(run.StallMS))
	}
	if run.Rows > 0 {
		fact("touched", view.GroupDigits(int(run.Rows))+" "+prose.Pluralize(run.Rows, "row"))
	}
	if run.WALBytes > 0 {
		fact("WAL", size.FormatBytes(run.WALBytes))
	}
	if e := run.Estimate; e != nil {
		fact("in production", view.FormatRange(e)+", at "+size.FormatCount(e.Rows)+" rows of "+view.ShortenRelation(e.Relation))
	}
	b.setLocks(out, run, index)
	for _, n := range run.Nested {
		nested := pageNested{SQL: strings.TrimSpace(escape.Controls(n.SQL))}
		if n.DurationMS > 0 {
			nested.Took = view.FormatMillis(n.DurationMS)
		}
		out.Nested = append(out.Nested, nested)
	}
	if f := run.Failed; f != nil {
		out.Failed = &pageError{escape.Line(f.Code), escape.Line(f.Message), escape.Line(f.Detail), escape.Line(f.Hint)}
	}
	for i := range b.run.Differences {
		if b.run.Differences[i].Statement == index {
			out.DifferenceNumbers = append(out.DifferenceNumbers, i+1)
		}
	}
	out.Quiet = len(out.Locks) == 0 && out.Fresh == "" && len(out.Nested) == 0 && out.Failed == nil && out.Note == ""
}

// setLocks sets what a statement that ran locked, and how long others had to wait. A lock
// that an earlier statement took is listed there.
func (b *pageBuilder) setLocks(out *pageStatement, run *onward.RehearsedStatement, index int) {
	var fresh []string
	blocked := 0.0
	for i := range run.Observed {
		o := &run.Observed[i]
		if o.New {
			fresh = append(fresh, view.ShortenRelation(o.Relation))
			continue
		}
		l := pageLock{
			Relation: view.ShortenRelation(o.Relation), Lock: o.Lock.String(), Work: view.DescribeWork(o.Work),
			Who: view.DescribeBlocked(o.Blocks), Blocks: view.DescribeWaiters(o.Blocks),
			At: view.FormatMillis(o.FromMS), Waited: "—", Held: view.FormatMillis(o.HeldMS),
		}
		if o.WaitedMS > 0 {
			l.Waited = view.FormatMillis(o.WaitedMS)
		}
		if owner, ok := b.under[barEnd{o.Relation, index}]; ok {
			l.Lock, l.Who, l.Blocks, l.Held = b.describeLockOwner(owner), "nobody", "—", "—"
		} else if len(o.Blocks) > 0 {
			blocked = max(blocked, o.WaitedMS+o.HeldMS)
		}
		out.Locks = append(out.Locks, l)
		out.Who = widerBlock(out.Who, l.Who)
	}
	if blocked > 0 {
		out.Harm = "blocks " + view.FormatMillis(blocked)
	}
	switch n := len(fresh); {
	case n == 1:
		out.Fresh = fresh[0] + " is new: nobody uses it yet"
	case n > 1:
		out.Fresh = fmt.Sprintf("%s and %s are new: nobody uses them yet", fresh[0], prose.CountNoun(n-1, "more relation"))
	}
}

// widerBlock returns who is blocked by either of two locks.
func widerBlock(a, b string) string {
	order := []string{"nobody", "writes", "reads"}
	return order[max(slices.Index(order, a), slices.Index(order, b))]
}
