// Package sql reads a plain directory of SQL files, which a script, psql or a
// tool without an adapter of its own runs in the order of their names.
//
// Numbers in names count by value: 2 comes before 10. The ways down are left
// out: *.down.sql, x_down.sql beside x.sql, x_up.sql or x-up.sql, undo and rollback
// files, and what stands behind a tool's "down" marker in a file (markers.go).
// In a directory whose files have numbers, files without one (schema.sql,
// seed.sql) are none of the migrations, and are counted as not judged.
//
// How a file is sent follows from what stands beside it (runner.go: Supabase's
// CLI, Drizzle, Flyway, tern, Atlas, refinery), its markers (markers.go,
// liquibase.go) and its name, where these tell the tool; or the project's scripts
// say that it is sent by "psql -1" (psql.go). Otherwise nothing opens a transaction,
// and each statement is sent by itself, as "psql -f" does; onward.yaml says when that
// is different (transaction: file for "psql -1", message for "psql -c" and for drivers).
// Numbered programs among the SQL files are migrations that are not judged; an
// SQL file with named parameters or queries beside a program of its name is that
// program's text, and none.
// psql's own commands that change what runs (\connect, \i, \if) are kept: they
// are statements that cannot be judged. \echo, \timing and \set are passed over
// where psql sends the file.
package sql

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

// Name is the framework's name.
const Name = "sql"

// Adapter implements [adapter.Adapter].
type Adapter struct{}

// Name is "sql".
func (Adapter) Name() string { return Name }

// Looks says what Detect looks for.
func (Adapter) Looks() string {
	return "SQL files in a directory called migrations, or with numbered names in any other"
}

var (
	// 001_x, 2024-01-31_x, 1.2.3-x, 001.sql; Flyway's V7__x, V1_2__x and R__x
	versioned = regexp.MustCompile(`^(?:(\d+(?:[.-]\d+)*)(?:[^0-9].*)?|V(\d+(?:[._]\d+)*)__.*|R__.*)\.sql$`)
	// A directory for each migration: 20240131_x/up.sql, …/migration.sql
	versionedDir = regexp.MustCompile(`^(\d+(?:[.-]\d+)*)(?:[_-].*)?$`)
	wholeFile    = regexp.MustCompile(`^(up|migration)\.sql$`)
	migrations   = regexp.MustCompile(`(?i)^(db|sql|pg|postgres|database|schema)?[-_]?migrat(e|ions?)[-_]?(postgres|postgresql|pg|sql)?$`)
	otherThings  = regexp.MustCompile(`(?i)^(seeds?|quer(y|ies)|samples?|data|dumps?|backups?|downs?|downgrades?|rollbacks?|undo|reverts?|verify|snapshots?|reports?|scripts)$`)
	otherFile    = regexp.MustCompile(`(?i)^(schema|structure|dump|seeds?|fixtures?|quer(y|ies)|test_?data)\.sql$`)
	downDir      = regexp.MustCompile(`(?i)^(downs?|downgrades?|rollbacks?|undo|reverts?|verify)$`)
)

