package view

import (
	"slices"

	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// MatrixRow is a row of the query matrix: a commit point with the state of each version of the code, or several points without a
// change.
type MatrixRow struct {
	// Hidden is how many points without a change the row counts; it has nothing else then.
	Hidden int
	// Point is its index. Name is "base" or "00043_rename.sql:4".
	Point      int
	Name, Path string
	// Window is set if both codes run from here on.
	Window bool
	Cells  []MatrixCell
}

// MatrixCell is the state of one version of the code at a point. Severity is Off if nothing fails.
type MatrixCell struct {
	Code     onward.Code
	Words    string
	Severity onward.Severity
}

// BuildMatrix returns the rows of the query matrix: the last point, and before it no more points than most allows. If every is false, points
// at which nothing changes are only counted.
func BuildMatrix(r *onward.Report, every bool, most int) []MatrixRow {
	points, versions := r.Verification.Points, ListVersions(r.Verification)
	var out []MatrixRow
	hidden, shown := 0, 0
	for i := range points {
		last := i == len(points)-1
		if !every && !last && !changesAt(r.Verification, versions, i) || shown >= most && !last {
			hidden++
			continue
		}
		if hidden > 0 {
			out = append(out, MatrixRow{Hidden: hidden})
			hidden = 0
		}
		shown++
		after := &points[i].After
		row := MatrixRow{Point: i, Name: NamePoint(after), Path: after.Path, Window: points[i].Window}
		for _, v := range versions {
			words, severity := cellWords(r, v.Code, i)
			row.Cells = append(row.Cells, MatrixCell{v.Code, words, severity})
		}
		out = append(out, row)
	}
	return out
}

// changesAt reports whether a failure begins or ends at a point, or whether it is the base.
func changesAt(v *onward.Verification, versions []CodeVersion, i int) bool {
	return i == 0 || slices.ContainsFunc(versions, func(c CodeVersion) bool {
		return !slices.Equal(CellAt(v, i, c.Code).Verdicts, CellAt(v, i-1, c.Code).Verdicts)
	})
}

// PhaseRow says where a migration belongs in a deploy. Wrong is set if no order works.
type PhaseRow struct {
	Where, Path, Advice string
	Wrong               bool
}

// ListPhases returns a row for each migration.
func ListPhases(r *onward.Report) []PhaseRow {
	var out []PhaseRow
	for _, p := range r.Verification.Phases {
		if p.Migration < len(r.Migrations) {
			out = append(out, PhaseRow{describePhase(p.Belongs), r.Migrations[p.Migration].Path, escape.Line(p.Advice), p.Belongs == onward.BelongsNowhere})
		}
	}
	return out
}

// WaitRow says whom the locks of a statement block.
type WaitRow struct {
	Path string
	Line int
	// Place has the short name of the file.
	Place, Words string
}

// ListWaits returns a row for each statement whose locks block queries.
func ListWaits(r *onward.Report) []WaitRow {
	var out []WaitRow
	for i := range r.Migrations {
		m := &r.Migrations[i]
		for j := range m.Statements {
			if w := m.Statements[j].Waiting; w != nil {
				line := m.Statements[j].Line
				out = append(out, WaitRow{m.Path, line, NameLine(m.Path, line), waitingWords(w)})
			}
		}
	}
	return out
}
