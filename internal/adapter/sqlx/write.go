package sqlx

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form is how sqlx wants a migration written: with the way back in a second file, where
// the others have one.
func (Adapter) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	f := &adapter.Form{Name: Name, Up: ".sql", Transaction: onward.TransactionFile}
	for _, m := range set.Migrations {
		if strings.HasSuffix(m.Path, ".up.sql") {
			f.Up, f.Down = ".up.sql", ".down.sql"
		}
	}
	if crate, _ := nearest(findCrates(t), set.Source.Dir); !crate.before(0, 8) {
		f.HeadAlone, f.FootAlone = marker+"\n", marker+"\n"
	}
	return f
}
