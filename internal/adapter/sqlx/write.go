package sqlx

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// Form describes how sqlx expects a migration to be written: with the undo SQL in a
// second file, if the existing migrations have one.
func (reader) Form(t adapter.Tree, set *adapter.Set) *adapter.Form {
	f := &adapter.Form{Name: Name, Up: ".sql", Transaction: onward.TransactionFile}
	for _, m := range set.Migrations {
		if strings.HasSuffix(m.Path, ".up.sql") {
			f.Up, f.Down = ".up.sql", ".down.sql"
		}
	}
	if crate, _ := nearestCrate(findCrates(t), set.Source.Dir); !crate.isOlderThan(0, 8) {
		f.HeadAlone, f.FootAlone = marker+"\n", marker+"\n"
	}
	return f
}
