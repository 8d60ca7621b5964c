package audit

import (
	"fmt"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// unreadParts counts the parts of the deployed migrations that cannot be read. They have run,
// and their changes are missing in the schema that the release is judged on.
type unreadParts struct {
	n     int
	first onward.Opaque
}

// countFile counts a deployed migration that could not be read at all.
func (u *unreadParts) countFile(m *adapter.Migration, reason string) {
	if u.n++; u.n == 1 {
		u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Why: reason}
	}
}

// countUnparsed counts the statements of a deployed migration that do not parse.
func (u *unreadParts) countUnparsed(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		if st.Err == nil {
			continue
		}
		if u.n++; u.n == 1 {
			u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Line: st.ErrLine, Column: st.ErrColumn, Why: st.Err.Error()}
		}
	}
}

// addToReport lists them in one entry, at the first: a history is long.
func (u *unreadParts) addToReport(r *onward.Report) {
	if u.n == 0 {
		return
	}
	o := u.first
	o.What = "what a deployed migration made"
	if u.n > 1 {
		o.What = fmt.Sprintf("what deployed migrations made, %d statements or files", u.n)
	}
	r.Opaque = append(r.Opaque, o)
}

// findUnmodelled returns what is not modelled on one of the versions; "" if all is.
func findUnmodelled(s *rule.Stmt) string {
	for _, g := range s.Results {
		if g.Result.Unmodelled != "" {
			return g.Result.Unmodelled
		}
	}
	return ""
}

// normalizedStatement is a statement in a form for comparison.
type normalizedStatement struct {
	sql  string
	line int
	node *pgparse.Node
}

// hasSameText reports whether two statements are equal, whatever their layout.
func (p *normalizedStatement) hasSameText(o *normalizedStatement) bool {
	return p.sql == o.sql || p.node != nil && o.node != nil && pgparse.Equal(p.node, o.node)
}

// normalizeStatements returns the statements of a migration, without comments and white space.
func normalizeStatements(m *adapter.Migration) []normalizedStatement {
	s, err := script.BuildScript(m.Source)
	if err != nil {
		return []normalizedStatement{{m.Source.Text, 1, nil}}
	}
	var out []normalizedStatement
	for _, st := range s.Statements {
		if st.Parent < 0 {
			out = append(out, normalizedStatement{pgparse.SqueezeSQL(st.SQL), st.Line, st.Node})
		}
	}
	return out
}

// Restated is a statement that replaces statements of a migration.
type Restated struct {
	// ID and Path identify the migration, and Line is the line of the last statement that it replaces.
	ID, Path string
	Line     int
	SQL      string
}

// FoldRestated is Folds for other statements, which replace the release's own, in their order. The place of each is its line, and as
// column its number from 1.
func (r *Release) FoldRestated(list []Restated) (*onward.Report, []*Folded, error) {
	main, compared := r.mainDatabase(), slices.Clone(r.compared)
	a := r.a
	a.databases = slices.Clone(a.databases) // the heads are of these statements
	for _, k := range a.databases[main].sources {
		c := *compared[k]
		c.release, compared[k] = nil, &c
	}
	last := (*releasedMigration)(nil)
	for i, s := range list {
		k, m := r.findReleasedMigration(r.main(), s)
		if m == nil {
			continue
		}
		if last == nil || last.migration.ID != s.ID || last.migration.Path != s.Path {
			c := compared[k]
			c.release = append(c.release, releasedMigration{migration: withoutStatements(m.migration), status: m.status})
			last = &c.release[len(c.release)-1]
		}
		last.migration.Source.Parts = append(last.migration.Source.Parts, script.Part{
			SQL: s.SQL + ";", Start: -1, Line: s.Line, Column: i + 1, EndLine: s.Line, EndColumn: i + 2,
		})
	}
	var out []*Folded
	a.keep = func(database int, m *Folded) {
		if database == main {
			out = append(out, m)
		}
	}
	report, err := a.judgeRelease(r.pairs, compared, r.usage)
	return report, out, err
}

// findReleasedMigration returns the migration of a restated statement, and the index of its source.
func (r *Release) findReleasedMigration(main []int, s Restated) (source int, m *releasedMigration) {
	for _, k := range main {
		for i := range r.compared[k].release {
			if m := &r.compared[k].release[i]; m.migration.ID == s.ID && m.migration.Path == s.Path {
				return k, m
			}
		}
	}
	return 0, nil
}

// withoutStatements returns a migration without its statements. Comments of its text still count.
func withoutStatements(m *adapter.Migration) *adapter.Migration {
	out := *m
	out.Source.Parts, out.Source.Mode, out.WithoutConditions = nil, onward.TransactionNone, nil
	return &out
}
