package realrunners

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
)

// contractTool is a tool that runs the releases of testdata/contract/NAME.txtar.
type contractTool struct {
	name string
	// title is its name in docs/runners.md.
	title string
	// isProgram is set if its migrations are programs.
	isProgram bool
	// bodies is the file with what its own file lacks: "sql" has files of SQL.
	bodies string
	// run runs directories of migrations on databases, and returns an error's text for each.
	run func(t *testing.T) func([][2]string) []string
	// options are what onward.yaml would say; nil for nothing.
	options func(t *testing.T) adapter.Options
}

const djangoVenv, alembicVenv = "django-5.2-psycopg", "alembic-1.20-psycopg"

var contractTools = []contractTool{
	{name: "knex", isProgram: true, title: "Knex", run: runNodeTool("knex", "knex.cjs")},
	{name: "kysely", isProgram: true, title: "Kysely", run: runNodeTool("kysely", "kysely.cjs")},
	{name: "sequelize", isProgram: true, title: "Sequelize", run: runNodeTool("sequelize", "sequelize.cjs")},
	{name: "typeorm", isProgram: true, title: "TypeORM", run: runNodeTool("typeorm", "typeorm.cjs")},
	{name: "mikroorm", isProgram: true, title: "MikroORM", run: runNodeTool("mikro-orm", "mikroorm.cjs")},
	{name: "node-pg-migrate", isProgram: true, title: "node-pg-migrate", run: func(t *testing.T) func([][2]string) []string { return nodePgMigrate(t) }},
	{name: "db-migrate", isProgram: true, title: "db-migrate", run: dbMigrate},
	{name: "umzug-pg", isProgram: true, title: "umzug, pg", bodies: "sql", run: runUmzug},
	{name: "umzug-knex", isProgram: true, title: "umzug, Knex", bodies: "knex", run: runUmzug},
	{name: "umzug-sequelize", isProgram: true, title: "umzug, Sequelize", bodies: "sequelize", run: runUmzug},
	{name: "payload", isProgram: true, title: "Payload", run: runNodeTool("payload", "payload.cjs")},
	{name: "strapi", bodies: "knex", isProgram: true, title: "Strapi", run: runNodeTool("strapi", "strapi.cjs")},
	{name: "directus", bodies: "knex", isProgram: true, title: "Directus", run: runNodeTool("directus", "directus.cjs")},
	{name: "goose", title: "goose", bodies: "sql", run: runEach(func(t *testing.T) func(dir, url string) error {
		return func(dir, url string) error { return migrateGoose(t.Context(), dir, url) }
	})},
	{name: "golang-migrate", title: "golang-migrate", bodies: "sql", run: runEach(upMigrate)},
	{name: "sqlx", title: "sqlx", bodies: "sql", run: runEach(upSqlx)},
	{name: "dbmate", title: "dbmate", bodies: "sql", run: runEach(upDbmate)},
	{name: "drizzle", title: "Drizzle", bodies: "sql", run: runNodeTool("node", "drizzle.cjs")},
	{name: "prisma", title: "Prisma", bodies: "sql", run: runPrisma},
	{name: "flyway", title: "Flyway", bodies: "sql", run: func(t *testing.T) func([][2]string) []string { return java(t, "flyway") }},
	{name: "liquibase", title: "Liquibase", run: func(t *testing.T) func([][2]string) []string { return java(t, "liquibase") }},
	{name: "rails", isProgram: true, title: "Rails", run: runRails},
	{name: "django", isProgram: true, title: "Django", run: runPythonTool(djangoVenv, "run_django.py"), options: func(t *testing.T) adapter.Options {
		return adapter.Options{Python: pgservertest.VenvPath(t, djangoVenv)}
	}},
	{name: "alembic", isProgram: true, title: "Alembic", run: runPythonTool(alembicVenv, "run_alembic.py"), options: func(t *testing.T) adapter.Options {
		return adapter.Options{Render: adapter.RenderCommand("Alembic"), Python: pgservertest.VenvPath(t, alembicVenv)}
	}},
}

// runEach runs directories one after the other.
func runEach(up func(t *testing.T) func(dir, url string) error) func(t *testing.T) func([][2]string) []string {
	return func(t *testing.T) func([][2]string) []string {
		t.Helper()
		run := up(t)
		return func(runs [][2]string) []string {
			out := make([]string, len(runs))
			for i, r := range runs {
				if err := run(r[0], r[1]); err != nil {
					out[i] = err.Error()
				}
			}
			return out
		}
	}
}

