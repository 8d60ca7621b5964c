package audit

import (
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// findRenames finds migrations of the base that the head has under another ID: with the same
// content, or a rename according to git. The result has the old migration by the new ID.
func findRenames(p pair, base map[string]*adapter.Migration, head map[string]bool, changes []gitrange.Change) map[string]*adapter.Migration {
	byHash, byPath := map[string]*adapter.Migration{}, map[string]*adapter.Migration{}
	for id, m := range base {
		if !head[id] {
			byHash[m.Hash] = m
			byPath[m.Path] = m
		}
	}
	from := map[string]string{}
	for _, c := range changes {
		if c.Kind == gitrange.Renamed {
			from[c.Path] = c.OldPath
		}
	}
	out := map[string]*adapter.Migration{}
	for _, m := range p.head.Migrations {
		if base[m.ID] != nil || m.Hash == "" || m.Repeatable || m.Baseline || len(m.Replaces) > 0 {
			continue // it is configured to run again, runs in new databases only, or lists itself what it replaces
		}
		if old := byHash[m.Hash]; old != nil {
			out[m.ID] = old
		} else if old := byPath[from[m.Path]]; old != nil && haveSameStatements(old, m) {
			out[m.ID] = old
		}
	}
	addRenumbered(p, base, head, out)
	return out
}

// addRenumbered adds migrations to renames that kept their name except its number, and were
// edited too. If there are few, half of their statements must be the same. If many others
// have another number, the name alone is enough.
func addRenumbered(p pair, base map[string]*adapter.Migration, head map[string]bool, renames map[string]*adapter.Migration) {
	if p.base == nil || all.Traits(p.source.Framework).Graph {
		return
	}
	renamedFrom := map[*adapter.Migration]bool{}
	for _, old := range renames {
		renamedFrom[old] = true
	}
	// The key is the part after the number; nil if two have the same.
	removed, come := map[string]*adapter.Migration{}, map[string]*adapter.Migration{}
	note := func(in map[string]*adapter.Migration, m *adapter.Migration) {
		if name := trimNumber(m.ID); name != "" && !m.Repeatable {
			if _, exists := in[name]; exists {
				m = nil
			}
			in[name] = m
		}
	}
	for _, m := range p.base.Migrations {
		if !head[m.ID] && !renamedFrom[m] {
			note(removed, m)
		}
	}
	for _, m := range p.head.Migrations {
		if base[m.ID] == nil && renames[m.ID] == nil && len(m.Replaces) == 0 {
			note(come, m)
		}
	}
	hasManyRenames := len(renames) >= manyRenames
	for name, m := range come {
		if old := removed[name]; old != nil && m != nil && (hasManyRenames || shareHalfOfStatements(old, m)) {
			renames[m.ID] = old
		}
	}
}

// manyRenames is how many migrations that only changed their number show that a whole
// directory was renumbered.
const manyRenames = 3

// numbered matches a migration's leading number, Flyway's with its letter, and its name.
var numbered = lazyregexp.New(`^V?\d[\d._-]*(.*\pL.*)$`)

// trimNumber returns the name of a migration without its leading number: "" if it has no
// number, or nothing else.
func trimNumber(id string) string {
	if m := numbered.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// shareHalfOfStatements reports whether at least half of the statements of a migration are also in
// another.
func shareHalfOfStatements(old, m *adapter.Migration) bool {
	oldSQL := map[string]bool{}
	for _, s := range normalizeStatements(old) {
		oldSQL[s.sql] = true
	}
	now, shared := normalizeStatements(m), 0
	for _, s := range now {
		if oldSQL[s.sql] {
			shared++
		}
	}
	return shared > 0 && 2*shared >= len(now)
}

// haveSameStatements reports whether two migrations have the same statements. A rename according to
// git may be another migration made from the same template.
func haveSameStatements(old, m *adapter.Migration) bool {
	_, cosmetic := firstDifference(old, m)
	return cosmetic && len(normalizeStatements(m)) > 0
}
