package sql

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

var (
	// versionedDir matches a directory for each migration: 20240131_x/up.sql,
	// …/migration.sql
	versionedDir = lazyregexp.New(`^(\d+(?:[.-]\d+)*)(?:[_-].*)?$`)
	wholeFile    = lazyregexp.New(`^(up|migration)\.sql$`)
	otherFile    = lazyregexp.New(`(?i)^(schema|structure|dump|seeds?|fixtures?|quer(y|ies)|test_?data)\.sql$`)
)

// separateUpsAndDowns sorts a directory's files into up migrations, in order, and down migrations, by
// the file that they undo. If there are numbered names, ups has only those.
func separateUpsAndDowns(d adapter.Dir) (ups []string, downs map[string]string, numbered int) {
	downs = map[string]string{}
	hasName := func(name string) bool { _, ok := slices.BinarySearch(d.Names, name); return ok }
	anyUp := slices.ContainsFunc(d.Names, func(n string) bool {
		n = strings.ToLower(n)
		return strings.HasSuffix(n, "_up.sql") || strings.HasSuffix(n, "-up.sql")
	})
	for _, n := range d.Names {
		sure, stem, undo := isDownName(n)
		if undo && !sure {
			// "add_rollback.sql" is a down migration only if its up migration is next to
			// it.
			found := anyUp
			for _, end := range [...]string{".sql", "_up.sql", "-up.sql"} {
				if up := stem + end; hasName(up) {
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
				if hasName(up) {
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
	sortVersions(ups)
	return ups, downs, numbered
}

// nameScheme is a tool's own scheme of names, in addition to the common NUMBER_name.sql.
type nameScheme struct {
	// version returns the number in a name; found is set if the name fits the scheme.
	version func(name string) (version string, found bool)
	// repeats reports whether a migration is repeatable, undoes whether it is a down
	// migration.
	repeats, undoes func(name string) bool
	// makesBaseline reports whether a migration makes what those up to its version make, for new databases.
	makesBaseline func(name string) bool
	// compare orders two names in the tool's own way; 0 if it has no opinion.
	compare func(a, b string) int
}

var namings = []nameScheme{flywayNames, {compare: compareDieselVersions}}

// isDownName reports whether a file's name says that it is a down migration. sure is set if
// the name alone decides it (x.down.sql, down-x.sql, U7__x.sql). Otherwise the name is a
// stem with an ending (x_down.sql), and the answer depends on whether the up migration
// with this stem is next to it.
func isDownName(name string) (sure bool, stem string, undo bool) {
	if slices.ContainsFunc(namings, func(n nameScheme) bool { return n.undoes != nil && n.undoes(name) }) {
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

// versionKey is what the order of a name depends on.
type versionKey struct {
	name    string
	repeats bool
	parts   []string
}

func newVersionKey(name string) versionKey {
	return versionKey{name: name, repeats: isRepeatable(name), parts: versionParts(leadingVersion(name))}
}

// sortVersions sorts names as compareVersions does. It reads the version of each name once.
func sortVersions(names []string) {
	keys := make([]versionKey, len(names))
	for i, n := range names {
		keys[i] = newVersionKey(n)
	}
	slices.SortFunc(keys, compareKeys)
	for i, k := range keys {
		names[i] = k.name
	}
}

// compareVersions compares versions, part by part, and then names. Repeatable files are last.
func compareVersions(a, b string) int { return compareKeys(newVersionKey(a), newVersionKey(b)) }

func compareKeys(a, b versionKey) int {
	if a.repeats != b.repeats {
		if b.repeats {
			return -1
		}
		return 1
	}
	for _, n := range namings {
		if n.compare != nil {
			if c := n.compare(a.name, b.name); c != 0 {
				return c
			}
		}
	}
	if c := slices.CompareFunc(a.parts, b.parts, adapter.CompareNatural); c != 0 && len(a.parts) > 0 && len(b.parts) > 0 {
		return c
	}
	return cmp.Or(adapter.CompareNatural(path.Base(a.name), path.Base(b.name)), adapter.CompareNatural(a.name, b.name))
}

// versionParts returns the parts of a version, without zeros that mean nothing.
func versionParts(version string) []string {
	parts := strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' })
	for i, p := range parts {
		parts[i] = strings.TrimLeft(p, "0")
	}
	return parts
}

// isRepeatable reports whether a file runs again and again.
func isRepeatable(name string) bool {
	name = path.Base(name)
	return slices.ContainsFunc(namings, func(n nameScheme) bool { return n.repeats != nil && n.repeats(name) })
}

// isBaseline reports whether a file is for new databases only.
func isBaseline(name string) bool {
	name = path.Base(name)
	return slices.ContainsFunc(namings, func(n nameScheme) bool { return n.makesBaseline != nil && n.makesBaseline(name) })
}

// omitBaselines removes the up migrations that are for new databases only, if one of their version or an earlier one is there, which other
// databases ran. Otherwise the last baseline begins the history.
func omitBaselines(ups []string) []string {
	last := ""
	for _, n := range ups {
		if isBaseline(n) {
			last = n // they are in the order of their versions
		}
	}
	if last == "" {
		return ups
	}
	version := versionParts(leadingVersion(last))
	for _, n := range ups {
		if !isBaseline(n) && !isRepeatable(n) && slices.CompareFunc(versionParts(leadingVersion(n)), version, adapter.CompareNatural) <= 0 {
			last = ""
		}
	}
	return slices.DeleteFunc(ups, func(n string) bool { return n != last && isBaseline(n) })
}

// leadingVersion returns the number that a name begins with.
func leadingVersion(name string) string {
	dir, _, nested := strings.Cut(name, "/")
	if base := path.Base(name); nested && !wholeFile.MatchString(base) {
		if n := numberLen(base); n > 0 && releaseDir.MatchString(dir) {
			return dir + "." + base[:n]
		}
		name, nested = base, false // in a location
	}
	if nested {
		return dirVersion(dir)
	}
	if n := numberLen(name); n > 0 {
		return name[:n]
	}
	v, _ := schemeVersion(name)
	return v
}

// dirVersion returns the number that the name of a migration's directory begins with.
func dirVersion(dir string) string {
	if n := leadingNumberLength(dir); n == len(dir) || n > 0 && (dir[n] == '_' || dir[n] == '-') {
		return dir[:n]
	}
	if m := versionedDir.FindStringSubmatch(dir); m != nil {
		return m[1]
	}
	return ""
}

// schemeVersion returns the version of a name in one of the tools' own schemes.
func schemeVersion(name string) (version string, found bool) {
	for _, n := range namings {
		if n.version != nil {
			if v, ok := n.version(name); ok {
				return v, true
			}
		}
	}
	return "", false
}

// isVersioned reports whether a name has a version, or fits a scheme that needs none.
func isVersioned(name string) bool {
	if numberLen(name) > 0 {
		return true
	}
	_, found := schemeVersion(name)
	return found
}

// numberLen returns the length of the number that the name of an SQL file begins with:
// 001_x.sql, 2024-01-31_x.sql, 1.2.3-x.sql, 001.sql; 0 for none.
func numberLen(name string) int {
	if !strings.HasSuffix(name, ".sql") {
		return 0
	}
	return leadingNumberLength(name)
}

// leadingNumberLength returns the length of the number that a name begins with: 1.2 and
// 2024-01-31 are one number.
func leadingNumberLength(name string) int {
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
