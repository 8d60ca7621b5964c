package fleet

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/workload"
)

// pattern matches names of schemas.
type pattern struct{ include, exclude []string }

// parsePattern reads "tenant_*,!tenant_test*".
func parsePattern(text string) (p pattern, err error) {
	for _, part := range strings.Split(text, ",") {
		part = strings.TrimSpace(part)
		name, negated := strings.CutPrefix(part, "!")
		if _, err := path.Match(name, ""); err != nil || name == "" {
			return p, newInputError("the pattern %q is not one of schemas: write * for any letters, ? for one, [a-c] for some", part)
		}
		if negated {
			p.exclude = append(p.exclude, name)
		} else {
			p.include = append(p.include, name)
		}
	}
	if len(p.include) == 0 {
		return p, newInputError("the pattern %q matches no schema", text)
	}
	return p, nil
}

// matches reports whether a schema belongs to the pattern. Schemas of onward itself are never tenants.
func (p pattern) matches(name string) bool {
	return matchesAny(p.include, name) && !matchesAny(p.exclude, name) && !slices.Contains(workload.OwnSchemas, name)
}

func matchesAny(list []string, name string) bool {
	// path.Match gives "/" a meaning, which a schema's name does not have.
	name = strings.ReplaceAll(name, "/", "\x00")
	return slices.ContainsFunc(list, func(p string) bool {
		ok, _ := path.Match(strings.ReplaceAll(p, "/", "\x00"), name)
		return ok
	})
}
