package audit

import (
	"cmp"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
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
// have taken the other's place, but not that of one whose program is gone.
func beside(a, b pair) bool {
	return a.base != nil && b.base != nil || len(a.head.Migrations) > 0 && len(b.head.Migrations) > 0 || a.ended || b.ended
}

// endPairs marks the sources of modules of which the head has no file: a service that
// was given up, with its database.
func endPairs(pairs []pair, base, head adapter.Tree) {
	var moduleOf func(string) string
	for i := range pairs {
		p := &pairs[i]
		if p.base == nil || len(p.base.Migrations) == 0 || len(p.head.Migrations) > 0 || p.anew != nil {
			continue
		}
		if moduleOf == nil {
			moduleOf = modulesOf(base)
		}
		root := moduleOf(p.source.Dir)
		p.ended = root != "" && !slices.ContainsFunc(head.Paths(), func(file string) bool { return strings.HasPrefix(file, root+"/") })
	}
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
// text of the up migrations, because what a statement does depends on the schema that
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
	a.Summary.Baseline.Findings += b.Summary.Baseline.Findings
	a.Summary.Baseline.Errors += b.Summary.Baseline.Errors
	a.Summary.Withheld = cmp.Or(a.Summary.Withheld, b.Summary.Withheld)
	Conclude(a)
	return a
}
