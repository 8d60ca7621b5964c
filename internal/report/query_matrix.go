package report

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// matrixRow is a row of the query matrix: a commit point with the state of each code, or several points without a
// change.
type matrixRow struct {
	// hidden is how many points without a change the row counts; it has nothing else then.
	hidden int
	// point is its index. name is "base" or "00043_rename.sql:4".
	point      int
	name, path string
	// window is set if both codes run from here on.
	window   bool
	old, new matrixCell
}

// matrixCell is the state of one code at a point. severity is Off if nothing fails.
type matrixCell struct {
	code     onward.Code
	words    string
	severity onward.Severity
}

// buildMatrix returns the rows of the query matrix: at most so many points, and the last one. Without every, points at
// which nothing changes are counted only.
func buildMatrix(r *onward.Report, every bool, most int) []matrixRow {
	points := r.Verification.Points
	var out []matrixRow
	hidden, shown := 0, 0
	for i := range points {
		last := i == len(points)-1
		if !every && !last && !changesAt(points, i) || shown >= most && !last {
			hidden++
			continue
		}
		if hidden > 0 {
			out = append(out, matrixRow{hidden: hidden})
			hidden = 0
		}
		shown++
		after := &points[i].After
		out = append(out, matrixRow{
			point: i, name: pointName(after), path: after.Path, window: points[i].Window, old: stateOf(r, onward.OldCode, i), new: stateOf(r, onward.NewCode, i),
		})
	}
	return out
}

// changesAt reports whether a failure begins or ends at a point, or whether it is the base.
func changesAt(points []onward.VerifiedPoint, i int) bool {
	return i == 0 || !slices.Equal(points[i].Old.Verdicts, points[i-1].Old.Verdicts) || !slices.Equal(points[i].New.Verdicts, points[i-1].New.Verdicts)
}

// stateOf returns the state of one code at a point.
func stateOf(r *onward.Report, code onward.Code, i int) matrixCell {
	words, severity := cellWords(r, code, i)
	return matrixCell{code, words, severity}
}

// phaseRow says where a migration belongs in a deploy. wrong is set if no order works.
type phaseRow struct {
	where, path, advice string
	wrong               bool
}

// listPhases returns a row for each migration.
func listPhases(r *onward.Report) []phaseRow {
	var out []phaseRow
	for _, p := range r.Verification.Phases {
		if p.Migration < len(r.Migrations) {
			out = append(out, phaseRow{belongsWords(p.Belongs), r.Migrations[p.Migration].Path, EscapeLine(p.Advice), p.Belongs == onward.BelongsNowhere})
		}
	}
	return out
}

// waitRow says whom the locks of a statement block.
type waitRow struct {
	path string
	line int
	// place has the short name of the file.
	place, words string
}

// listWaits returns a row for each statement whose locks block queries.
func listWaits(r *onward.Report) []waitRow {
	var out []waitRow
	for i := range r.Migrations {
		m := &r.Migrations[i]
		for j := range m.Statements {
			if w := m.Statements[j].Waiting; w != nil {
				line := m.Statements[j].Line
				out = append(out, waitRow{m.Path, line, nameLine(m.Path, line), waitingWords(w)})
			}
		}
	}
	return out
}