// Detect looks for directories of migrations by their names, and for two or
// more numbered files anywhere.
func (Adapter) Detect(t adapter.Tree) []adapter.Source {
	var out []adapter.Source
	nested := map[string]int{}
	for _, d := range adapter.Dirs(t, ".sql") {
		base := path.Base(d.Path)
		if slices.Contains(versionDirs(t)[path.Dir(d.Path)], base) {
			continue
		}
		if parent := path.Dir(d.Path); versionedDir.MatchString(base) && slices.ContainsFunc(d.Names, wholeFile.MatchString) {
			if parent == "." {
				parent = ""
			}
			nested[parent]++
			continue
		}
		if downDir.MatchString(base) {
			continue
		}
		ups, _, numbered := forward(d)
		switch {
		case len(ups) == 0 || allOfPrograms(t, d, ups):
		case migrations.MatchString(base):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files in a directory called %s", len(ups), base)))
		case adapter.Has(t, d.Join(journalFile)):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files beside Drizzle's journal", len(ups))))
		case changelog(t, d):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files of Liquibase, such as %s", len(ups), ups[0])))
		case numbered >= 2 && !otherThings.MatchString(base):
			out = append(out, source(d.Path, fmt.Sprintf("%d SQL files with numbers, such as %s", numbered, ups[0])))
		}
	}
	for dir, n := range nested {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		out = append(out, source(dir, fmt.Sprintf("%d numbered directories with an up.sql or migration.sql", n)))
	}
	for dir, versions := range versionDirs(t) {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool { return s.Dir == dir })
		s := source(dir, fmt.Sprintf("SQL files with numbers in %d directories of versions, such as %s", len(versions), versions[0]))
		s.Deep = true
		out = append(out, s)
	}
	for at, dirs := range flywayLocations(t) {
		out = slices.DeleteFunc(out, func(s adapter.Source) bool {
			return slices.ContainsFunc(dirs, func(d adapter.Dir) bool { return d.Path == s.Dir })
		})
		s := source(at, fmt.Sprintf("files of Flyway in %d directories", len(dirs)))
		s.Deep = true
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b adapter.Source) int { return strings.Compare(a.Dir, b.Dir) })
	return out
}

func source(dir, why string) adapter.Source {
	return adapter.Source{Framework: Name, Dir: dir, Score: 1, Why: why}
}

// forward sorts a directory's files into ways up, in order, and ways down by
// the file that they undo. With numbered names, the others are left out of ups.
func forward(d adapter.Dir) (ups []string, downs map[string]string, numbered int) {
	downs = map[string]string{}
	has := func(name string) bool { _, ok := slices.BinarySearch(d.Names, name); return ok }
	anyUp := slices.ContainsFunc(d.Names, func(n string) bool {
		n = strings.ToLower(n)
		return strings.HasSuffix(n, "_up.sql") || strings.HasSuffix(n, "-up.sql")
	})
	for _, n := range d.Names {
		sure, stem, undo := undoes(n)
		if undo && !sure {
			// "add_rollback.sql" is a way down only beside its way up.
			found := anyUp
			for _, end := range [...]string{".sql", "_up.sql", "-up.sql"} {
				if up := stem + end; has(up) {
					downs[up], found = n, true
					break
				}
			}
			if found {
				continue
			}
		}
		if sure {
			stem := n
			for _, e := range []string{".sql", ".down", ".rollback", ".undo", ".revert"} {
				stem = strings.TrimSuffix(stem, e)
			}
			for _, up := range []string{stem + ".sql", stem + ".up.sql"} {
				if has(up) {
					downs[up] = n
				}
			}
			continue
		}
		ups = append(ups, n)
		if isVersioned(n) {
			numbered++
		}
	}
	ups = slices.DeleteFunc(ups, func(n string) bool {
		return numbered > 0 && !isVersioned(n) || numberLen(n) == 0 && otherFile.MatchString(n)
	})
	slices.SortFunc(ups, order)
	return ups, downs, numbered
}

// undoes reports whether a file's name says that it is a way down: for sure by
// itself (x.down.sql, down-x.sql, U7__x.sql), or by an ending behind the stem
// of its way up (x_down.sql), where it depends on what is beside it.
func undoes(name string) (sure bool, stem string, undo bool) {
	if len(name) > 1 && name[0] == 'U' && name[1] >= '0' && name[1] <= '9' {
		if rest := strings.TrimLeft(name[1:], "0123456789."); strings.HasPrefix(rest, "__") {
			return true, "", true
		}
	}
	const ending = ".sql"
	body := name[:max(0, len(name)-len(ending))]
	if !strings.EqualFold(name[len(body):], ending) {
		return false, "", false
	}
	for _, verb := range [...]string{"down", "rollback", "undo", "revert"} {
		if len(body) < len(verb) {
			continue
		}
		if strings.EqualFold(body[:len(verb)], verb) && (len(body) == len(verb) || strings.IndexByte("._-", body[len(verb)]) >= 0) {
			return true, "", true
		}
		if before := body[:len(body)-len(verb)]; before != "" && strings.EqualFold(body[len(before):], verb) {
			switch last := len(before) - 1; before[last] {
			case '.':
				return true, "", true
			case '_', '-':
				stem, undo = before[:last], true
			}
		}
	}
	return false, stem, undo
}

