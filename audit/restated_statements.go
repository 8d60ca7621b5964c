package audit

import (
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

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
