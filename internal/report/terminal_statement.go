package report

import (
	"fmt"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Bounds of what is printed without Verbose.
const (
	maxStatements = 25
	maxEffects    = 6
)

// statements prints the statements that other sessions can feel, each with
// what it locks.
func (t *terminal) statements(m *onward.Migration, findings []*onward.Finding, opaque []*onward.Opaque) {
	flagged, listed := map[int]bool{}, map[int]bool{}
	for _, f := range findings {
		flagged[f.Line] = true
	}
	for _, o := range opaque {
		listed[o.Line] = true
	}
	// Of several statements that a framework rendered from one line, those
	// that lock something are meant.
	locking := map[int]bool{}
	for i := range m.Statements {
		if s := &m.Statements[i]; len(s.Effects) > 0 {
			locking[s.Line] = true
		}
	}
	var felt []int
	for i := range m.Statements {
		if s := &m.Statements[i]; t.verbose || flagged[s.Line] && (len(s.Effects) > 0 || !locking[s.Line]) || s.Note != "" || noticeable(s) {
			felt = append(felt, i)
		}
	}
	for n, i := range felt {
		if n == maxStatements && !t.verbose {
			t.line("  ", t.paint(t.Dim, fmt.Sprintf("and %d more statements (-v shows them)", len(felt)-n)))
			return
		}
		t.statement(m, i, listed[m.Statements[i].Line])
	}
}

// noticeable reports whether a statement locks something that others use,
// stronger than a reader does.
func noticeable(s *onward.Statement) bool {
	for _, e := range s.Effects {
		if !e.New && (e.Lock >= onward.ShareUpdateExclusiveLock || e.Work != onward.NoWork || e.Lock == onward.RowExclusiveLock && s.Duration != "instant") {
			return true
		}
	}
	return false
}

// statement prints one statement and its effects. listed: the report lists it as
// not judged, so that its note would say it twice.
func (t *terminal) statement(m *onward.Migration, at int, listed bool) {
	s := &m.Statements[at]
	head := "  " + pad(fmt.Sprintf(":%d", s.Line), 4) + " "
	if t.verbose {
		for i, line := range strings.Split(strings.TrimSpace(Visible(s.SQL)), "\n") {
			if i > 0 {
				head = "       "
			}
			t.line(t.paint(t.Dim, head), strings.TrimRight(line, " "))
		}
	} else {
		t.line(t.paint(t.Dim, head), shorten(Line(s.SQL), t.width-columns(head)))
	}
	effects := shownEffects(s.Effects, t.verbose)
	rows := make([][]string, 0, len(effects))
	for i := range effects {
		e := &effects[i]
		if i == maxEffects && !t.verbose {
			break
		}
		name := locked(e)
		rows = append(rows, []string{name, e.Lock.String(), duration(m, at, e), "blocks " + kept(e)})
	}
	t.effects(effects, rows)
	if more := len(effects) - len(rows); more > 0 {
		t.line("       ", t.paint(t.Dim, fmt.Sprintf("and %s more (-v shows them)", Count(more, "relation"))))
	}
	t.observed(m, at)
	if s.Note != "" && !listed {
		t.wrap("       ", "       ", "not judged: "+Line(s.Note), t.Warning)
	}
}

// effects prints rows of relation, lock, duration and whom it blocks, in
// columns; on a narrow screen the last two go below the first two.
func (t *terminal) effects(effects []onward.Effect, rows [][]string) {
	widths := make([]int, 4)
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], columns(cell))
		}
	}
	const indent = "       "
	narrow := len(indent)+widths[0]+widths[1]+widths[2]+widths[3]+6 > t.width
	for i, row := range rows {
		who := t.paint(t.blocking(effects[i].Lock), row[3])
		if !narrow {
			left := indent + pad(row[0], widths[0]) + "  " + pad(row[1], widths[1]) + "  " + pad(row[2], widths[2]) + "  "
			t.line(left, who)
			t.sized(indent, &effects[i])
			continue
		}
		t.line(indent, shorten(row[0], t.width-len(indent)-widths[1]-2), "  ", row[1])
		t.line(indent, "  ", row[2], ", ", who)
		t.sized(indent, &effects[i])
	}
}

// sized says how big a relation is on which there is long work.
func (t *terminal) sized(indent string, e *onward.Effect) {
	if e.EstimateMS >= 1000 && !e.New {
		t.line(indent, "  ", t.paint(t.Dim, sizeWords(e)))
	}
}

// doing names work.
var doing = map[onward.Work]string{onward.Scan: "full scan", onward.IndexWork: "index build", onward.Rewrite: "rewrite"}

// duration says for how long an effect is felt.
func duration(m *onward.Migration, at int, e *onward.Effect) string {
	s := &m.Statements[at]
	switch {
	case e.EstimateMS > 0 && !e.New:
		return worked(e) + ", " + timeWords(e.EstimateMS)
	case e.Emptied, e.Work == onward.Rewrite:
		return worked(e)
	case e.Work != onward.NoWork:
		return worked(e) + ", grows"
	case s.Duration == "grows" && e.Lock <= onward.RowExclusiveLock:
		return "grows with the rows"
	case s.Duration == "waits":
		return "waits for transactions"
	}
	if s.Transaction != 0 && e.Lock.BlocksWrites() {
		for i := len(m.Statements) - 1; i > at; i-- {
			later := &m.Statements[i]
			if later.Transaction == s.Transaction && later.Duration != "instant" && later.Duration != "" {
				return fmt.Sprintf("held until :%d ends", later.Line)
			}
		}
	}
	if s.Duration == "grows" {
		return "for the whole statement"
	}
	return "instant"
}
