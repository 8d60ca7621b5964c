package html

import (
	"math"
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/internal/report/view"
	"github.com/onward-sql/onward/onward"
)

// pageVerified is the matrix of recorded queries, and what follows from it.
type pageVerified struct {
	Columns []string // the versions of the code
	Span    int      // of a row without cells
	Rows    []pagePoint
	Phases  []pagePhase
	Lane    *pageDeploy
	// Order is the order in which release and code can be deployed; Tone is its colour.
	Order, Tone string
	Waits       []pageFact
	// Deprecated are columns that will be dropped soon. Asks are findings about the
	// recorded queries themselves, MoreAsks the number that is not shown.
	Deprecated []pageFact
	// Consumers are the programs that use the database.
	Consumers []pageFact
	Asks      []pageAsk
	MoreAsks  string
	Notes     []string
	Counts    []string
}

// pagePoint is a row: a commit point, or several without a change between them.
type pagePoint struct {
	N          int
	Name, Path string
	Same       string // "3 points more, the same as above"
	Window     bool
	Cells      []pageCell
}

type pageCell struct {
	Code, Tone, Words string
	// Begun are failures that begin here, Going those that began before.
	Begun, Going []pageVerdict
}

type pageVerdict struct{ Tone, Kind, Message, Query, Who string }

type pagePhase struct{ Where, Tone, Path, Advice string }

// buildVerified builds the matrix; nil if no queries were recorded.
func (b *pageBuilder) buildVerified() *pageVerified {
	r := b.report
	v := r.Verification
	if v == nil {
		return nil
	}
	out := &pageVerified{Order: escape.Line(v.Order), Tone: "ok", Counts: view.CountVerified(r)}
	if !v.Works {
		out.Tone = "error"
	}
	versions := view.ListVersions(v)
	if v.New == nil {
		versions = versions[:len(versions)-1]
	}
	for _, version := range versions {
		out.Columns = append(out.Columns, view.NameCode(version.Code))
	}
	out.Span, out.Lane = len(versions)+1, newVersionLane(r)
	for _, row := range view.BuildMatrix(r, false, math.MaxInt) {
		if row.Hidden > 0 {
			out.Rows = append(out.Rows, pagePoint{Same: prose.CountNoun(row.Hidden, "commit point") + " more, the same as above"})
			continue
		}
		p := pagePoint{N: row.Point, Name: row.Name, Path: escape.Line(row.Path), Window: row.Window}
		for i := range versions {
			p.Cells = append(p.Cells, newVerifiedCell(r, row.Cells[i], row.Point))
		}
		out.Rows = append(out.Rows, p)
	}
	for _, p := range view.ListPhases(r) {
		tone := "ok"
		if p.Wrong {
			tone = "error"
		}
		out.Phases = append(out.Phases, pagePhase{Where: p.Where, Tone: tone, Path: escape.Line(p.Path), Advice: p.Advice})
	}
	for _, w := range view.ListWaits(r) {
		out.Waits = append(out.Waits, pageFact{w.Place, w.Words})
	}
	out.addQueries(v)
	for _, n := range v.Notes {
		out.Notes = append(out.Notes, escape.Line(n))
	}
	return out
}

// maxCellVerdicts bounds what one cell lists.
const maxCellVerdicts = 200

// newVerifiedCell adds to a cell of the i-th point the failures that begin or go on there.
func newVerifiedCell(r *onward.Report, state view.MatrixCell, i int) pageCell {
	c := pageCell{Code: view.NameCode(state.Code), Words: state.Words, Tone: "ok"}
	if state.Severity != onward.Off {
		c.Tone = state.Severity.String()
	}
	cell := view.CellAt(r.Verification, i, state.Code)
	for _, index := range cell.Verdicts[:min(len(cell.Verdicts), maxCellVerdicts)] {
		if index >= len(r.Verdicts) {
			continue
		}
		d := &r.Verdicts[index]
		h := pageVerdict{
			Tone: view.ScreenSeverity(d).String(), Kind: escape.Line(string(d.Kind)), Message: view.DescribeFailure(d), Query: escape.Line(d.Query),
			Who: view.DescribeSender(d),
		}
		if d.Point == i {
			c.Begun = append(c.Begun, h)
		} else {
			c.Going = append(c.Going, h)
		}
	}
	worst := func(a, b pageVerdict) int {
		if a.Tone == b.Tone {
			return 0
		} else if a.Tone == "error" {
			return -1
		}
		return 1
	}
	slices.SortStableFunc(c.Begun, worst)
	slices.SortStableFunc(c.Going, worst)
	return c
}

// pageAsk is a finding about a recorded query itself.
type pageAsk struct{ Tone, Words, Query, Instead string }

// addQueries adds who uses the database, the deprecated columns, and the findings about the queries themselves.
func (v *pageVerified) addQueries(from *onward.Verification) {
	for _, u := range view.ListQueryUsers(from) {
		v.Consumers = append(v.Consumers, pageFact{u.Name, u.Words})
	}
	for _, d := range view.ListExpiringColumns(from) {
		v.Deprecated = append(v.Deprecated, pageFact{d.Name, d.Words})
	}
	list, rest := view.ListAskedQueries(from)
	for _, q := range list {
		v.Asks = append(v.Asks, pageAsk{q.Severity.String(), q.Words, q.SQL, q.Instead})
	}
	v.MoreAsks = rest
}
