package terminal

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// maxStatements is how many statements of a migration are printed without Verbose.
const maxStatements = 25

// printStatements prints the statements that other sessions can notice, each with its locks.
func (t *reportWriter) printStatements(m *onward.Migration, findings []*onward.Finding, opaque []*onward.Opaque) {
	flagged, listed := map[int]bool{}, map[int]bool{}
	for _, f := range findings {
		flagged[f.Line] = true
	}
	for _, o := range opaque {
		listed[o.Line] = true
	}
	// If a framework rendered several statements from one line, this means the ones that
	// lock something.
	locking := map[int]bool{}
	for i := range m.Statements {
		if s := &m.Statements[i]; len(s.Effects) > 0 {
			locking[s.Line] = true
		}
	}
	var felt []int
	for i := range m.Statements {
		if s := &m.Statements[i]; t.verbose || flagged[s.Line] && (len(s.Effects) > 0 || !locking[s.Line]) || s.Note != "" || isNoticeable(s) {
			felt = append(felt, i)
		}
	}
	shown, more := prose.TakeFirst(felt, t.limitList(maxStatements))
	for _, i := range shown {
		t.printStatement(m, i, listed[m.Statements[i].Line])
	}
	t.addHiddenCount("  ", more, fmt.Sprintf("%d more statements", more), t.Dim)
}

// isNoticeable reports whether a statement takes a stronger lock than a reader does on
// something that others use.
func isNoticeable(s *onward.Statement) bool {
	for _, e := range s.Effects {
		if !e.New && (e.Lock >= onward.ShareUpdateExclusiveLock || e.Work != onward.NoWork || e.Lock == onward.RowExclusiveLock && s.Duration != "instant") {
			return true
		}
	}
	return false
}

// printStatement prints one statement and its effects. If listed is set, the report lists it
// as not judged, so its note is not printed again.
func (t *reportWriter) printStatement(m *onward.Migration, index int, listed bool) {
	s := &m.Statements[index]
	head := "  " + padRight(fmt.Sprintf(":%d", s.Line), 4) + " "
	if t.verbose {
		for i, line := range strings.Split(strings.TrimSpace(escape.Controls(s.SQL)), "\n") {
			if i > 0 {
				head = "       "
			}
			t.addLine(t.paintLine(t.Dim, head), strings.TrimRight(line, " "))
		}
	} else {
		t.addLine(t.paintLine(t.Dim, head), view.CutToWidth(escape.Line(s.SQL), t.width-view.MeasureText(head)))
	}
	effects, more := prose.TakeFirst(view.ListShown(s.Effects, t.verbose), t.limitList(view.MaxEffects))
	rows := make([][]string, 0, len(effects))
	for i := range effects {
		e := &effects[i]
		name := view.NameRelation(e)
		rows = append(rows, []string{name, e.Lock.String(), view.DescribeDuration(m, index, e), "blocks " + view.NameWaiters(e)})
	}
	t.printEffects(effects, rows)
	t.addHiddenCount("       ", more, prose.CountNoun(more, "relation")+" more", t.Dim)
	t.printObserved(m, index)
	if s.Note != "" && !listed {
		t.addWrapped("       ", "       ", "not judged: "+escape.Line(s.Note), t.Warning)
	}
}

// printEffects prints rows of relation, lock, duration and whom it blocks, in
// columns; on a narrow screen the last two go below the first two.
func (t *reportWriter) printEffects(effects []onward.Effect, rows [][]string) {
	widths := make([]int, 4)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], view.MeasureText(cell))
		}
	}
	const indent = "       "
	narrow := len(indent)+widths[0]+widths[1]+widths[2]+widths[3]+6 > t.width
	for i, row := range rows {
		waiters := t.paintLine(t.lockStyle(effects[i].Lock), row[3])
		if !narrow {
			left := indent + padRight(row[0], widths[0]) + "  " + padRight(row[1], widths[1]) + "  " + padRight(row[2], widths[2]) + "  "
			t.addLine(left, waiters)
			t.printSize(indent, &effects[i])
			continue
		}
		t.addLine(indent, view.CutToWidth(row[0], t.width-len(indent)-widths[1]-2), "  ", row[1])
		t.addLine(indent, "  ", row[2], ", ", waiters)
		t.printSize(indent, &effects[i])
	}
}

// printSize prints how big a relation is if the work on it is long.
func (t *reportWriter) printSize(indent string, e *onward.Effect) {
	if e.EstimateMS >= 1000 && !e.New {
		t.addLine(indent, "  ", t.paintLine(t.Dim, view.DescribeSize(e)))
	}
}
