package audit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// restartedHistory is a history that starts again under another runner: a new directory repeats the
// migrations of a directory that is gone, and continues from there.
type restartedHistory struct {
	dir  string             // the new directory
	last *adapter.Migration // its last migration that is a repetition
	n    int                // how many are repetitions
	// takenOver are the settings by which databases take these for applied; "" for none.
	takenOver string
}

// markRestartedSources finds the sources of the head whose first migrations repeat what the base has
// in directories that are gone: a team has changed its runner. The repetitions count as
// deployed.
func markRestartedSources(pairs []pair) {
	removedSources := map[int]map[string]bool{} // with the tables that they created
	for i, p := range pairs {
		if p.base != nil && len(p.base.Migrations) > 0 && len(p.head.Migrations) == 0 {
			removedSources[i] = findCreatedTables(p, true)
		}
	}
	if len(removedSources) == 0 {
		return
	}
	for i := range pairs {
		p := &pairs[i]
		if p.base != nil || len(p.head.Migrations) == 0 {
			continue
		}
		created := findCreatedTables(*p, true)
		var from []int
		tables, newest := map[string]bool{}, ""
		for k := range pairs {
			oldTables, recreated := removedSources[k], 0
			for table := range oldTables {
				if created[table] {
					recreated++
				}
			}
			if recreated == 0 || 2*recreated < len(oldTables) {
				continue
			}
			from = append(from, k)
			for table := range oldTables {
				tables[table] = true
			}
			for _, m := range pairs[k].base.Migrations {
				newest = laterVersion(newest, leadingDigits(m.Version))
			}
		}
		if n := countRepeatedMigrations(p.head.Migrations, tables, newest); n > 0 {
			p.base = &adapter.Set{Source: p.source, HistoryBehavior: p.head.HistoryBehavior, Together: p.head.Together, Migrations: slices.Clone(p.head.Migrations[:n])}
			restarted := &restartedHistory{dir: cmp.Or(p.source.Dir, "."), last: p.head.Migrations[n-1], n: n}
			if p.head.TakesOver != nil {
				restarted.takenOver = p.head.TakesOver(restarted.last)
			}
			for _, k := range from {
				pairs[k].restarted = restarted
			}
		}
	}
}

// countRepeatedMigrations counts the migrations at the beginning of a list that repeat the creation of
// some tables. If both histories use times as versions, these are the ones up to the
// newest old version; otherwise the ones up to the creation of the last table.
func countRepeatedMigrations(list []*adapter.Migration, tables map[string]bool, newest string) int {
	const timestamp = 8 // digits: 20260131
	n := 0
	if len(newest) >= timestamp {
		for i, m := range list {
			if v := leadingDigits(m.Version); len(v) == len(newest) && v <= newest {
				n = i + 1
			}
		}
	}
	if n > 0 {
		return n
	}
	for i, m := range list {
		for _, part := range m.Source.Parts {
			for table := range listTableCreations(part.SQL, true) {
				if tables[table] {
					delete(tables, table) // a later one that creates it again is no repetition
					n = i + 1
				}
			}
		}
	}
	return n
}

// leadingDigits returns the digits that a version begins with.
func leadingDigits(version string) string {
	return version[:len(version)-len(strings.TrimLeft(version, "0123456789"))]
}

// laterVersion returns the later of two numbers.
func laterVersion(a, b string) string {
	if len(b) > len(a) || len(b) == len(a) && b > a {
		return b
	}
	return a
}
