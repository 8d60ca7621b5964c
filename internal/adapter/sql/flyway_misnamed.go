package sql

import (
	"path"
	"slices"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// flywayMeant matches names that were probably meant as Flyway versions.
var flywayMeant = lazyregexp.New(`^([Vv])\d+(?:[._]\d+)*_+[^_].*\.sql$`)

// reportFlywayMisnamed reports files that Flyway ignores silently although their names look like its own
// (validateMigrationNaming is off by default). Another prefix or separator may be configured, so it is a warning.
func reportFlywayMisnamed(t adapter.Tree, set *adapter.Set) {
	d := adapter.ListDir(t, set.Source.Dir, ".sql")
	for _, n := range listFileNames(t, set.Source, d) {
		m := flywayMeant.FindStringSubmatch(path.Base(n))
		file := d.Join(n)
		if m == nil || isRunByFlyway(file, path.Base(n)) {
			continue
		}
		reason := "no \"__\" follows its version"
		if m[1] == "v" {
			reason = "its prefix is a small v"
		}
		set.Problems = append(set.Problems, adapter.Problem{Path: file, Refusal: history.Refusal{
			Line: 1, Column: 1, Severity: onward.Warning,
			Message: "Flyway passes over " + path.Base(n) + ": " + reason,
			Harm:    "the migration never runs, and nothing says so, unless another prefix or separator is configured",
			Instead: "name it like its neighbours: V2__what_it_does.sql; validateMigrationNaming makes Flyway refuse such names",
		}})
		set.Opaque = slices.DeleteFunc(set.Opaque, func(o onward.Opaque) bool { return o.Path == file })
	}
}
