package audit

import (
	"regexp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/all"
	"github.com/onward-sql/onward/internal/gitrange"
)

// renames finds migrations of the base that the head has under another ID:
// the same content, or what git calls a rename.
func renames(p pair, base map[string]*adapter.Migration, head map[string]bool, changes []gitrange.Change) map[string]*adapter.Migration {
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
		if base[m.ID] != nil || m.Hash == "" || m.Repeatable || len(m.Replaces) > 0 {
			continue // it is made to run again, or says itself what it stands for
		}
		if old := byHash[m.Hash]; old != nil {
			out[m.ID] = old
		} else if old := byPath[from[m.Path]]; old != nil && alike(old, m) {
			out[m.ID] = old
		}
	}
	renumbered(p, base, head, out)
	return out
}

// renumbered adds to renames the migrations that kept their name but for its
// number, and were edited besides: of few, half of the statements are what they
// were; where many others have another number, the name alone tells.
func renumbered(p pair, base map[string]*adapter.Migration, head map[string]bool, renames map[string]*adapter.Migration) {
	if p.base == nil || all.Traits(p.source.Framework).Graph {
		return
	}
	taken := map[*adapter.Migration]bool{}
	for _, old := range renames {
		taken[old] = true
	}
	// By what follows the number; nil where two have the same.
	gone, come := map[string]*adapter.Migration{}, map[string]*adapter.Migration{}
	note := func(in map[string]*adapter.Migration, m *adapter.Migration) {
		if name := unnumbered(m.ID); name != "" && !m.Repeatable {
			if _, twice := in[name]; twice {
				m = nil
			}
			in[name] = m
		}
	}
	for _, m := range p.base.Migrations {
		if !head[m.ID] && !taken[m] {
			note(gone, m)
		}
	}
	for _, m := range p.head.Migrations {
		if base[m.ID] == nil && renames[m.ID] == nil && len(m.Replaces) == 0 {
			note(come, m)
		}
	}
	many := len(renames) >= manyRenames
	for name, m := range come {
		if old := gone[name]; old != nil && m != nil && (many || halfAlike(old, m)) {
			renames[m.ID] = old
		}
	}
}

// manyRenames is how many migrations with another number, and nothing else
// changed, say that a whole directory was numbered anew.
const manyRenames = 3

// numbered are a migration's number in front, Flyway's with its letter, and its name.
var numbered = regexp.MustCompile(`^V?\d[\d._-]*(.*\pL.*)$`)

// unnumbered is the name of a migration without the number in front: "" where it
// has no number, or is nothing else.
func unnumbered(id string) string {
	if m := numbered.FindStringSubmatch(id); m != nil {
		return m[1]
	}
	return ""
}

// halfAlike reports whether half of the statements of a migration, or more, are
// those of another.
func halfAlike(old, m *adapter.Migration) bool {
	had := map[string]bool{}
	for _, s := range statements(old) {
		had[s.sql] = true
	}
	now, same := statements(m), 0
	for _, s := range now {
		if had[s.sql] {
			same++
		}
	}
	return same > 0 && 2*same >= len(now)
}

// alike reports whether two migrations have the same statements. What git
// calls a rename may be another migration made from the same template.
func alike(old, m *adapter.Migration) bool {
	_, cosmetic := firstDifference(old, m)
	return cosmetic && len(statements(m)) > 0
}
