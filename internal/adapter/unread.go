package adapter

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"
)

// builders are the libraries by which programs in TypeScript and JavaScript migrate,
// by what only their migrations have.
var builders = []struct{ word, name string }{
	{"queryInterface", "Sequelize"}, {"kysely", "Kysely"}, {"typeorm", "TypeORM"}, {"mikro-orm", "MikroORM"}, {"knex", "Knex"}, {"node-pg-migrate", "node-pg-migrate"},
}

// builder tells the library of a migration; "" when nothing tells.
func builder(text string) string {
	for _, b := range builders {
		if strings.Contains(text, b.word) {
			return b.name
		}
	}
	return ""
}

// UnreadBooks are the tables in which tools that no adapter reads keep what has run.
func UnreadBooks() []Book {
	return []Book{
		{Table: "alembic_version", Columns: `(version_num varchar(32) PRIMARY KEY)`},                                                                       // Alembic
		{Table: "ar_internal_metadata", Columns: `(key varchar PRIMARY KEY, value varchar, created_at timestamp NOT NULL, updated_at timestamp NOT NULL)`}, // Rails, beside schema_migrations
		{Table: "knex_migrations"}, {Table: "seaql_migrations"}, {Table: "SequelizeMeta"}, {Table: "__EFMigrationsHistory"},
	}
}

// unread lists directories with the migrations of tools that no adapter reads:
// programs, which say only when they run what they do.
func unread(t Tree) []string {
	count := map[string]int{}
	tool := map[string]string{}
	for _, p := range t.Paths() {
		dir, name := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		if name == "" || vendored(dir) {
			continue
		}
		what := ""
		switch path.Ext(name) {
		case ".rb":
			if strings.HasSuffix("/"+dir, "/db/migrate") {
				what = "Rails"
			}
		case ".py":
			if path.Base(dir) == "versions" && Has(t, path.Join(path.Dir(dir), "env.py")) {
				what = "Alembic"
			}
		case ".exs":
			if path.Base(dir) == "migrations" && name != ".formatter.exs" {
				what = "Ecto"
			}
		case ".ts", ".js", ".mts", ".mjs", ".cjs":
			if strings.Contains(path.Base(dir), "migration") && name[0] >= '0' && name[0] <= '9' {
				if what = tool[dir]; what == "" {
					what = builder(ReadFile(t, p).Text)
				}
			}
		}
		if what != "" {
			count[dir]++
			tool[dir] = what
		}
	}
	out := make([]string, 0, len(count))
	for dir, n := range count {
		how := "give the SQL that they run to onward check"
		if tool[dir] == "Alembic" {
			how = "give onward check what alembic upgrade FROM:TO --sql prints"
		}
		out = append(out, fmt.Sprintf("%s holds %s for %s, which onward does not read: %s", orRoot(dir), countFiles(n), tool[dir], how))
	}
	slices.SortFunc(out, cmp.Compare)
	return out
}
