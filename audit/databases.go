package audit

import (
	"cmp"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/code/deployed"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// groupDatabases groups the sources of a repository by database, as indexes into pairs: with [[0 2] [1]] the pairs 0 and 2 share one. Two
// sources that exist side by side and each create a table or type of the same name cannot run in
// one database: they belong to two services, or to two databases of one program. So do those whose projects name two databases. If
// they surely name one, only what the base has in both tells the databases apart. All
// others are assumed to share one, because they may use each other's tables: if several can be theirs, with the
// sources in the nearest directories. All share one if its schema is given.
func groupDatabases(pairs []pair, declared []declaredDatabase, isSchemaGiven bool) [][]int {
	if len(pairs) < 2 || isSchemaGiven {
		all := make([]int, len(pairs))
		for i := range all {
			all[i] = i
		}
		return [][]int{all}
	}
	headNames, baseNames := make([]map[string]bool, len(pairs)), make([]map[string]bool, len(pairs))
	var sorted, tableless []int // the sources without a table of their own are last
	for i, p := range pairs {
		baseNames[i] = findCreatedNames(pair{base: p.base})
		if headNames[i] = findCreatedNames(p); len(headNames[i]) > 0 {
			sorted = append(sorted, i)
		} else {
			tableless = append(tableless, i)
		}
	}
	var out [][]int
	for _, i := range append(sorted, tableless...) {
		nearest, common := -1, -1
		for database, members := range out {
			if slices.ContainsFunc(members, func(k int) bool {
				common := haveCommonKey(headNames[k], headNames[i])
				if declared[k].isSameDatabase(declared[i]) {
					common = haveCommonKey(baseNames[k], baseNames[i]) // one that this release makes fails in the shared database
				}
				return existTogether(pairs[k], pairs[i]) && (common || declared[k].isOtherDatabase(declared[i]))
			}) {
				continue
			}
			for _, k := range members {
				n := adapter.CountCommonDirs(pairs[k].source.Dir, pairs[i].source.Dir)
				if declared[k].isSameDatabase(declared[i]) {
					n = math.MaxInt
				}
				if n > common {
					nearest, common = database, n
				}
			}
		}
		if nearest < 0 {
			nearest, out = len(out), append(out, nil)
		}
		out[nearest] = append(out[nearest], i)
	}
	for _, members := range out {
		slices.Sort(members)
	}
	slices.SortFunc(out, slices.Compare)
	return out
}

// existTogether reports whether one of the trees has both sources. Otherwise one may have
// replaced the other, unless the program of the other is gone.
func existTogether(a, b pair) bool {
	return a.base != nil && b.base != nil || len(a.head.Migrations) > 0 && len(b.head.Migrations) > 0 || a.ended || b.ended
}

// markEndedPairs marks the sources of modules without any file at the head: a service that was
// removed, with its database.
func markEndedPairs(pairs []pair, base, head adapter.Tree) {
	var moduleOf func(string) string
	for i := range pairs {
		p := &pairs[i]
		if p.base == nil || len(p.base.Migrations) == 0 || len(p.head.Migrations) > 0 || p.restarted != nil {
			continue
		}
		if moduleOf == nil {
			moduleOf = deployed.FindModules(base)
		}
		root := moduleOf(p.source.Dir)
		p.ended = root != "" && !slices.ContainsFunc(head.Paths(), func(file string) bool { return strings.HasPrefix(file, root+"/") })
	}
}

func haveCommonKey(a, b map[string]bool) bool {
	for table := range b {
		if a[table] {
			return true
		}
	}
	return false
}

// A table that is created unconditionally, and one that is dropped: it may be created
// again in another source.
var (
	createTable = lazyregexp.New(`(?i)^create[ \t]+(?:unlogged[ \t]+)?table[ \t]+(if[ \t]+not[ \t]+exists[ \t]+)?([\w."]+)`)
	tableGoes   = lazyregexp.New(`(?i)^(?:drop[ \t]+table[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)|alter[ \t]+table[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)[ \t]+(?:rename[ \t]+to|set[ \t]+schema)\b)`)
)

// Other names that a second source cannot create in one database. A function belongs to its list of arguments.
var (
	createName = lazyregexp.New(`(?i)^create[ \t]+(?:type|domain|sequence|view|materialized[ \t]+view)[ \t]+(if[ \t]+not[ \t]+exists[ \t]+)?([\w."]+)` +
		`|^create[ \t]+function[ \t]+([\w."]+[ \t]*\([^()]*\))`)
	nameGoes = lazyregexp.New(`(?i)^(?:drop|alter)[ \t]+(?:type|domain|sequence|view|materialized[ \t]+view)[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)` +
		`(?:[ \t]*(;|,|cascade|restrict|rename[ \t]+to|set[ \t]+schema)|$)`)
	functionGoes = lazyregexp.New(`(?i)^(?:drop|alter)[ \t]+function[ \t]+(?:if[ \t]+exists[ \t]+)?([\w."]+)`)
)

// findCreatedNames returns the tables, types, sequences, views and functions that a source creates and keeps. A file that expects a name to be there
// already, and goes on, creates none.
func findCreatedNames(p pair) map[string]bool {
	out := findSurelyCreatedTables(p)
	texts := listUpTexts(p)
	for _, text := range texts {
		if strings.Contains(strings.ToLower(text), "duplicate_") {
			continue
		}
		for line := range linesStartingWith(text, "cC") {
			if m := createName.FindStringSubmatch(line); m != nil && m[1] == "" {
				out[normalizeTableName(m[2]+m[3])] = true
			}
		}
	}
	for _, text := range texts {
		for line := range linesStartingWith(text, "dDaA") {
			if m := nameGoes.FindStringSubmatch(line); m != nil {
				delete(out, normalizeTableName(m[1]))
			}
			if m := functionGoes.FindStringSubmatch(line); m != nil {
				for name := range out {
					if before, _, isFunction := strings.Cut(name, "("); isFunction && strings.TrimSpace(before) == normalizeTableName(m[1]) {
						delete(out, name)
					}
				}
			}
		}
	}
	return out
}

// findSurelyCreatedTables returns the tables that a source creates and keeps. It reads the text of the up
// migrations, because the effect of a statement depends on the schema on which it runs.
func findSurelyCreatedTables(p pair) map[string]bool { return findCreatedTables(p, false) }

// findCreatedTables returns the tables that a source creates and keeps; if perhaps is set, also those that it creates only if
// they do not exist.
func findCreatedTables(p pair, perhaps bool) map[string]bool {
	out := map[string]bool{}
	texts := listUpTexts(p)
	for _, text := range texts {
		for table := range listTableCreations(text, perhaps) {
			out[table] = true
		}
	}
	for _, text := range texts {
		for line := range linesStartingWith(text, "dDaA") {
			if m := tableGoes.FindStringSubmatch(line); m != nil {
				delete(out, normalizeTableName(m[1]+m[2]))
			}
		}
	}
	return out
}

// listUpTexts returns the texts of a source's up migrations at both revisions.
func listUpTexts(p pair) []string {
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
	return texts
}

// linesStartingWith returns the lines of a text that begin, after spaces and tabs, with one of some letters. A pattern for each
// line is much faster than one for the text.
func linesStartingWith(text, letters string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			line = strings.TrimLeft(line, " \t")
			if line != "" && strings.IndexByte(letters, line[0]) >= 0 && !yield(line) {
				return
			}
		}
	}
}

