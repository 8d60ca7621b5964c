package adapter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// Detect asks every adapter for its sources and lists them by directory, the
// surest first. Examples and tests, and what an adapter knows to stand aside, count
// only in a repository that has nothing else. Migrations for another database are not judged as Postgres': they are
// reported.
func Detect(t Tree, adapters []Adapter) ([]Source, []onward.Opaque) {
	var all []Source
	primary := false
	secondary := func(dir string) bool {
		return secondary(dir) || slices.ContainsFunc(adapters, func(a Adapter) bool {
			x, ok := a.(interface{ Aside(dir string) bool })
			return ok && x.Aside(dir)
		})
	}
	Dirs(t, ".sql") // which most of them ask for
	found := make([][]Source, len(adapters))
	Each(len(adapters), func(i int) { found[i] = adapters[i].Detect(t) })
	for _, list := range found {
		for _, s := range list {
			all = append(all, s)
			primary = primary || !secondary(s.Dir)
		}
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return primary && secondary(s.Dir) })
	// Who knows the runner knows the database.
	surest := map[string]int{}
	for _, s := range all {
		if s.Foreign != "" {
			surest[s.Dir] = max(surest[s.Dir], s.Score)
		}
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return s.Foreign == "" && s.Score < surest[s.Dir] })
	Each(len(all), func(i int) {
		if all[i].Foreign == "" {
			all[i].Foreign = foreignDatabase(t, all[i])
		}
	})
	var sources []Source
	var opaque []onward.Opaque
	told := map[string]bool{}
	for _, s := range all {
		if s.Foreign == "" {
			sources = append(sources, s)
			continue
		}
		if !told[s.Dir] {
			told[s.Dir] = true
			opaque = append(opaque, onward.Opaque{
				Path: orRoot(s.Dir), What: "migrations for " + s.Foreign,
				Why: "only Postgres is judged; if they are for Postgres, name the directory in onward.yaml",
			})
		}
	}
	slices.SortStableFunc(sources, func(a, b Source) int {
		if c := strings.Compare(a.Dir, b.Dir); c != 0 {
			return c
		}
		return b.Score - a.Score
	})
	return sources, opaque
}

// Choose leaves one source for each directory: the surest. Two frameworks that
// are equally sure of one directory are reported as input that could not be
// understood, and the first of them is taken.
func Choose(sources []Source) ([]Source, []onward.Opaque) {
	var out []Source
	var opaque []onward.Opaque
	for i := 0; i < len(sources); {
		best, n := sources[i], 1
		var equal []Source
		for ; i+n < len(sources) && sources[i+n].Dir == best.Dir; n++ {
			switch s := sources[i+n]; {
			case s.Score > best.Score:
				best, equal = s, nil
			case s.Score == best.Score:
				equal = append(equal, s)
			}
		}
		i += n
		out = append(out, best)
		if len(equal) == 0 {
			continue
		}
		names := best.Framework + " (" + best.Why + ")"
		for _, s := range equal {
			names += " and " + s.Framework + " (" + s.Why + ")"
		}
		opaque = append(opaque, onward.Opaque{
			Path: orRoot(best.Dir), Failed: true,
			What: fmt.Sprintf("%d frameworks in one directory: %s", len(equal)+1, names),
			Why:  "it was read as " + best.Framework + "; say in onward.yaml which framework the directory belongs to",
		})
	}
	// Directories may be numbered, as files are: "9" comes before "10".
	slices.SortStableFunc(out, func(a, b Source) int { return Natural(a.Dir, b.Dir) })
	return out, opaque
}

func orRoot(dir string) string {
	if dir == "" {
		return "."
	}
	return dir
}

// NotFoundError says that a tree has no migrations, what was looked for, and
// what was seen instead.
type NotFoundError struct {
	// Tree is the tree's name.
	Tree string
	// Looked has a line for each adapter: its name and what it looks for.
	Looked []string
	// Seen are directories with SQL files that no adapter claims, with the
	// number of files; Skipped are those for other databases.
	Seen    []string
	Skipped []onward.Opaque
	// Unread are directories of other tools' migrations.
	Unread []Unread
}

// NotFound makes the error for a tree in which Detect found no source.
func NotFound(t Tree, adapters []Adapter, skipped []onward.Opaque) *NotFoundError {
	e := &NotFoundError{Tree: t.Name(), Skipped: skipped, Unread: UnreadIn(t)}
	for _, a := range adapters {
		line := a.Name()
		if l, ok := a.(interface{ Looks() string }); ok {
			line += ": " + l.Looks()
		}
		e.Looked = append(e.Looked, line)
	}
	for _, d := range Dirs(t, ".sql") {
		e.Seen = append(e.Seen, fmt.Sprintf("%s (%s)", orRoot(d.Path), countFiles(len(d.Names))))
	}
	return e
}

// countFiles is "1 file", "3 files".
func countFiles(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// Error is the whole story, in lines.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	for _, u := range e.Unread {
		fmt.Fprintln(&b, u)
	}
	fmt.Fprintf(&b, "no migrations found in %s; looked in every directory but node_modules, vendor and the like for\n", e.Tree)
	for _, line := range e.Looked {
		b.WriteString("  " + line + "\n")
	}
	for _, o := range e.Skipped {
		fmt.Fprintf(&b, "%s holds %s, and only Postgres is judged\n", o.Path, o.What)
	}
	if len(e.Seen) > 0 {
		const most = 5
		seen := strings.Join(e.Seen[:min(most, len(e.Seen))], ", ")
		if more := len(e.Seen) - most; more > 0 {
			seen += fmt.Sprintf(" and %d more", more)
		}
		b.WriteString("SQL files are in " + seen + "\n")
	}
	b.WriteString("name the directory and its framework in onward.yaml, or give files to onward check")
	return b.String()
}
