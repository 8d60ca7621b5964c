package audit

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// isNoted reports whether a new migration replaces only migrations that the base has, directly or through another one
// that replaces them: its statements have run. Its runner records it as applied and does not run it, whether the
// replaced files still exist or not.
func isNoted(m *adapter.Migration, base map[string]*adapter.Migration) bool {
	if len(m.Replaces) == 0 || m.Failed != "" {
		return false
	}
	ran := map[string]bool{}
	for id, old := range base {
		ran[id] = true
		for _, replaced := range old.Replaces {
			ran[replaced] = true
		}
	}
	return !slices.ContainsFunc(m.Replaces, func(id string) bool { return !ran[id] })
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
