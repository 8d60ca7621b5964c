package sql

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form is how the runner of a directory wants a migration written: as its own value says,
// or as psql or a program runs plain files. nil for a tool of which it is not known.
func (Adapter) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	p := placeOf(t, set.Source)
	r := tell(p)
	var f adapter.Form
	switch {
	case r.form != nil:
		f = *r.form
		f.Name = r.name
	case slices.Contains(tools, r):
		return nil
	default:
		mode := set.Told.Transaction
		f = adapter.Form{Name: cmp.Or(r.name, "whoever runs the files"), Transaction: mode, Lone: mode != onward.TransactionFile}
	}
	if f.Up == "" {
		f.Up = ".sql"
		for _, m := range set.Migrations {
			endings(&f, m)
		}
	}
	return &f
}

// endings are those of a migration's names, and of its way back beside it.
func endings(f *adapter.Form, m *adapter.Migration) {
	stem := strings.TrimSuffix(m.Path, ".sql")
	if up, cut := strings.CutSuffix(stem, ".up"); cut {
		f.Up, stem = ".up.sql", up
	}
	if rest, beside := strings.CutPrefix(m.DownPath, stem); beside && strings.HasPrefix(rest, ".") {
		f.Down = rest
	}
}
