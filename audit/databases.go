package audit

import (
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/onward"
)

// databases shares the sources of a repository out among databases, as indexes
// into pairs. Two sources that stand beside each other and each create a table of
// the same name cannot run in one: they belong to two services, or to two
// databases of one program. All others are taken to share one, because they may
// use each other's tables; so are all when the schema of the one is given.
func databases(pairs []pair, given bool) [][]int {
	if len(pairs) < 2 || given {
		all := make([]int, len(pairs))
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	made := make([]map[string]bool, len(pairs))
	var out [][]int
	for i, p := range pairs {
		made[i] = creates(p)
		at := slices.IndexFunc(out, func(members []int) bool {
			return !slices.ContainsFunc(members, func(k int) bool { return beside(pairs[k], p) && overlap(made[k], made[i]) })
		})
		if at < 0 {
			at, out = len(out), append(out, nil)
		}
		out[at] = append(out[at], i)
	}
	return out
}

// beside reports whether one of the trees has both sources; else the one may
// have taken the other's place.
func beside(a, b pair) bool {
	return a.base != nil && b.base != nil || len(a.head.Migrations) > 0 && len(b.head.Migrations) > 0
}

func overlap(a, b map[string]bool) bool {
	for table := range b {
		if a[table] {
			return true
		}
	}
	return false
}

// A table that is created for good and whatever there is, and one that goes: it
// may come back in another source.
var (
	createTable = regexp.MustCompile(`(?im)^[ \t]*create[ \t]+(?:unlogged[ \t]+)?table[ \t]+(if[ \t]+not[ \t]+exists[ \t]+)?([\w."]+)`)
	tableGoes   = regexp.MustCompile(`(?im)^[ \t]*(?:drop[ \t]+table[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)|alter[ \t]+table[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)[ \t]+(?:rename[ \t]+to|set[ \t]+schema)\b)`)
)

// creates lists the tables that a source creates and keeps. It is read from the
// text of the ways up, because what a statement does depends on the schema that
// it runs on.
func creates(p pair) map[string]bool { return created(p, false) }

// created is creates, of the tables too that are created where there are none:
// perhaps.
func created(p pair, perhaps bool) map[string]bool {
	out := map[string]bool{}
	seen := map[string]bool{}
	var texts []string
	for _, set := range []*adapter.Set{p.base, p.head} {
		if set == nil {
			continue
		}
		for _, m := range set.Migrations {
			if !seen[m.ID] {
				seen[m.ID] = true
				for _, part := range m.Source.Parts {
					texts = append(texts, part.SQL)
				}
			}
		}
	}
	for _, text := range texts {
		for _, m := range createTable.FindAllStringSubmatch(text, -1) {
			if m[1] == "" || perhaps {
				out[tableName(m[2])] = true
			}
		}
	}
	for _, text := range texts {
		for _, m := range tableGoes.FindAllStringSubmatch(text, -1) {
			delete(out, tableName(m[1]+m[2]))
		}
	}
	return out
}

// tableName is the name of a table in a text, for comparison.
func tableName(s string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(s, `"`, ""), "public."))
}

// moved finds the source of the base that is a source of the head under another
// directory: git sees its files move there under the names that they had. nil
// when there is none but those that are taken.
func moved(head adapter.Source, bases []adapter.Source, taken func(adapter.Source) bool, changes []gitrange.Change) *adapter.Source {
	var best *adapter.Source
	most := 0
	for i := range bases {
		b := &bases[i]
		if b.Framework != head.Framework || taken(*b) {
			continue
		}
		n := 0
		for _, c := range changes {
			if c.Kind != gitrange.Renamed || everywhere(path.Base(c.Path)) {
				continue
			}
			from, inBase := below(b.Dir, c.OldPath)
			to, inHead := below(head.Dir, c.Path)
			if inBase && inHead && from == to {
				n++
			}
		}
		if n > most {
			best, most = b, n
		}
	}
	return best
}

// movedAway reports whether git sees files of a source of the base move to a
// directory that the head has for another database, or for something else that is
// listed and not judged: what it was taken for at the base was a mistake.
func movedAway(base adapter.Source, listed []onward.Opaque, changes []gitrange.Change) bool {
	return slices.ContainsFunc(changes, func(c gitrange.Change) bool {
		from, in := below(base.Dir, c.OldPath)
		return c.Kind == gitrange.Renamed && in && base.Dir != "" && !everywhere(path.Base(c.Path)) && slices.ContainsFunc(listed, func(o onward.Opaque) bool {
			to, in := below(o.Path, c.Path)
			return in && from == to
		})
	})
}

// everywhere reports whether a file stands in every directory of its kind, so
// that git takes it for another's.
func everywhere(name string) bool {
	switch name {
	case "migration_lock.toml", "__init__.py", "metadata.toml", "_journal.json":
		return true
	}
	return strings.HasPrefix(name, ".")
}

// below is a path as it is named from a directory that holds it.
func below(dir, file string) (string, bool) {
	if dir == "" {
		return file, true
	}
	return strings.CutPrefix(file, dir+"/")
}

// merged is the report on two databases.
func merged(a, b *onward.Report) *onward.Report {
	if a == nil {
		return b
	}
	a.Migrations = append(a.Migrations, b.Migrations...)
	a.Findings = append(a.Findings, b.Findings...)
	a.Opaque = append(a.Opaque, b.Opaque...)
	a.Summary.Migrations += b.Summary.Migrations
	a.Summary.Statements += b.Summary.Statements
	a.Summary.Suppressed += b.Summary.Suppressed
	Conclude(a)
	return a
}
