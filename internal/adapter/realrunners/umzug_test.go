package realrunners

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// runUmzug runs the project's program that starts umzug, beside the directory of migrations.
func runUmzug(t *testing.T) func([][2]string) []string {
	t.Helper()
	modules := filepath.Join(installed(t, "umzug"), "node_modules")
	return perRun(t, func(dir, url string) *exec.Cmd {
		root := filepath.Join(dir, "../..")
		if err := os.Symlink(modules, filepath.Join(root, "node_modules")); err != nil && !os.IsExist(err) {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "node", "src/migrate.js")
		cmd.Dir, cmd.Env = root, append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	})
}

// What a program may give to its migrations: an object, the result of a function, or an object of several.
func TestUmzugContexts(t *testing.T) {
	t.Parallel()
	const migration = "src/migrations/2024.01.01T00.00.00.release.js"
	connections := map[string]string{
		"pg": "const client = new (require('pg').Client)({ connectionString: process.env.DATABASE_URL })\n" +
			"const begin = () => client.connect(), end = () => client.end()\n",
		"knex": "const knex = require('knex')({ client: 'pg', connection: process.env.DATABASE_URL })\n" +
			"const begin = async () => {}, end = () => knex.destroy()\n",
		"sequelize": "const { Sequelize } = require('sequelize')\n" +
			"const sequelize = new Sequelize(process.env.DATABASE_URL, { logging: false })\n" +
			"const begin = async () => {}, end = () => sequelize.close()\n",
	}
	cases := map[string]struct{ library, context, up string }{
		"a client in an object": {"pg", "{ client, log: console }", "exports.up = async ({ context: { client } }) => {\n" +
			"  await client.query('ALTER TABLE users ADD COLUMN phone text')\n}"},
		"a client of a function": {"pg", "async () => {\n    await client.query('SELECT 1')\n    return client\n  }",
			"exports.up = async ({ context }) => {\n  await context.query('UPDATE users SET nick = $1 WHERE id = ANY ($2)', ['x', [1, 2]])\n}"},
		"Knex in an object of a function": {"knex", "() => ({ db: knex, schema: 'shop' })", "exports.up = async ({ context: { db, schema } }) => {\n" +
			"  await db.schema.alterTable('users', (table) => table.text('phone'))\n}"},
		"the query interface": {"sequelize", "sequelize.getQueryInterface()", "const { DataTypes } = require('sequelize')\n\n" +
			"exports.up = async ({ context: queryInterface, name }) => {\n  await queryInterface.addColumn('users', 'phone', DataTypes.TEXT)\n" +
			"  await queryInterface.sequelize.query(`COMMENT ON COLUMN users.phone IS '${name}'`)\n}"},
		"Sequelize": {"sequelize", "sequelize", "const { DataTypes } = require('sequelize')\n\nexports.up = async ({ context }) => {\n" +
			"  await context.getQueryInterface().addColumn('users', 'phone', DataTypes.TEXT)\n" +
			"  await context.query(\"UPDATE users SET phone = ''\")\n" +
			"  await context.transaction(async (transaction) => {\n" +
			"    await context.getQueryInterface().removeColumn('users', 'nick', { transaction })\n" +
			"    await context.query('ALTER TABLE users DROP COLUMN note', { transaction })\n  })\n}"},
		"Sequelize in an object": {"sequelize", "{\n    sequelize,\n    q: sequelize.getQueryInterface(),\n    Sequelize,\n  }",
			"exports.up = async ({ context: { sequelize, q, Sequelize } }) => {\n  await q.addColumn('users', 'phone', Sequelize.STRING(20))\n" +
				"  await sequelize.query(\"UPDATE users SET phone = ''\")\n}"},
	}
	names := slices.Sorted(maps.Keys(cases))
	run := runUmzug(t)
	s := server(t)
	template := contractTemplate(t, s)
	scenes := make([]scene, len(cases))
	var runs [][2]string
	for i, name := range names {
		c := cases[name]
		program := "const { Umzug } = require('umzug')\n" + connections[c.library] + "\nconst umzug = new Umzug({\n" +
			"  migrations: { glob: ['migrations/*.js', { cwd: __dirname }] },\n  context: " + c.context + ",\n  logger: undefined,\n})\n\n" +
			"begin().then(() => umzug.up()).then(end)\n"
		scenes[i] = scene{name: name, program: migration, root: t.TempDir(), files: map[string]string{
			migration: c.up + "\n", "src/migrate.js": program,
			"package.json": `{"dependencies": {"knex": "3.3.0", "pg": "8.16.3", "sequelize": "6.37.7", "umzug": "3.8.2"}}`,
		}}
		write(t, scenes[i].root, scenes[i].files)
		runs = append(runs, [2]string{filepath.Join(scenes[i].root, filepath.Dir(migration)), scenes[i].openProxy(t, s, template)})
	}
	tool := contractTool{name: "umzug"}
	for i := range scenes {
		set := loadProject(t, &tool, scenes[i].root)
		if failed := run(runs[i : i+1])[0]; failed != "" {
			t.Errorf("umzug runs %s: %s", names[i], failed)
			continue
		}
		if result, difference := scenes[i].compareRelease(t, set); result != "equal" {
			t.Errorf("%s: %s, want equal\n%s\ngaps: %s", names[i], result, difference, strings.Join(set.Gaps, "\n"))
		}
	}
}
