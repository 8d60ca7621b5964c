package hook

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// developmentFiles are where projects have the addresses that they develop and test with.
var developmentFiles = []string{".env", ".env.local", ".env.development", ".env.development.local", ".env.test", ".env.test.local"}

// importantName matches a part of a database's name that no throwaway has.
var importantName = lazyregexp.New(`(?i)prod|live|stag`)

// FindDevelopmentDatabases returns the databases in the files for development of a directory, as onward.yaml lists them:
// those on this machine, or in a service of the project's containers. A name such as app_production is left out.
func FindDevelopmentDatabases(dir string) ([]string, error) {
	var out []string
	for _, file := range developmentFiles {
		text, err := readFileIfExists(filepath.Join(dir, file))
		if err != nil {
			return nil, err
		}
		if text == nil {
			continue
		}
		variables := parseDotenv(*text)
		values := slices.Sorted(maps.Values(variables))
		if name := variables["PGDATABASE"]; name != "" {
			d := database{variables["PGHOST"], variables["PGPORT"], name}
			values = append(values, "postgres://"+d.withDefaults().String())
		}
		for _, value := range values {
			list, ok := parseDatabases(value)
			for _, d := range list {
				isNear := isLocal(d.host) || !strings.ContainsAny(d.host, ".:/")
				if ok && isNear && !importantName.MatchString(d.host+"/"+d.name) && !strings.ContainsAny(d.name, "*?[") {
					out = append(out, d.String())
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
