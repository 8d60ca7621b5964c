package adapter

import (
	"fmt"
	"slices"
	"strings"

	"github.com/onward-sql/onward/onward"
)

// IsAside reports whether one of the adapters knows a directory, by its name, as one whose migrations never run in production.
func IsAside(dir string, adapters []Adapter) bool {
	return slices.ContainsFunc(adapters, func(a Adapter) bool {
		x, ok := a.(interface{ Aside(dir string) bool })
		return ok && x.Aside(dir)
	})
}

// DetectSources asks every adapter for its sources and lists them by directory, the surest first. Examples, tests, and
// directories that an adapter marks as secondary count only in a repository that has no other sources. Migrations
// for another database are reported, and not judged as if they were for Postgres.
func DetectSources(t Tree, adapters []Adapter) ([]Source, []onward.Opaque) {
	var all []Source
	primary := false
	secondary := func(dir string) bool {
		return isSecondary(dir) || IsAside(dir, adapters)
	}
	ListDirs(t, ".sql") // most adapters ask for these
	found := make([][]Source, len(adapters))
	EachParallel(len(adapters), func(i int) { found[i] = adapters[i].Detect(t) })
	for _, list := range found {
		for _, s := range list {
			all = append(all, s)
			primary = primary || !secondary(s.Dir)
		}
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return primary && secondary(s.Dir) })
	all = dropOutscoredSources(dropCoveredSources(all))
	isPostgres := map[string]bool{}
	for _, s := range all {
		isPostgres[s.Dir] = isPostgres[s.Dir] || s.IsPostgres
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return s.Foreign != "" && isPostgres[s.Dir] })
	EachParallel(len(all), func(i int) {
		if all[i].Foreign == "" && !all[i].IsPostgres {
			all[i].Foreign = foreignDatabase(t, all[i])
		}
	})
	var sources []Source
	var opaque []onward.Opaque
	reported := map[string]bool{}
	for _, s := range all {
		if s.Foreign == "" {
			sources = append(sources, s)
			continue
		}
		if !reported[s.Dir] {
			reported[s.Dir] = true
			opaque = append(opaque, onward.Opaque{
				Path: dirOrDot(s.Dir), What: "migrations for " + s.Foreign, Database: s.Foreign,
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

// dropCoveredSources removes a source whose directory belongs to a source of another adapter.
func dropCoveredSources(all []Source) []Source {
	covered := map[string]string{} // the framework, by directory
	for _, s := range all {
		for _, dir := range s.Covers {
			covered[dir] = s.Framework
		}
	}
	return slices.DeleteFunc(all, func(s Source) bool {
		for dir := s.Dir; dir != ""; dir = parentDir(dir) {
			if framework := covered[dir]; framework != "" && framework != s.Framework {
				return true
			}
		}
		return false
	})
}

// parentDir is the directory that has another one; "" for the root.
func parentDir(dir string) string { return dir[:max(0, strings.LastIndexByte(dir, '/'))] }

// dropOutscoredSources removes a source for Postgres if a more certain adapter says that its directory is for another database, and the other
// way round: an adapter that knows the runner also knows the database.
func dropOutscoredSources(all []Source) []Source {
	scores := map[bool]map[string]int{true: {}, false: {}} // the highest score of a directory, for sources of other databases and of Postgres
	for _, s := range all {
		best := scores[s.Foreign != ""]
		best[s.Dir] = max(best[s.Dir], s.Score)
	}
	all = slices.DeleteFunc(all, func(s Source) bool { return s.Foreign == "" && s.Score < scores[true][s.Dir] })
	return slices.DeleteFunc(all, func(s Source) bool { return s.Foreign != "" && s.Score < scores[false][s.Dir] })
}

// ChooseSources keeps one source for each directory: the surest. If two frameworks are equally sure of a directory, the
// first is used, and the tie is reported as opaque input.
func ChooseSources(sources []Source) ([]Source, []onward.Opaque) {
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
			Path: dirOrDot(best.Dir), Failed: true,
			What: fmt.Sprintf("%d frameworks in one directory: %s", len(equal)+1, names),
			Why:  "it was read as " + best.Framework + "; say in onward.yaml which framework the directory belongs to",
		})
	}
	// Directories may be numbered, as files are: "9" comes before "10".
	slices.SortStableFunc(out, func(a, b Source) int { return CompareNatural(a.Dir, b.Dir) })
	return out, opaque
}

func dirOrDot(dir string) string {
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
	e := &NotFoundError{Tree: t.Name(), Skipped: skipped, Unread: OmitForeign(UnreadIn(t), skipped)}
	for _, a := range adapters {
		line := a.Name()
		if l, ok := a.(interface{ Looks() string }); ok {
			line += ": " + l.Looks()
		}
		e.Looked = append(e.Looked, line)
	}
	for _, d := range ListDirs(t, ".sql") {
		e.Seen = append(e.Seen, fmt.Sprintf("%s (%s)", dirOrDot(d.Path), formatFileCount(len(d.Names))))
	}
	return e
}

// formatFileCount returns "1 file" or "3 files".
func formatFileCount(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprintf("%d files", n)
}

// IsElsewhere reports whether all directories of migrations are for other databases.
func (e *NotFoundError) IsElsewhere() bool {
	return len(e.Skipped) > 0 && len(e.Unread) == 0 && len(e.Seen) <= len(e.Skipped) &&
		!slices.ContainsFunc(e.Skipped, func(o onward.Opaque) bool { return o.Database == "" })
}

// Error is the whole story, in lines.
func (e *NotFoundError) Error() string {
	var b strings.Builder
	if e.IsElsewhere() {
		for _, o := range e.Skipped {
			fmt.Fprintf(&b, "%s holds %s: not judged\n", o.Path, o.What)
		}
		b.WriteString("no verdict: only Postgres is judged; if they are for Postgres, name the directory and its framework in onward.yaml")
		return b.String()
	}
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
