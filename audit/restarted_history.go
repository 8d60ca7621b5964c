package audit

import (
	"cmp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
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

// compareReplacedMigrations compares the migrations that a new one replaces (replaces = [...] in Django) with those that databases have: directly, or
// through another one that replaces them. recorded is set if the runner records the new one as applied and does not run it: databases
// have all of them, or some, and files of the head bring the others. lacking are those that neither databases nor files have, if
// databases have some. Then the runner leaves the new one out.
func compareReplacedMigrations(m *adapter.Migration, base map[string]*adapter.Migration, head map[string]bool) (recorded bool, ran string, lacking []string) {
	if len(m.Replaces) == 0 || m.Failed != "" {
		return false, "", nil
	}
	applied := map[string]bool{}
	for id, old := range base {
		applied[id] = true
		for _, replaced := range old.Replaces {
			applied[replaced] = true
		}
	}
	for _, id := range m.Replaces {
		switch {
		case applied[id]:
			ran = id
		case !head[id]:
			lacking = append(lacking, id)
		}
	}
	if ran == "" {
		return false, "", nil
	}
	return len(lacking) == 0, ran, lacking
}

// recordPartialSquash reports a migration that the runner leaves out: a database has only a part of those that it replaces.
func (c *comparison) recordPartialSquash(m *adapter.Migration, ran string, lacking []string, habit string) {
	c.history = append(c.history, history.Change{Kind: history.Refused, Migration: m.ID, Path: m.Path, Line: 1, Refusal: &history.Refusal{
		Line: 1, Column: 1,
		Message: m.ID + " replaces " + ran + ", which the base has, and " + prose.JoinNames(lacking) + ", which neither the base nor a file has",
		Harm:    habit,
		Instead: "put the files of " + prose.JoinNames(lacking) + " back until every database has run them",
	}})
}

// replacesList matches the list of replaced migrations in a squashed one.
var replacesList = lazyregexp.New(`(?m)^[ \t]*replaces\s*=\s*[\[(][^=]*?[\])][ \t]*$`)

// isSquashCleanup reports whether the only edit is that a squashed migration no longer lists the migrations that it
// replaced. This is the last step of squashing: Django recorded the migration as applied when the base ran.
func isSquashCleanup(old, m *adapter.Migration) bool {
	if len(old.Replaces) == 0 || len(m.Replaces) > 0 {
		return false
	}
	plain := func(s string) string {
		return strings.Join(strings.Fields(replacesList.ReplaceAllString(s, "")), " ")
	}
	return plain(old.Source.Text) == plain(m.Source.Text)
}