// order is that of versions, part by part, and then of names; repeatable files
// (R__) come last, as Flyway has it.
func order(a, b string) int {
	if ra, rb := repeatable(a), repeatable(b); ra != rb {
		if rb {
			return -1
		}
		return 1
	}
	if strings.HasSuffix(a, "/up.sql") && strings.HasSuffix(b, "/up.sql") && strings.Contains(version(a)+version(b), "-") {
		// Diesel compares versions as texts without their dashes: 2017-10-08-193512
		// stands before 20171101000000.
		if c := strings.Compare(strings.ReplaceAll(version(a), "-", ""), strings.ReplaceAll(version(b), "-", "")); c != 0 {
			return c
		}
	}
	x, y := numbers(version(a)), numbers(version(b))
	if c := slices.CompareFunc(x, y, adapter.Natural); c != 0 && len(x) > 0 && len(y) > 0 {
		return c
	}
	return cmp.Or(adapter.Natural(path.Base(a), path.Base(b)), adapter.Natural(a, b))
}

// numbers are the parts of a version, without zeros that count for nothing.
func numbers(version string) []string {
	parts := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	for i, p := range parts {
		parts[i] = strings.TrimLeft(p, "0")
	}
	return parts
}

func repeatable(name string) bool { return strings.HasPrefix(path.Base(name), "R__") }

// version is the number that a name begins with.
func version(name string) string {
	dir, _, nested := strings.Cut(name, "/")
	if base := path.Base(name); nested && !wholeFile.MatchString(base) {
		if n := numberLen(base); n > 0 && releaseDir.MatchString(dir) {
			return dir + "." + base[:n]
		}
		name, nested = base, false // of a location of Flyway's
	}
	if nested {
		if n := leadingNumber(dir); n == len(dir) || n > 0 && (dir[n] == '_' || dir[n] == '-') {
			return dir[:n]
		}
		return versionedDir.FindStringSubmatch(dir)[1]
	}
	if n := numberLen(name); n > 0 {
		return name[:n]
	}
	if mayBeVersioned(name) {
		if m := versioned.FindStringSubmatch(name); m != nil {
			return m[1] + m[2]
		}
	}
	return ""
}

// isVersioned is versioned, without it for the names that most files have.
func isVersioned(name string) bool {
	return numberLen(name) > 0 || mayBeVersioned(name) && versioned.MatchString(name)
}

// mayBeVersioned spares most names the pattern.
func mayBeVersioned(name string) bool {
	return name != "" && (name[0] == 'V' || name[0] == 'R' || name[0] >= '0' && name[0] <= '9')
}

// numberLen is the length of the number that the name of an SQL file begins
// with, as in the pattern; 0 when it has to be asked.
func numberLen(name string) int {
	if !strings.HasSuffix(name, ".sql") || strings.Contains(name, "\n") {
		return 0
	}
	return leadingNumber(name)
}

// leadingNumber is the length of the number that a name begins with: 1.2 and
// 2024-01-31 are one.
func leadingNumber(name string) int {
	digits := func(s string) int {
		n := 0
		for n < len(s) && s[n] >= '0' && s[n] <= '9' {
			n++
		}
		return n
	}
	n := digits(name)
	for n > 0 && n < len(name) && (name[n] == '.' || name[n] == '-') {
		more := digits(name[n+1:])
		if more == 0 {
			break
		}
		n += 1 + more
	}
	return n
}
