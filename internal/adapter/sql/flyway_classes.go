package sql

import (
	"path"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// Flyway runs classes as migrations, too. Their names have the form of the files' names. They are
// compiled, so they are in a source folder of the same module.

var (
	flywayClass  = lazyregexp.New(`^[VR]\d*(?:[._]\d+)*__\w+\.(?:java|kt|groovy)$`)
	classOf      = lazyregexp.New(`\b(?:BaseJavaMigration|JavaMigration)\b`)
	sourceFolder = lazyregexp.New(`^(.*?/?)src/main/(?:java|kotlin|groovy|resources)(?:/|$)`)
)

// insertFlywayClasses inserts the migrations that are classes between the SQL migrations. They are not
// judged, and their changes of the schema are unknown.
func insertFlywayClasses(t adapter.Tree, set *adapter.Set) {
	home := sourceFolder.FindStringSubmatch(set.Source.Dir)
	if home == nil {
		return
	}
	for _, file := range adapter.FilesBelow(t, path.Clean(home[1]+"src/main")) {
		file = path.Clean(home[1] + "src/main/" + file)
		name := path.Base(file)
		if !flywayClass.MatchString(name) {
			continue
		}
		f := adapter.ReadFile(t, file)
		if !classOf.MatchString(f.Text) {
			continue
		}
		m := f.Start(set.Source, trimExtension(name), leadingVersion(trimExtension(name)+".sql"))
		m.Source.LineComment, m.Repeatable = "//", name[0] == 'R'
		m.Opaque = append(m.Opaque, onward.Opaque{
			Migration: m.ID, Path: m.Path, Line: 1, Column: 1,
			What:   "migration written in " + languages[path.Ext(name)],
			Why:    "what it does is known only when it runs; onward capture -- COMMAND judges what it sends to a throwaway Postgres",
			Failed: true,
		})
		m.Seal(onward.TransactionNone, set.Source.Options, f.Text)
		index := slices.IndexFunc(set.Migrations, func(other *adapter.Migration) bool {
			return compareVersions(strings.ReplaceAll(m.ID, ".", "_")+".sql", strings.ReplaceAll(other.ID, ".", "_")+".sql") < 0
		})
		if index < 0 {
			index = len(set.Migrations)
		}
		set.Migrations = slices.Insert(set.Migrations, index, m)
	}
}
