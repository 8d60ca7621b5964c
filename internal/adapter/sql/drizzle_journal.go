package sql

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// journal is Drizzle's list of migrations. It maps each tag, which is a file's name
// without its extension, to a time.
type journal map[string]int64

// journalFile is the journal's path in a directory. Since 1.0 there is none: the names of
// the directories have the times.
const journalFile = "meta/_journal.json"

// loadJournal returns a directory's journal, read once; nil if it has none.
func loadJournal(t adapter.Tree, dir string) journal {
	return adapter.Memoize(t, "drizzle journal "+dir, func() journal { return readJournal(t, dir) })
}

// readDrizzleDialect returns the dialect that a directory's journal names.
func readDrizzleDialect(t adapter.Tree, dir string) string {
	var list struct {
		Dialect string `json:"dialect"`
	}
	text, err := t.Read(path.Join(dir, journalFile))
	if err != nil || json.Unmarshal(text, &list) != nil {
		return ""
	}
	return list.Dialect
}

func readJournal(t adapter.Tree, dir string) journal {
	p := path.Join(dir, journalFile)
	if !adapter.HasFile(t, p) {
		return nil
	}
	var list struct {
		Entries []struct {
			Tag  string `json:"tag"`
			When int64  `json:"when"`
		} `json:"entries"`
	}
	out := journal{}
	if json.Unmarshal([]byte(adapter.ReadFile(t, p).Text), &list) == nil {
		for _, e := range list.Entries {
			out[e.Tag] = e.When
		}
	}
	return out
}

// controlsOrder reports whether the journal controls what runs, and is not a leftover: it names
// half of the files, or all but a few.
func (j journal) controlsOrder(names []string) bool {
	left := 0
	for _, n := range names {
		if _, ok := j[trimExtension(n)]; !ok {
			left++
		}
	}
	return j != nil && (len(j) == 0 || left <= forgotten || 2*left <= len(names))
}

// forgotten is how many files a journal may omit by mistake, however many it names.
const forgotten = 2

// sortByJournal sorts Drizzle's migrations by the times in its journal, which decide which ones
// are pending. A migration that the journal does not name never runs. It is reported, and
// still judged, unless a migration that runs has the same statements.
func (j journal) sortByJournal(set *adapter.Set) {
	if len(j) == 0 {
		return
	}
	if missingNames := j.missingFiles(set); len(missingNames) > 0 {
		set.Problems = append(set.Problems, adapter.Problem{Path: path.Join(set.Source.Dir, journalFile), Refusal: newFileRefusal(
			"Drizzle's journal names "+missingNames[0]+", and there is no such file",
			"Drizzle refuses to run: \"No file "+path.Join(set.Source.Dir, missingNames[0])+".sql found\"",
			"put the file back, or take its entry out of the journal")})
	}
	all := true
	var unnamed []*adapter.Migration
	run := map[string]bool{} // statements of the migrations that run
	for _, m := range set.Migrations {
		if _, ok := j[m.ID]; ok {
			for _, text := range breakpointStatements(m) {
				run[text] = true
			}
			continue
		}
		unnamed = append(unnamed, m)
		set.Problems = append(set.Problems, adapter.Problem{Path: m.Path, Refusal: newFileRefusal(
			path.Base(m.Path)+" is not in Drizzle's journal, "+journalFile,
			"Drizzle runs what the journal names: the migration never runs, and nothing says so",
			"add its entry to the journal, or make it with drizzle-kit generate --custom")})
	}
	for _, m := range unnamed {
		if slices.ContainsFunc(breakpointStatements(m), func(text string) bool { return run[text] }) {
			set.Migrations = slices.DeleteFunc(set.Migrations, func(x *adapter.Migration) bool { return x == m })
			continue
		}
		all = false
	}
	for _, m := range set.Migrations {
		m.Order = j[m.ID]
	}
	if all {
		slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int { return cmp.Compare(j[a.ID], j[b.ID]) })
		set.HistoryBehavior.OutOfOrder = drizzleSkips
	}
}

const drizzleSkips = "Drizzle skips it: in its journal it is older than one that was applied"

// breakpoint separates the statements of a file for Drizzle, with or without a semicolon
// before it.
const breakpoint = "--> statement-breakpoint"

// cutAtBreakpoints returns the offsets of the texts that Drizzle sends one by one.
func cutAtBreakpoints(text string) [][2]int {
	var out [][2]int
	from := 0
	for part := range strings.SplitSeq(text, breakpoint) {
		out = append(out, [2]int{from, from + len(part)})
		from += len(part) + len(breakpoint)
	}
	return out
}

// breakpointStatements returns the statements of a file, as Drizzle's breakpoints separate them.
func breakpointStatements(m *adapter.Migration) []string {
	var out []string
	for _, p := range cutAtBreakpoints(m.Source.Text) {
		if text := strings.TrimRight(strings.TrimSpace(m.Source.Text[p[0]:p[1]]), ";"); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// missingFiles lists the migrations that the journal names and that have no file, in the
// journal's order.
func (j journal) missingFiles(set *adapter.Set) []string {
	missingEntries := maps.Clone(j)
	for _, m := range set.Migrations {
		delete(missingEntries, m.ID)
	}
	return slices.SortedFunc(maps.Keys(missingEntries), func(a, b string) int { return cmp.Or(cmp.Compare(j[a], j[b]), cmp.Compare(a, b)) })
}

// reportLeftover reports a journal that does not control its directory. Files that it names and
// that do not exist have created a schema that cannot be judged here.
func (j journal) reportLeftover(set *adapter.Set) {
	if j == nil || len(set.Migrations) == 0 {
		return
	}
	missingNames := j.missingFiles(set)
	o := onward.Opaque{
		Path: path.Join(set.Source.Dir, journalFile), What: "Drizzle's journal",
		Why: fmt.Sprintf("it names %d of %d files, and Drizzle would run no other: onward assumes that another tool runs them, statement by statement",
			len(j)-len(missingNames), len(set.Migrations)),
	}
	if len(missingNames) == 0 {
		set.Opaque = append(set.Opaque, o)
		return
	}
	o.Why += "; what " + missingNames[0] + " does is not seen, as it is not there"
	first := set.Migrations[0]
	first.Opaque = append(first.Opaque, o)
}
