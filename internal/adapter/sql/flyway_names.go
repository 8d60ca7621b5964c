package sql

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// flywayNames reads Flyway's names: V7__x.sql, V1_2__x.sql, R__x.sql for a repeatable migration,
// U7__x.sql for a down migration.
var flywayNames = nameScheme{version: flywayVersion, repeats: isFlywayRepeatable, undoes: isFlywayUndo}

var flywayVersioned = lazyregexp.New(`^(?:V(\d+(?:[._]\d+)*)__.*|R__.*)\.sql$`)

func flywayVersion(name string) (version string, found bool) {
	if !strings.HasPrefix(name, "V") && !strings.HasPrefix(name, "R") {
		return "", false
	}
	m := flywayVersioned.FindStringSubmatch(name)
	if m == nil {
		return "", false
	}
	return m[1], true
}

func isFlywayRepeatable(name string) bool { return strings.HasPrefix(name, "R__") }

func isFlywayUndo(name string) bool {
	if len(name) < 2 || name[0] != 'U' || name[1] < '0' || name[1] > '9' {
		return false
	}
	return strings.HasPrefix(strings.TrimLeft(name[1:], "0123456789."), "__")
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
