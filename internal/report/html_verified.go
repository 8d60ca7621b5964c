package report

import (
	"fmt"
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
	codes := []onward.Code{onward.OldCode}
	if v.New != nil {
		codes = append(codes, onward.NewCode)
	}
	out := &htmlVerified{Order: EscapeLine(v.Order), Tone: "ok", Counts: verifiedCounts(r)}
	if !v.Works {
		out.Tone = "error"
	}
	for _, c := range codes {
		out.Columns = append(out.Columns, codeWords(c))
	}
	shown, hidden := pointsShown(r), 0
	for i := range v.Points {
		if !shown[i] {
			hidden++
			continue
		}
		if hidden > 0 {
			out.Rows = append(out.Rows, htmlPoint{Same: CountNoun(hidden, "commit point") + " more, the same as above"})
			hidden = 0
		}
		p := htmlPoint{N: i, Name: rowName(r, i), Path: EscapeLine(v.Points[i].After.Path), Window: v.Points[i].Window}
		for _, c := range codes {
			p.Cells = append(p.Cells, verifiedCell(r, c, i))
		}
		out.Rows = append(out.Rows, p)
	}
	for _, p := range v.Phases {
		if p.Migration >= len(r.Migrations) {
			continue
		}
		tone := "ok"
		if p.Belongs == onward.BelongsNowhere {
			tone = "error"
		}
		out.Phases = append(out.Phases, htmlPhase{Where: belongsWords(p.Belongs), Tone: tone, Path: EscapeLine(r.Migrations[p.Migration].Path), Advice: EscapeLine(p.Advice)})
	}
	for i := range r.Migrations {
		for _, s := range r.Migrations[i].Statements {
			if s.Waiting != nil {
				out.Waits = append(out.Waits, htmlFact{EscapeLine(fmt.Sprintf("%s:%d", ShortName(r.Migrations[i].Path), s.Line)), waitingWords(s.Waiting)})
			}
		}
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

func verifiedCell(r *onward.Report, code onward.Code, i int) htmlCell {
	words, how := cellWords(r, code, i)
	c := htmlCell{Code: codeWords(code), Words: words, Tone: "ok"}
	if how != onward.Off {
		c.Tone = how.String()
	}
	cell := &r.Verification.Points[i].Old
	if code == onward.NewCode {
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
