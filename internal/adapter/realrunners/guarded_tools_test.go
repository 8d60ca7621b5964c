package realrunners

import (
	"bytes"
	"context"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/onward-sql/onward/guard"
	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
)

// guardedTool is a tool's own command, the files of its project, and how it finds the database.
type guardedTool struct {
	name    string
	command func(t *testing.T, at *url.URL) []string
	files   map[string]string
	// modules is the part of the installed packages that the project needs.
	modules string
}

// nodeProgram returns the command of a tool of npm.
func nodeProgram(name string, args ...string) func(t *testing.T, at *url.URL) []string {
	return func(*testing.T, *url.URL) []string { return append([]string{"node", "node_modules/" + name}, args...) }
}

const addNote = "ALTER TABLE item ADD COLUMN note text"

// guardedTools add a column to a table.
var guardedTools = []guardedTool{
	{
		"Knex", nodeProgram("knex/bin/cli.js", "migrate:latest"), map[string]string{
			"knexfile.js":                    "module.exports = { client: 'pg', connection: process.env.DATABASE_URL }\n",
			"migrations/20240101000000_a.js": strings.Replace(knexText, "%s", addNote, 1),
		}, "knex",
	},
	{
		"TypeORM", nodeProgram("typeorm/cli.js", "migration:run", "-d", "data-source.js"), map[string]string{
			"data-source.js": "const { DataSource } = require('typeorm')\nmodule.exports = new DataSource({ type: 'postgres', host: process.env.DB_HOST, " +
				"port: +process.env.DB_PORT, username: process.env.DB_USER, database: process.env.DB_NAME, migrations: ['migrations/*.js'] })\n",
			"migrations/1700000000001-A.js": strings.NewReplacer("%s", addNote, "%n", "1700000000001").Replace(typeormText),
		}, "typeorm",
	},
	{
		"Sequelize", func(_ *testing.T, at *url.URL) []string {
			return []string{"node", "node_modules/sequelize-cli/lib/sequelize", "db:migrate", "--url", at.String()}
		}, map[string]string{"migrations/20240101000000-a.js": strings.Replace(sequelizeText, "%s", addNote, 1)}, "sequelize",
	},
	{
		"graphile-migrate", nodeProgram(".bin/graphile-migrate", "migrate", "--config", ".gmrc"), map[string]string{
			".gmrc": "{}", "migrations/current.sql": "", "migrations/committed/000001.sql": committedFile("-", addNote+";\n"),
		}, "graphile-migrate",
	},
	{
		"sqitch", func(t *testing.T, at *url.URL) []string {
			t.Helper()
			return []string{component.NeedProgram(t, component.Sqitch, "sqitch"), "deploy", "--db-host", at.Hostname(),
				"--db-port", at.Port(), "--db-user", at.User.Username(), "--db-name", at.Path[1:]}
		}, map[string]string{
			"sqitch.conf":  "[core]\n\tengine = pg\n[user]\n\tname = a\n\temail = a@example.com\n",
			"sqitch.plan":  "%syntax-version=1.0.0\n%project=shop\n\na 2024-01-01T00:00:00Z a <a@example.com> # a\n",
			"deploy/a.sql": addNote + ";\n",
		}, "",
	},
	{
		"Alembic", func(t *testing.T, _ *url.URL) []string {
			t.Helper()
			return []string{pgservertest.VenvPath(t, "alembic-1.20-psycopg", "bin", "alembic"), "upgrade", "head"}
		}, map[string]string{
			"alembic.ini": "[alembic]\nscript_location = migrations\n",
			"migrations/env.py": "import os\nfrom alembic import context\nfrom sqlalchemy import create_engine\n\n" +
				"with create_engine(os.environ['DATABASE_URL'].replace('postgres://', 'postgresql+psycopg://')).connect() as connection:\n" +
				"    context.configure(connection=connection)\n    with context.begin_transaction():\n        context.run_migrations()\n",
			"migrations/versions/a1_a.py": "from alembic import op\n\nrevision = 'a1'\ndown_revision = None\n\n\n" +
				"def upgrade():\n    op.execute('" + addNote + "')\n",
		}, "",
	},
}

// TestGuardedTools runs the tools' own commands under the guard: they are held back while somebody reads the table.
func TestGuardedTools(t *testing.T) {
	t.Parallel()
	for _, tool := range rotation.PickAfter(t, component.Turns, 3, guardedTools) {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			tool.run(t)
		})
	}
}

// run runs the tool while another session reads the table.
func (g *guardedTool) run(t *testing.T) {
	t.Helper()
	s := server(t)
	db, conn := database(t, s)
	at, err := url.Parse(overTCP(t, s, db))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, g.files)
	if g.modules != "" {
		if err := os.Symlink(filepath.Join(installed(t, g.modules), "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, conn, "CREATE TABLE item (id int); INSERT INTO item VALUES (1)")
	var out bytes.Buffer
	held := false
	c := guard.Config{
		DB: at.String(), Dir: dir, Out: &out, Err: &out, Within: time.Minute, Command: g.command(t, at),
		Env: append(os.Environ(), "DATABASE_URL="+at.String(), "DB_HOST="+at.Hostname(), "DB_PORT="+at.Port(), "DB_USER="+at.User.Username(), "DB_NAME="+db,
			"PYTHONDONTWRITEBYTECODE=1"),
		Tell: func(words string) {
			if strings.Contains(words, "is held back: ") && !held {
				held = true
				time.AfterFunc(300*time.Millisecond, func() { _, _ = conn.Exec(context.WithoutCancel(t.Context()), "COMMIT") })
			}
		},
	}
	execute(t, conn, "BEGIN")
	execute(t, conn, "SELECT FROM item")
	time.Sleep(60 * time.Millisecond)
	r, err := guard.Run(t.Context(), c)
	if err != nil || r.ExitCode != 0 || len(r.Runs) != 1 || !held || len(r.Runs[0].Waited) != 1 {
		t.Fatalf("guard: %v; result %+v, want one run that waited once\n%s", err, r, out.String())
	}
	var columns int
	const added = "SELECT count(*) FROM pg_attribute WHERE attrelid = 'item'::regclass AND attname = 'note'"
	if err := conn.QueryRow(t.Context(), added).Scan(&columns); err != nil || columns != 1 {
		t.Errorf("%d columns (%v)", columns, err)
	}
	// Everything is applied: it has nothing to do.
	if r, err := guard.Run(t.Context(), c); err != nil || r.ExitCode != 0 || len(r.Runs[0].Waited) > 0 {
		t.Errorf("guard again: %v; result %+v, want no wait, because nothing is pending\n%s", err, r, out.String())
	}
}
