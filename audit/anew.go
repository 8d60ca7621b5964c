package audit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// anew is a history that begins again under another runner: the migrations of a
// directory that is gone are repeated in a new one, which goes on from there.
type anew struct {
	dir  string             // the new directory
	last *adapter.Migration // the last one of it that repeats
	n    int                // how many do
}

// beginAnew finds the sources of the head that begin with what the base has
// elsewhere, in directories that are gone: a team has changed its runner. What they
// repeat is deployed.
func beginAnew(pairs []pair) {
	gone := map[int]map[string]bool{} // with the tables that they made
	for i, p := range pairs {
		if p.base != nil && len(p.base.Migrations) > 0 && len(p.head.Migrations) == 0 {
			gone[i] = created(p, true)
		}
	}
	if len(gone) == 0 {
		return
	}
	for i := range pairs {
		p := &pairs[i]
		if p.base != nil || len(p.head.Migrations) == 0 {
			continue
		}
		made := created(*p, true)
		var from []int
		tables, newest := map[string]bool{}, ""
		for k := range pairs {
			had, again := gone[k], 0
			for table := range had {
				if made[table] {
					again++
				}
			}
			if again == 0 || 2*again < len(had) {
				continue
			}
			from = append(from, k)
			for table := range had {
				tables[table] = true
			}
			for _, m := range pairs[k].base.Migrations {
				newest = newer(newest, number(m.Version))
			}
		}
		if n := repeats(p.head.Migrations, tables, newest); n > 0 {
			p.base = &adapter.Set{Source: p.source, Habits: p.head.Habits, Together: p.head.Together, Migrations: slices.Clone(p.head.Migrations[:n])}
			for _, k := range from {
				pairs[k].anew = &anew{dir: cmp.Or(p.source.Dir, "."), last: p.head.Migrations[n-1], n: n}
			}
		}
	}
}

// repeats counts the migrations at the beginning of a list that repeat what made
// some tables: those up to the newest version of the old ones, where both count
// in times, else up to the one that creates the last of the tables.
func repeats(list []*adapter.Migration, tables map[string]bool, newest string) int {
	const timestamp = 8 // digits: 20260131
	n := 0
	if len(newest) >= timestamp {
		for i, m := range list {
			if v := number(m.Version); len(v) == len(newest) && v <= newest {
				n = i + 1
			}
		}
	}
	if n > 0 {
		return n
	}
	for i, m := range list {
		for _, part := range m.Source.Parts {
			for _, c := range createTable.FindAllStringSubmatch(part.SQL, -1) {
				if name := tableName(c[2]); tables[name] {
					delete(tables, name) // a later one that creates it again is no repetition
					n = i + 1
				}
			}
		}
	}
	return n
}

// number is the digits that a version begins with.
func number(version string) string {
	return version[:len(version)-len(strings.TrimLeft(version, "0123456789"))]
}

// newer is the later of two numbers.
func newer(a, b string) string {
	if len(b) > len(a) || len(b) == len(a) && b > a {
		return b
	}
	return a
}
