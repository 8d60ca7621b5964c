package sql

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// flywayNames reads Flyway's names: V7__x.sql, V1_2__x.sql, R__x.sql for a repeatable migration,
// U7__x.sql for a down migration, B7__x.sql for a baseline migration.
var flywayNames = nameScheme{version: flywayVersion, repeats: isFlywayRepeatable, undoes: isFlywayUndo, makesBaseline: isFlywayBaseline}

var flywayVersioned = lazyregexp.New(`^(?:[VBU](\d+(?:[._]\d+)*)__.*|R__.*)\.sql$`)

func flywayVersion(name string) (version string, found bool) {
	if name == "" || strings.IndexByte("VBRU", name[0]) < 0 {
		return "", false
	}
	m := flywayVersioned.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func isFlywayRepeatable(name string) bool { return strings.HasPrefix(name, "R__") }

func isFlywayUndo(name string) bool { return hasFlywayPrefix(name, 'U') }

func isFlywayBaseline(name string) bool { return hasFlywayPrefix(name, 'B') }

// hasFlywayPrefix reports whether a name has a prefix, a version and two underscores.
func hasFlywayPrefix(name string, prefix byte) bool {
	if len(name) < 2 || name[0] != prefix || name[1] < '0' || name[1] > '9' {
		return false
	}
	version, _, found := strings.Cut(name[1:], "__")
	return found && strings.Trim(version, "0123456789._") == ""
}

// flywayEnvironments are the first words in names of locations that production does not
// have.
var flywayEnvironments = map[string]bool{
	"dev": true, "local": true, "test": true, "integration": true, "sample": true, "samples": true, "seed": true, "seeds": true,
}

// isDevelopmentLocation reports whether a directory is a location for development, next to the one
// for all environments.
func isDevelopmentLocation(dir string) bool {
	_, location, found := strings.Cut("/"+dir, "/db/migration/")
	if !found {
		_, location, found = strings.Cut("/"+dir, "/resources/db/")
	}
	word, _, _ := strings.Cut(strings.NewReplacer("-", " ", "_", " ", "+", " ", "/", " ").Replace(location), " ")
	return found && flywayEnvironments[word]
}