// runPrisma runs Prisma's migrations. It refuses a database that has tables, unless its first migration is marked as applied.
func runPrisma(t *testing.T) func([][2]string) []string {
	t.Helper()
	migrate := prismaMigrate(t)
	return runEach(func(t *testing.T) func(dir, url string) error {
		t.Helper()
		return func(dir, url string) error {
			root := filepath.Join(dir, "../../..") // dir is the one of the migration's file
			write(t, root, prismaFiles)
			if err := migrate(root, url, "marked as applied", "resolve", "--applied", "0_base"); err != nil {
				return err
			}
			return migrate(root, url, "successfully applied", "deploy")
		}
	})(t)
}

// runRails runs Active Record's migrations.
func runRails(t *testing.T) func([][2]string) []string {
	t.Helper()
	adaptertest.NeedRuby(t, "activerecord")
	return atOnce(t, func(url string) string { return url }, "ruby", "testdata/run_rails.rb")
}

// runNodeTool runs a tool whose migrations are programs for Node.js, by a script of testdata.
func runNodeTool(part, script string) func(t *testing.T) func([][2]string) []string {
	return func(t *testing.T) func([][2]string) []string {
		t.Helper()
		return atOnce(t, func(url string) string { return url }, "node", "testdata/"+script, installed(t, part))
	}
}

// runPythonTool runs a tool of an environment, by a script of testdata.
func runPythonTool(venv, script string) func(t *testing.T) func([][2]string) []string {
	return func(t *testing.T) func([][2]string) []string {
		t.Helper()
		return atOnce(t, func(url string) string { return url }, pgservertest.VenvPath(t, venv, "bin", "python"), "-B", "testdata/"+script)
	}
}

// TestContract compares the statements and transactions that onward reads of a release with those that the tool sends, for the same
// releases in each tool's own idiom. NAME.want has the results, of which docs/runners.md has a table.
func TestContract(t *testing.T) {
	t.Parallel()
	for _, tool := range contractTools {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			run := tool.run(t)
			scenes, isShared := readScenes(t, &tool)
			s := server(t)
			template := contractTemplate(t, s)
			shared := t.TempDir()
			for i := range scenes {
				scene := &scenes[i]
				if scene.root = shared; !isShared {
					scene.root = t.TempDir()
				}
				write(t, scene.root, scene.files)
			}
			results := readResults(t, &tool, scenes)
			scenes = rotation.PickAfter(t, component.Turns, 4, scenes)
			var runs [][2]string
			sets := make([]*adapter.Set, len(scenes))
			for i := range scenes {
				if sets[i] = sets[0]; i == 0 || !isShared {
					sets[i] = loadProject(t, &tool, scenes[i].root)
				}
				place := filepath.Join(scenes[i].root, scenes[i].program)
				if !isShared {
					place = filepath.Dir(place)
				}
				runs = append(runs, [2]string{place, scenes[i].openProxy(t, s, template)})
			}
			failures := run(runs)
			for i := range scenes {
				scene := &scenes[i]
				if failures[i] != "" {
					t.Errorf("%s: the tool fails: %s", scene.name, failures[i])
				}
				result, difference := scene.compareRelease(t, sets[i])
				if results[scene.name] = result; difference != "" {
					t.Logf("%s: %s:\n%s", scene.name, result, difference)
				}
			}
			writeResults(t, &tool, results)
		})
	}
}

// readResults returns the results of the releases of a tool that were recorded before: a run takes some of them only.
func readResults(t *testing.T, tool *contractTool, scenes []scene) map[string]string {
	t.Helper()
	out := map[string]string{}
	text, err := os.ReadFile(tool.resultsFile())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		name, result, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if slices.ContainsFunc(scenes, func(c scene) bool { return c.name == name }) {
			out[name] = result
		}
	}
	return out
}

// writeResults compares the results with those that were recorded (-update writes them).
func writeResults(t *testing.T, tool *contractTool, results map[string]string) {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%s: %s\n", tool.title, tool.group())
	for _, name := range listScenes(t) {
		if result, ok := results[name]; ok {
			fmt.Fprintf(&out, "%s: %s\n", name, result)
		}
	}
	adaptertest.CompareFile(t, tool.resultsFile(), out.String())
}

func (tool *contractTool) resultsFile() string { return filepath.Join(contractDir, tool.name+".want") }

// group is its table in docs/runners.md.
func (tool *contractTool) group() string {
	if tool.isProgram {
		return "programs"
	}
	return "files"
}
