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

// journal is Drizzle's list of migrations, by their tags: the names of their
// files, without the ending. It gives each a time.
type journal map[string]int64

// journalFile is where it stands in a directory. Since 1.0 there is none: the
// names of the directories tell.
const journalFile = "meta/_journal.json"

// journalOf is a directory's journal, read once; nil where it has none.
func journalOf(t adapter.Tree, dir string) journal {
	return adapter.Once(t, "drizzle journal "+dir, func() journal { return readJournal(t, dir) })
}

func readJournal(t adapter.Tree, dir string) journal {
	p := path.Join(dir, journalFile)
	if !adapter.Has(t, p) {
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

// leads reports whether the journal is what a directory is run by, and not what is
// left of a beginning: it names half of the files, or all but a few.
func (j journal) leads(names []string) bool {
	left := 0
	for _, n := range names {
		if _, ok := j[stem(n)]; !ok {
			left++
		}
	}
	return j != nil && (len(j) == 0 || left <= forgotten || 2*left <= len(names))
}

// forgotten is how many files a journal may leave out by mistake, whatever else it
// names.
const forgotten = 2

// order puts Drizzle's migrations in the order of the times that its journal gives
// them, which is what tells it what is pending. One that the journal does not name
// never runs: it is told of, and judged as it is meant, unless one that runs does
// the same.
func (j journal) order(set *adapter.Set) {
	if len(j) == 0 {
		return
	}
	if gone := j.missing(set); len(gone) > 0 {
		set.Problems = append(set.Problems, adapter.Problem{Path: path.Join(set.Source.Dir, journalFile), Refusal: refusal(
			"Drizzle's journal names "+gone[0]+", and there is no such file",
			"Drizzle refuses to run: \"No file "+path.Join(set.Source.Dir, gone[0])+".sql found\"",
			"put the file back, or take its entry out of the journal")})
	}
	all := true
	var unnamed []*adapter.Migration
	run := map[string]bool{} // statements of those that run
	for _, m := range set.Migrations {
		if _, ok := j[m.ID]; ok {
			for _, text := range broken(m) {
				run[text] = true
			}
			continue
		}
		unnamed = append(unnamed, m)
		set.Problems = append(set.Problems, adapter.Problem{Path: m.Path, Refusal: refusal(
			path.Base(m.Path)+" is not in Drizzle's journal, "+journalFile,
			"Drizzle runs what the journal names: the migration never runs, and nothing says so",
			"add its entry to the journal, or make it with drizzle-kit generate --custom")})
	}
	for _, m := range unnamed {
		if slices.ContainsFunc(broken(m), func(text string) bool { return run[text] }) {
			set.Migrations = slices.DeleteFunc(set.Migrations, func(x *adapter.Migration) bool { return x == m })
			continue
		}
		all = false
	}
	if all {
		slices.SortStableFunc(set.Migrations, func(a, b *adapter.Migration) int { return cmp.Compare(j[a.ID], j[b.ID]) })
		set.Habits.OutOfOrder = "Drizzle skips it: in its journal it is older than one that was applied"
	}
}

// breakpoint is what parts the statements of a file for Drizzle, with a semicolon in
// front of it or without one.
const breakpoint = "--> statement-breakpoint"

// pieces are the offsets of what Drizzle sends by itself.
func pieces(text string) [][2]int {
	var out [][2]int
	from := 0
	for part := range strings.SplitSeq(text, breakpoint) {
		out = append(out, [2]int{from, from + len(part)})
		from += len(part) + len(breakpoint)
	}
	return out
}

// broken are the statements of a file, as Drizzle's breakpoints part them.
func broken(m *adapter.Migration) []string {
	var out []string
	for _, p := range pieces(m.Source.Text) {
		if text := strings.TrimRight(strings.TrimSpace(m.Source.Text[p[0]:p[1]]), ";"); text != "" {
			out = append(out, text)
		}
	}
	return out
}

// missing are the migrations that the journal names and that have no file, in its
// order.
func (j journal) missing(set *adapter.Set) []string {
	gone := maps.Clone(j)
	for _, m := range set.Migrations {
		delete(gone, m.ID)
	}
	return slices.SortedFunc(maps.Keys(gone), func(a, b string) int { return cmp.Or(cmp.Compare(j[a], j[b]), cmp.Compare(a, b)) })
}

// left says of a journal that does not lead what its directory was taken for. What
// it names and is not there has made a schema that nobody sees.
func (j journal) left(set *adapter.Set) {
	if j == nil || len(set.Migrations) == 0 {
		return
	}
	gone := j.missing(set)
	o := onward.Opaque{
		Path: path.Join(set.Source.Dir, journalFile), What: "Drizzle's journal",
		Why: fmt.Sprintf("it names %d of %d files: something else was taken to run them, statement by statement; Drizzle would run no other", len(j)-len(gone), len(set.Migrations)),
	}
	if len(gone) == 0 {
		set.Opaque = append(set.Opaque, o)
		return
	}
	o.Why += "; what " + gone[0] + " does is not seen, as it is not there"
	first := set.Migrations[0]
	first.Opaque = append(first.Opaque, o)
}