// listTableCreations returns the tables that a text creates, also those that it creates only if they do not exist if perhaps is set.
func listTableCreations(text string, perhaps bool) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range linesStartingWith(text, "cC") {
			if m := createTable.FindStringSubmatch(line); m != nil && (m[1] == "" || perhaps) && !yield(normalizeTableName(m[2])) {
				return
			}
		}
	}
}

// normalizeTableName returns the name of a table in a text, for comparison.
func normalizeTableName(s string) string {
	return strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(s, `"`, ""), "public."))
}

// mergeReports combines the reports on two databases.
func mergeReports(a, b *onward.Report) *onward.Report {
	if a == nil {
		return b
	}
	a.Migrations = append(a.Migrations, b.Migrations...)
	a.Findings = append(a.Findings, b.Findings...)
	a.Opaque = append(a.Opaque, b.Opaque...)
	a.Weakened = append(a.Weakened, b.Weakened...)
	a.Summary.Migrations += b.Summary.Migrations
	a.Summary.Statements += b.Summary.Statements
	a.Summary.Suppressed += b.Summary.Suppressed
	a.Summary.Baseline.Findings += b.Summary.Baseline.Findings
	a.Summary.Baseline.Errors += b.Summary.Baseline.Errors
	a.Summary.Withheld = cmp.Or(a.Summary.Withheld, b.Summary.Withheld)
	Conclude(a)
	return a
}
