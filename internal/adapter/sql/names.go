package sql

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
)

var (
	// A directory for each migration: 20240131_x/up.sql, …/migration.sql
	versionedDir = regexp.MustCompile(`^(\d+(?:[.-]\d+)*)(?:[_-].*)?$`)
	wholeFile    = regexp.MustCompile(`^(up|migration)\.sql$`)
	otherFile    = regexp.MustCompile(`(?i)^(schema|structure|dump|seeds?|fixtures?|quer(y|ies)|test_?data)\.sql$`)
)

// forward sorts a directory's files into up migrations, in order, and down migrations by
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
			// "add_rollback.sql" is a down migration only beside its up migration.
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

// naming is a scheme of names that a tool has beside the one that all share,
// NUMBER_name.sql.
type naming struct {
	// version is the number in a name; has: it is a name of the scheme.
	version func(name string) (version string, has bool)
	// repeats tells what runs again and again, undoes a down migration.
	repeats, undoes func(name string) bool
	// compare has an order of its own for two names; 0 where it tells nothing.
	compare func(a, b string) int
}

var namings = []naming{flywayNames, {compare: dieselOrder}}

// undoes reports whether a file's name says that it is a down migration: for sure by
// itself (x.down.sql, down-x.sql, U7__x.sql), or by an ending behind the stem
// of its up migration (x_down.sql), where it depends on what is beside it.
func undoes(name string) (sure bool, stem string, undo bool) {
	if slices.ContainsFunc(namings, func(n naming) bool { return n.undoes != nil && n.undoes(name) }) {
		return true, "", true
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

// order is that of versions, part by part, and then of names; repeatable files come
// last.
func order(a, b string) int {
	if ra, rb := repeatable(a), repeatable(b); ra != rb {
		if rb {
			return -1
		}
		return 1
	}
	for _, n := range namings {
		if n.compare != nil {
			if c := n.compare(a, b); c != 0 {
				return c
			}
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

// repeatable reports whether a file runs again and again.
func repeatable(name string) bool {
	name = path.Base(name)
	return slices.ContainsFunc(namings, func(n naming) bool { return n.repeats != nil && n.repeats(name) })
}

// version is the number that a name begins with.
func version(name string) string {
	dir, _, nested := strings.Cut(name, "/")
	if base := path.Base(name); nested && !wholeFile.MatchString(base) {
		if n := numberLen(base); n > 0 && releaseDir.MatchString(dir) {
			return dir + "." + base[:n]
		}
		name, nested = base, false // of a location
	}
	if nested {
		return dirVersion(dir)
	}
	if n := numberLen(name); n > 0 {
		return name[:n]
	}
	v, _ := schemed(name)
	return v
}

// dirVersion is the number that the name of a migration's directory begins with.
func dirVersion(dir string) string {
	if n := leadingNumber(dir); n == len(dir) || n > 0 && (dir[n] == '_' || dir[n] == '-') {
		return dir[:n]
	}
	if m := versionedDir.FindStringSubmatch(dir); m != nil {
		return m[1]
	}
	return ""
}

// schemed asks the tools' own schemes for the version of a name.
func schemed(name string) (version string, has bool) {
	for _, n := range namings {
		if n.version != nil {
			if v, ok := n.version(name); ok {
				return v, true
			}
		}
	}
	return "", false
}

// isVersioned reports whether a name has a version, or is one of a scheme that does
// without.
func isVersioned(name string) bool {
	if numberLen(name) > 0 {
		return true
	}
	_, has := schemed(name)
	return has
}

// numberLen is the length of the number that the name of an SQL file begins
// with: 001_x.sql, 2024-01-31_x.sql, 1.2.3-x.sql, 001.sql; 0 for none.
func numberLen(name string) int {
	if !strings.HasSuffix(name, ".sql") {
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
