package report

import (
	"slices"

	"github.com/onward-sql/onward/onward"
)

// index finds what belongs to a migration. Reports of thousands of files have
// thousands of findings.
type index struct {
	report   *onward.Report
	findings map[string][]int // path → findings
	opaque   map[string][]int
	also     also
	// at are the migrations' statements by place.
	at map[statementPlace]*onward.Statement
}

// statementPlace is where a statement of a migration begins.
type statementPlace struct {
	path, migration string
	line, column    int
}

func newIndex(r *onward.Report) *index {
	x := &index{report: r, findings: map[string][]int{}, opaque: map[string][]int{}, also: newAlso(r)}
	for i := range r.Findings {
		p := r.Findings[i].Path
		x.findings[p] = append(x.findings[p], i)
	}
	for i := range r.Opaque {
		p := r.Opaque[i].Path
		x.opaque[p] = append(x.opaque[p], i)
	}
	return x
}

// of gives the findings on a migration.
func (x *index) of(m *onward.Migration) []*onward.Finding {
	var out []*onward.Finding
	for _, i := range x.findings[m.Path] {
		if f := &x.report.Findings[i]; f.Migration == m.ID || f.Migration == "" {
			out = append(out, f)
		}
	}
	return out
}

// statement is the statement of a migration that a finding stands at, the first of several that were
// rendered from one place; nil where there is none.
func (x *index) statement(f *onward.Finding) *onward.Statement {
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

// opaqueIn gives what could not be judged in a migration.
func (x *index) opaqueIn(m *onward.Migration) []*onward.Opaque {
	var out []*onward.Opaque
	for _, i := range x.opaque[m.Path] {
		if o := &x.report.Opaque[i]; o.Migration == m.ID || o.Migration == "" {
			out = append(out, o)
		}
	}
	return out
}

// elsewhere gives the findings and the unjudged that belong to no migration
// of the report.
func (x *index) elsewhere() (findings []onward.Finding, opaque []onward.Opaque) {
	type key struct{ id, path string }
	known := map[key]bool{}
	for i := range x.report.Migrations {
		m := &x.report.Migrations[i]
		known[key{m.ID, m.Path}], known[key{"", m.Path}] = true, true
	}
	for _, f := range x.report.Findings {
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
