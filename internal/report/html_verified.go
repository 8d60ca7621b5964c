package report

import (
	"fmt"
	"math"
	"slices"

	"github.com/onward-sql/onward/onward"
)

// htmlVerified is the matrix of recorded queries, and what follows from it.
type htmlVerified struct {
	Columns []string // the names of the codes
	Rows    []htmlPoint
	Phases  []htmlPhase
	// Order is the order in which release and code can be deployed; Tone is its colour.
	Order, Tone string
	Waits       []htmlFact
	// Deprecated are columns that will be dropped soon. Asks are findings about the
	// recorded queries themselves, MoreAsks the number that is not shown.
	Deprecated []htmlFact
	// Consumers are the programs that use the database.
	Consumers []htmlFact
	Asks      []htmlAsk
	MoreAsks  string
	Notes     []string
	Counts    []string
}

// htmlPoint is a row: a commit point, or several without a change between them.
type htmlPoint struct {
	N          int
	Name, Path string
	Same       string // "3 points more, the same as above"
	Window     bool
	Cells      []htmlCell
}

type htmlCell struct {
	Code, Tone, Words string
	// Begun are failures that begin here, Going those that began before.
	Begun, Going []htmlVerdict
}

type htmlVerdict struct{ Tone, Kind, Message, Query, Who string }

type htmlPhase struct{ Where, Tone, Path, Advice string }

// buildVerified builds the matrix; nil if no queries were recorded.
func (b *htmlBuilder) buildVerified() *htmlVerified {
	r := b.report
	v := r.Verification
	if v == nil {
		return nil
	}
	out := &htmlVerified{Order: EscapeLine(v.Order), Tone: "ok", Counts: verifiedCounts(r)}
	if !v.Works {
		out.Tone = "error"
	}
	out.Columns = []string{codeWords(onward.OldCode)}
	if v.New != nil {
		out.Columns = append(out.Columns, codeWords(onward.NewCode))
	}
	for _, row := range buildMatrix(r, false, math.MaxInt) {
		if row.hidden > 0 {
			out.Rows = append(out.Rows, htmlPoint{Same: CountNoun(row.hidden, "commit point") + " more, the same as above"})
			continue
		}
		p := htmlPoint{N: row.point, Name: row.name, Path: EscapeLine(row.path), Window: row.window, Cells: []htmlCell{verifiedCell(r, row.old, row.point)}}
		if v.New != nil {
			p.Cells = append(p.Cells, verifiedCell(r, row.new, row.point))
		}
		out.Rows = append(out.Rows, p)
	}
	for _, p := range listPhases(r) {
		tone := "ok"
		if p.wrong {
			tone = "error"
		}
		out.Phases = append(out.Phases, htmlPhase{Where: p.where, Tone: tone, Path: EscapeLine(p.path), Advice: p.advice})
	}
	for _, w := range listWaits(r) {
		out.Waits = append(out.Waits, htmlFact{EscapeLine(fmt.Sprintf("%s:%d", ShortName(w.path), w.line)), w.words})
	}
	out.addQueryFindings(v)
	out.Consumers = consumersInHTML(v)
	for _, n := range v.Notes {
		out.Notes = append(out.Notes, EscapeLine(n))
	}
	return out
}

// maxCellVerdicts bounds what one cell lists.
const maxCellVerdicts = 200

// verifiedCell adds to a cell of the i-th point the failures that begin or go on there.
func verifiedCell(r *onward.Report, state matrixCell, i int) htmlCell {
	c := htmlCell{Code: codeWords(state.code), Words: state.words, Tone: "ok"}
	if state.severity != onward.Off {
		c.Tone = state.severity.String()
	}
	cell := &r.Verification.Points[i].Old
	if state.code == onward.NewCode {
		cell = &r.Verification.Points[i].New
	}
	for _, at := range cell.Verdicts[:min(len(cell.Verdicts), maxCellVerdicts)] {
		if at >= len(r.Verdicts) {
			continue
		}
		d := &r.Verdicts[at]
		h := htmlVerdict{Tone: screenSeverity(d).String(), Kind: EscapeLine(string(d.Kind)), Message: verdictHead(d), Query: EscapeLine(d.Query), Who: verdictWho(d)}
		if d.Point == i {
			c.Begun = append(c.Begun, h)
		} else {
			c.Going = append(c.Going, h)
		}
	}
	worst := func(a, b htmlVerdict) int {
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
