package view

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/prose"
	"github.com/onward-sql/onward/internal/report/escape"
	"github.com/onward-sql/onward/onward"
)

// Index maps migrations to their findings. Reports of thousands of files have thousands of findings.
type Index struct {
	report   *onward.Report
	findings map[string][]int // path → findings
	opaque   map[string][]int
	Repeated RepeatedFindings
	// Similar maps each finding to the group of similar ones that is printed as one.
	Similar        map[*onward.Finding]*SimilarFindings
	quietDeletions int // how many deleted migrations are unremarked
	// at maps places to the migrations' statements.
	at map[statementPlace]*onward.Statement
}

// statementPlace is the place at which a statement of a migration begins.
type statementPlace struct {
	path, migration string
	line, column    int
}

// NewIndex returns the index of a report.
func NewIndex(r *onward.Report) *Index {
	x := &Index{report: r, findings: map[string][]int{}, opaque: map[string][]int{}, Repeated: listRepeated(r), Similar: groupSimilar(r.Findings)}
	for i := range r.Findings {
		p := r.Findings[i].Path
		x.findings[p] = append(x.findings[p], i)
	}
	for i := range r.Opaque {
		p := r.Opaque[i].Path
		x.opaque[p] = append(x.opaque[p], i)
	}
	for i := range r.Migrations {
		if x.isQuietDeletion(&r.Migrations[i]) {
			x.quietDeletions++
		}
	}
	return x
}

// IsUnremarked reports whether a migration has neither a finding nor an unjudged part.
func (x *Index) IsUnremarked(m *onward.Migration) bool {
	return len(x.FindingsOn(m))+len(x.Repeated[m.Path])+len(x.OpaqueIn(m)) == 0
}

func (x *Index) isQuietDeletion(m *onward.Migration) bool {
	return m.Status == onward.StatusDeleted && x.IsUnremarked(m)
}

// fewDeletions is how many deleted migrations without a finding are listed like all others.
const fewDeletions = 3

// IsListed reports whether a migration is listed. Many deleted migrations without a finding are one line instead, which
// [Index.DescribeDeletions] returns: they do not run.
func (x *Index) IsListed(m *onward.Migration) bool {
	return x.quietDeletions <= fewDeletions || !x.isQuietDeletion(m)
}

// DescribeDeletions describes the deleted migrations that are not listed; "" for none.
func (x *Index) DescribeDeletions() string {
	var files []string
	for i := range x.report.Migrations {
		if m := &x.report.Migrations[i]; !x.IsListed(m) {
			files = append(files, ShortName(escape.Line(m.Path)))
		}
	}
	if len(files) == 0 {
		return ""
	}
	return fmt.Sprintf("%d deleted migrations have no finding of their own: %s", len(files), prose.FirstAndRest(slices.Compact(files), fewDeletions))
}

// FindingsOn returns the findings on a migration.
func (x *Index) FindingsOn(m *onward.Migration) []*onward.Finding {
	var out []*onward.Finding
	for _, i := range x.findings[m.Path] {
		if f := &x.report.Findings[i]; f.Migration == m.ID || f.Migration == "" {
			out = append(out, f)
		}
	}
	return out
}

// StatementOf returns the statement of a finding's position. If several were rendered from one place,
// it is the first; nil if there is none.
func (x *Index) StatementOf(f *onward.Finding) *onward.Statement {
	if x.at == nil {
		x.at = map[statementPlace]*onward.Statement{}
		for i := range x.report.Migrations {
			m := &x.report.Migrations[i]
			for j := range slices.Backward(m.Statements) {
				s := &m.Statements[j]
				x.at[statementPlace{m.Path, m.ID, s.Line, s.Column}] = s
			}
		}
	}
	return x.at[statementPlace{f.Path, f.Migration, f.Line, f.Column}]
}

// OpaqueIn returns the items of a migration that could not be judged.
func (x *Index) OpaqueIn(m *onward.Migration) []*onward.Opaque {
	var out []*onward.Opaque
	for _, i := range x.opaque[m.Path] {
		if o := &x.report.Opaque[i]; o.Migration == m.ID || o.Migration == "" {
			out = append(out, o)
		}
	}
	return out
}

// ListUnassigned returns the findings and the unjudged items that belong to no migration of the report.
func (x *Index) ListUnassigned() (findings []*onward.Finding, opaque []onward.Opaque) {
	type key struct{ id, path string }
	known := map[key]bool{}
	for i := range x.report.Migrations {
		m := &x.report.Migrations[i]
		known[key{m.ID, m.Path}], known[key{"", m.Path}] = true, true
	}
	for i := range x.report.Findings {
		f := &x.report.Findings[i]
		if !known[key{f.Migration, f.Path}] {
			findings = append(findings, f)
		}
	}
	for _, o := range x.report.Opaque {
		if !known[key{o.Migration, o.Path}] {
			opaque = append(opaque, o)
		}
	}
	return findings, opaque
}
