package audit

import (
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
)

// standsFor reports whether a new migration replaces migrations that the base has,
// all of them: its runner notes it as applied and does not run it, whether their
// files are still there or not.
func standsFor(m *adapter.Migration, base map[string]*adapter.Migration) bool {
	for _, id := range m.Replaces {
		if base[id] == nil {
			return false
		}
	}
	return len(m.Replaces) > 0
}

// noted is a migration that the runner notes and does not run. Where the ones that
// it replaces are gone, the adapter gives what it does in an empty database.
func noted(m *adapter.Migration) *adapter.Migration {
	out := *m
	out.Source.Parts, out.Opaque, out.Elsewhere = []script.Part{}, nil, nil
	return &out
}

// What a squashed migration says of those that it replaces.
var replacesList = regexp.MustCompile(`(?m)^[ \t]*replaces\s*=\s*[\[(][^=]*?[\])][ \t]*$`)

// unsquashed reports whether all that was edited is that a squashed migration no
// longer says what it replaced: the last step of squashing, for which Django noted
// the migration when the base ran.
func unsquashed(old, m *adapter.Migration) bool {
	if len(old.Replaces) == 0 || len(m.Replaces) > 0 {
		return false
	}
	plain := func(s string) string {
		return strings.Join(strings.Fields(replacesList.ReplaceAllString(s, "")), " ")
	}
	return plain(old.Source.Text) == plain(m.Source.Text)
}
