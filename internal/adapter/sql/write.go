package sql

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form describes how the runner of a directory expects a migration to be written: by its
// own value, or as plain files for psql or a program. It is nil for a tool for which that
// is not known.
func (Adapter) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	if runnerConfig := set.Source.Options.Own; runnerConfig != nil {
		return newConfiguredRunner(runnerConfig).newForm(set)
	}
	p := newMigrationDir(t, set.Source)
	r := detectRunner(p)
	var f adapter.Form
	switch {
	case r.form != nil:
		f = *r.form
		f.Name = r.name
		if r.warns != nil {
			f.Warns = func(sql string) string { return r.warns(t, sql) }
		}
	case slices.Contains(tools, r):
		return nil
	default:
		mode := set.Evidence.Transaction
		f = adapter.Form{
			Name: cmp.Or(r.name, "whoever runs the files"), Transaction: mode, Lone: mode != onward.TransactionFile, Splits: mode == onward.TransactionNone,
		}
		if len(set.Migrations) > 0 && !slices.ContainsFunc(set.Migrations, func(m *adapter.Migration) bool { return languages[path.Ext(m.Path)] == "" }) {
			f.Unwritable = "each migration of " + set.Source.Dir + " is a program (" + path.Base(set.Migrations[0].Path) +
				"), and its tool may run no file of SQL: " + runSteps
		}
	}
	for _, m := range set.Migrations {
		if caller := findCaller(t, m.Path); caller != "" {
			f.Unwritable = caller + " runs " + m.Path + ", and no program would run a new file of SQL: " + runSteps
		}
	}
	if f.Up == "" {
		f.Up = ".sql"
		for _, m := range set.Migrations {
			setSuffixes(&f, m)
		}
	}
	return &f
}

// runSteps is the advice if a tool runs no files of SQL.
const runSteps = "the plan is not written as files; onward apply --plan runs the steps, or write a program for each (--format sql prints them)"

// setSuffixes sets the suffixes of a migration's file and of its down file, as an existing
// migration has them.
func setSuffixes(f *adapter.Form, m *adapter.Migration) {
	stem := strings.TrimSuffix(m.Path, ".sql")
	if up, cut := strings.CutSuffix(stem, ".up"); cut {
		f.Up, stem = ".up.sql", up
	}
	if rest, hasStem := strings.CutPrefix(m.DownPath, stem); hasStem && strings.HasPrefix(rest, ".") {
		f.Down = rest
	}
}
