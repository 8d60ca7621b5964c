package adapter

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// migrationLibraries are migration libraries of TypeScript and JavaScript, each with a word that
// only its migrations contain.
var migrationLibraries = []struct{ word, name string }{
	{
		"queryInterface", "Sequelize",
	}, {"kysely", "Kysely"}, {"typeorm", "TypeORM"}, {"mikro-orm", "MikroORM"}, {"@adonisjs/lucid", "Lucid"}, {"knex", "Knex"},
	{"node-pg-migrate", "node-pg-migrate"}, {"db-migrate", "db-migrate"}, {"dbmigrate", "db-migrate"},
}

// migrationLibrary returns the library of a migration; "" if nothing tells.
func migrationLibrary(text string) string {
	for _, b := range migrationLibraries {
		if strings.Contains(text, b.word) {
			return b.name
		}
	}
	return ""
}

// UnreadHistoryTables are the tables in which tools without an adapter record the migrations that
// have run.
func UnreadHistoryTables() []HistoryTable {
	var out []HistoryTable
	for _, name := range []string{
		"seaql_migrations", "__EFMigrationsHistory", "doctrine_migration_versions", "phinxlog", "cake_migrations", "adonis_schema", "migratehistory",
		"aerich", "VersionInfo", "schema_info", "_fluent_migrations",
	} {
		out = append(out, HistoryTable{Table: name})
	}
	return out
}

// Unread is a directory with migrations of a tool without an adapter: programs, whose SQL
// is known only after they run.
type Unread struct {
	Dir, Tool string
	Files     int // the number of migrations
	// Project is the directory of the program that has them, if the tool's command must name it; "" if that is the root.
	Project string
}

// String says that the directory was found, and what to do about it.
func (u Unread) String() string {
	note := ", which is not read yet"
	if u.Render() != "" {
		note = ""
	}
	return fmt.Sprintf("found %s (%s in %s)%s: %s", u.Tool, formatFileCount(u.Files), dirOrDot(u.Dir), note, u.Instead())
}

// Instead says how the migrations can be judged all the same.
func (u Unread) Instead() string {
	if u.Render() != "" {
		return "onward init writes the command that prints its SQL to onward.yaml"
	}
	return "onward capture -- " + u.Command() + " judges what it sends to a throwaway Postgres"
}

// Why says why the migrations are not judged, and what to do about it.
func (u Unread) Why() string {
	if u.Render() != "" {
		return u.Instead()
	}
	return u.Tool + " is not read yet; " + u.Instead()
}

// Render is the command that prints the SQL of the migrations; "" if the tool has none.
func (u Unread) Render() string {
	command := RenderCommand(u.Tool)
	switch {
	case command == "" || u.Project == "":
		return command
	case strings.ContainsAny(u.Project, " '\""):
		return command + " --project " + strconv.Quote(u.Project)
	}
	return command + " --project " + u.Project
}

// Command is the command that runs them.
func (u Unread) Command() string { return MigrateCommand(u.Tool) }

// UnreadIn lists the directories with such migrations in a tree.
func UnreadIn(t Tree) []Unread {
	count, samples := map[string]int{}, map[string]int{}
	known := map[string]*unreadProgram{}
	tool := map[string]string{}
	for _, p := range t.Paths() {
		dir, name := path.Split(p)
		dir = strings.TrimSuffix(dir, "/")
		if name == "" || isVendored(dir) {
			continue
		}
		toolName := ""
		switch path.Ext(name) {
		case ".py":
			if path.Base(dir) == "versions" && HasFile(t, path.Join(path.Dir(dir), "env.py")) {
				toolName = "Alembic"
			}
		case ".ts", ".js", ".mts", ".mjs", ".cjs":
			if strings.Contains(path.Base(dir), "migration") && name[0] >= '0' && name[0] <= '9' && !IsNoProgram(name) {
				if toolName = tool[dir]; toolName == "" {
					toolName = migrationLibrary(ReadFile(t, p).Text)
				}
			}
		}
		if k := known[dir]; k != nil && k.file.MatchString(name) {
			toolName = k.tool
		} else if k == nil && toolName == "" {
			if k = unreadProgramOf(t, p, samples); k != nil {
				known[dir], toolName = k, k.tool
			}
		}
		if toolName != "" {
			count[dir]++
			tool[dir] = toolName
		}
	}
	out := make([]Unread, 0, len(count))
	for dir, n := range count {
		u := Unread{Dir: dir, Tool: tool[dir], Files: n}
		if u.Tool == "EF Core" {
			u.Project = findProject(t, dir)
		}
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Unread) int { return cmp.Compare(a.Dir, b.Dir) })
	return out
}

// findProject returns the closest directory, in or above another one, with a project of .NET; "" for the root, or for none.
func findProject(t Tree, dir string) string {
	for dir != "" && len(ListDir(t, dir, ".csproj", ".fsproj", ".vbproj").Names) == 0 {
		dir = parentDir(dir)
	}
	return dir
}

// OmitForeign removes the directories that are skipped because they are for another database than Postgres.
func OmitForeign(list []Unread, skipped []onward.Opaque) []Unread {
	return slices.DeleteFunc(list, func(u Unread) bool {
		return slices.ContainsFunc(skipped, func(o onward.Opaque) bool { return o.Database != "" && o.Path == dirOrDot(u.Dir) })
	})
}

// testName matches names of files with tests.
var testName = lazyregexp.New(`[._](?:test|spec)\.\w+$`)

// IsTest reports whether a file has tests, by its name.
func IsTest(name string) bool { return testName.MatchString(name) }

// IsNoProgram reports whether a file beside migrations is no migration, by its name: in JavaScript and TypeScript a test, type declarations, a
// list of others; EF Core's models.
func IsNoProgram(name string) bool {
	if strings.HasSuffix(name, ".Designer.cs") || strings.HasSuffix(name, "ModelSnapshot.cs") {
		return true
	}
	ending := path.Ext(name)
	if !slices.ContainsFunc(ScriptEndings, func(e string) bool { return strings.EqualFold(e, ending) }) {
		return false
	}
	stem := name[:len(name)-len(ending)]
	cut := strings.LastIndexAny(stem, "._-")
	word := stem[cut+1:]
	switch {
	case cut < 0:
		return strings.EqualFold(word, "index")
	case strings.EqualFold(word, "d"):
		return stem[cut] == '.' && strings.EqualFold(ending[len(ending)-2:], "ts")
	}
	return strings.EqualFold(word, "test") || strings.EqualFold(word, "spec")
}

// otherSQL matches the ends of file names that hold SQL but are not read as migrations.
var otherSQL = lazyregexp.New(`(?i)\.(?:sql\.(?:postgres|postgresql|pg|pgsql|psql|tmpl|tpl|template|j2|jinja2?|erb|ejs|up|in)|pgsql|psql|ddl)$`)

// OtherSQL reports whether a file holds SQL, by its name, but is not read as a migration:
// only names that end in ".sql" are.
func OtherSQL(name string) bool {
	return !strings.HasSuffix(name, ".sql") && (strings.HasSuffix(strings.ToLower(name), ".sql") || otherSQL.MatchString(name))
}
