package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/prose"
)

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
