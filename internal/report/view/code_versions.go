package view

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// CodeVersion is a version of the code whose queries are verified. Queries is nil if nothing is known of them.
type CodeVersion struct {
	Code    onward.Code
	Queries *onward.Verified
}

// ListVersions returns the versions of the code in the order in which they are shown: the deployed one, further ones, the new one.
func ListVersions(v *onward.Verification) []CodeVersion {
	out := []CodeVersion{{onward.OldCode, v.Old}}
	for i := range v.Also {
		out = append(out, CodeVersion{FurtherCode(v.Also[i].Name), &v.Also[i].Verified})
	}
	return append(out, CodeVersion{onward.NewCode, v.New})
}

// FurtherCode returns the code of a further version.
func FurtherCode(name string) onward.Code { return onward.Code(onward.FurtherPrefix + name) }

// NameCode names a version of the code in a table.
func NameCode(c onward.Code) string {
	if name, ok := strings.CutPrefix(string(c), onward.FurtherPrefix); ok {
		return escape.Line(name)
	}
	if c == onward.NewCode {
		return "new code"
	}
	return "old code"
}

// NameCodeInSentence names a version of the code in a sentence.
func NameCodeInSentence(c onward.Code) string {
	switch c {
	case onward.OldCode:
		return "the deployed code"
	case onward.NewCode:
		return "the new code"
	}
	return NameCode(c)
}

// CellAt returns the results of a version of the code at a point.
func CellAt(v *onward.Verification, point int, code onward.Code) *onward.Cell {
	p := &v.Points[point]
	switch code {
	case onward.OldCode:
		return &p.Old
	case onward.NewCode:
		return &p.New
	}
	i := slices.IndexFunc(v.Also, func(a onward.VerifiedVersion) bool { return FurtherCode(a.Name) == code })
	if i < 0 || i >= len(p.Also) {
		return &onward.Cell{}
	}
	return &p.Also[i]
}

// NeedsLater reports whether a query only needs a later schema of the release: it is of code that may be deployed after that, or of a
// further version that does not work at the base either.
func NeedsLater(d *onward.Verdict) bool {
	return d.Until != nil && d.Code != onward.OldCode && (d.Code == onward.NewCode || d.Point == 0)
}

// VersionLane shows along the commit points which versions of the code work. All places are percentages.
type VersionLane struct {
	// Deploy is where the new code may be deployed; 0 if that is not known, or if no order works. Gone is where the first version breaks; 100 if none
	// does. Leaving are the names of the versions that break.
	Deploy, Gone float64
	Leaving      string
	Versions     []LaneVersion
	// Rows have a mark for each commit point of a migration.
	Rows []LaneRow
}

// LaneVersion is a version of the code along the commit points.
type LaneVersion struct {
	Code  onward.Code
	Words string
	Bars  []LaneBar
}

// LaneBar is a time in which the state of a version stays.
type LaneBar struct {
	From, Until float64
	// Class is "works", "later" for a version that needs a later schema, "warning" or "error".
	Class, Words string
}

// mostBarWords is how many states the words of a version name.
const mostBarWords = 3

// NewVersionLane returns the lane of a verified release.
func NewVersionLane(r *onward.Report) *VersionLane {
	v := r.Verification
	l := &VersionLane{Gone: 100}
	width := 100 / float64(len(v.Points))
	for _, version := range ListVersions(v) {
		if version.Queries != nil {
			l.Versions = append(l.Versions, newLaneVersion(r, version.Code, width))
		}
	}
	breaks := func(d *onward.Verdict) bool {
		return d.Severity == onward.Error && d.Code != onward.NewCode && !NeedsLater(d) && d.Point < len(v.Points)
	}
	deploy := len(v.Points) - 1 // the point after which the new code is deployed
	var leaving []string
	for i := range r.Verdicts {
		d := &r.Verdicts[i]
		if !breaks(d) {
			continue
		}
		l.Gone = min(l.Gone, float64(d.Point)*width)
		if d.Code == onward.OldCode {
			deploy = min(deploy, max(0, d.Point-1))
		}
		if name := NameCode(d.Code); !slices.Contains(leaving, name) {
			leaving = append(leaving, name)
		}
	}
	l.Leaving = prose.EnumerateNames(leaving)
	waits := slices.ContainsFunc(r.Summary.Readiness, func(ready onward.Readiness) bool { return !ready.NewCode })
	if v.Works && v.New != nil && !waits {
		l.Deploy = (float64(deploy) + 0.5) * width
	}
	l.addMigrationRows(r, width)
	return l
}

func newLaneVersion(r *onward.Report, code onward.Code, width float64) LaneVersion {
	out := LaneVersion{Code: code}
	var words []string
	for i := range r.Verification.Points {
		text, severity := cellWords(r, code, i)
		class := severity.String()
		switch c := CellAt(r.Verification, i, code); {
		case severity == onward.Off:
			class = "works"
		case c.Errors > 0 && severity == onward.Warning:
			class = "later"
		}
		if n := len(out.Bars); n > 0 && out.Bars[n-1].Class == class && out.Bars[n-1].Words == text {
			out.Bars[n-1].Until += width
			continue
		}
		out.Bars = append(out.Bars, LaneBar{From: float64(i) * width, Until: float64(i+1) * width, Class: class, Words: text})
		if i > 0 {
			text += " after " + NamePoint(&r.Verification.Points[i].After)
		}
		words = append(words, text)
	}
	words, more := prose.TakeFirst(words, mostBarWords)
	out.Words = strings.Join(words, "; ")
	if more > 0 {
		out.Words += fmt.Sprintf(" and %d more", more)
	}
	return out
}

// addMigrationRows gives each migration a row, if there is room for all.
func (l *VersionLane) addMigrationRows(r *onward.Report, width float64) {
	rows := map[int]int{}
	for i, p := range r.Verification.Points {
		if p.After.Path == "" {
			continue
		}
		place, known := rows[p.Migration]
		if !known {
			place = len(l.Rows)
			rows[p.Migration] = place
			row := LaneRow{Name: escape.Line(ShortName(p.After.Path))}
			if k := slices.IndexFunc(r.Verification.Phases, func(f onward.Phase) bool { return f.Migration == p.Migration }); k >= 0 {
				row.Text = describePhase(r.Verification.Phases[k].Belongs)
			}
			l.Rows = append(l.Rows, row)
		}
		x := float64(i) * width
		l.Rows[place].Marks = append(l.Rows[place].Marks, LaneMark{From: x, Until: x, Class: "instant"})
	}
	if len(l.Rows) > maxStepRows {
		l.Rows = nil
	}
}

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
