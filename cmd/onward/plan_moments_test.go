package main

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
)

// momentTool is a project of a migration tool whose release renames a column of its table.
type momentTool struct {
	name, table   string
	base, release map[string]string
	// run applies the pending files of a written plan; "" if the tool's plans are not written here. accept is its flag for files with findings.
	run, accept string
}

const (
	momentBase    = "CREATE TABLE users (id bigint PRIMARY KEY, nick text);\n"
	momentRelease = "ALTER TABLE users RENAME COLUMN nick TO nickname;\n"
	momentModels  = "from django.db import models\n\n\nclass Users(models.Model):\n    %s = models.TextField(null=True)\n"
	momentImports = "from django.db import migrations, models\n\n\nclass Migration(migrations.Migration):\n"
)

var momentTools = []momentTool{
	{
		"goose", "users",
		map[string]string{
			"go.mod": "module example.com/shop\n\nrequire github.com/pressly/goose/v3 v3.20.0\n", "migrations/00001_base.sql": "-- +goose Up\n" + momentBase,
		},
		map[string]string{"migrations/00002_rename.sql": "-- +goose Up\n" + momentRelease},
		"exits 0 onward apply --db $DATABASE_URL", " --accept-findings",
	},
	{
		"prisma", "users",
		map[string]string{
			"prisma/migrations/migration_lock.toml":  "provider = \"postgresql\"\n",
			"prisma/schema.prisma":                   "datasource db {\n  provider = \"postgresql\"\n  url      = env(\"DATABASE_URL\")\n}\n",
			"prisma/migrations/1_base/migration.sql": momentBase,
		},
		map[string]string{"prisma/migrations/2_rename/migration.sql": momentRelease},
		"exits 0 onward apply --db $DATABASE_URL", " --accept-findings",
	},
	{
		"sql", "users",
		map[string]string{"db/001_base.sql": momentBase},
		map[string]string{"db/002_rename.sql": momentRelease},
		"", "",
	},
	{
		"rails", "users",
		map[string]string{
			".gitignore":                        "log/\ntmp/\n",
			"db/migrate/20240101000000_base.rb": adaptertest.RailsMigration("Base", "create_table(:users) { |t| t.text :nick }"),
		},
		map[string]string{"db/migrate/20240102000000_rename.rb": adaptertest.RailsMigration("Rename", "rename_column :users, :nick, :nickname")},
		"exec env -u DATABASE_URL ruby bin/rails db:migrate", "",
	},
	{
		"django", "shop_users",
		map[string]string{
			".gitignore": "__pycache__\n",
			"manage.py": "import os, sys\nos.environ['DJANGO_SETTINGS_MODULE'] = 'conf'\nfrom django.core.management import execute_from_command_line\n" +
				"execute_from_command_line(sys.argv)\n",
			"conf.py":          "SECRET_KEY = 'x'\nINSTALLED_APPS = ['shop']\nDATABASES = {'default': {'ENGINE': 'django.db.backends.postgresql', 'NAME': 'shop'}}\n",
			"shop/__init__.py": "# an app\n", "shop/migrations/__init__.py": "# its migrations\n", "shop/models.py": fmt.Sprintf(momentModels, "nick"),
			"shop/migrations/0001_initial.py": momentImports + "    initial = True\n    operations = [migrations.CreateModel('Users', [('id', " +
				"models.BigAutoField(primary_key=True)), ('nick', models.TextField(null=True))])]\n",
		},
		map[string]string{
			"shop/models.py": fmt.Sprintf(momentModels, "nickname"),
			"shop/migrations/0002_rename.py": momentImports + "    dependencies = [('shop', '0001_initial')]\n" +
				"    operations = [migrations.RenameField('users', 'nick', 'nickname')]\n",
		},
		"", "",
	},
}

// momentScript goes through the moments of a plan that onward runs: one that is aborted, and one that is contracted.
const momentScript = `moment onward plan --base main --sketch
exits 0 onward plan --base main --pg 18 --format json --output plan.json
moment onward apply --db $DATABASE_URL --plan plan.json --through expand
moment onward status --db $DATABASE_URL
moment onward changelog --base main --db $DATABASE_URL --pg 18
exits 0 onward backfill tune --db $DATABASE_URL --rows 50
! exec query $DATABASE_URL 'BEGIN; SELECT FROM TABLE WHERE id = 120 FOR UPDATE; SELECT pg_sleep(600)' &rows&
moment onward backfill --db $DATABASE_URL --within 500ms
exec query $DATABASE_URL 'SELECT count(nickname), ''filled'' FROM TABLE WHERE id <= 120'
stdout '^(50|100)[|]filled$'
moment onward contract --db $DATABASE_URL --release main
moment onward changelog --base main --db $DATABASE_URL --pg 18
moment onward status --db $DATABASE_URL
exec query $DATABASE_URL 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ ''sleep[(]600'' AND datname = current_database()'
wait rows
moment onward backfill --db $DATABASE_URL
moment onward backfill --db $DATABASE_URL --verify
moment onward changelog --base main --db $DATABASE_URL --pg 18
moment onward verify --base main --db $DATABASE_URL
unsafe onward changelog --base main --pg 18
unsafe onward verify --base main --pg 18
moment onward abort --db $DATABASE_URL
moment onward status --db $DATABASE_URL
unsafe onward changelog --base main --pg 18
moment onward apply --db $DATABASE_URL --plan plan.json
moment onward contract --db $DATABASE_URL --release main --statement-window 0 --old-code-is-gone yes
moment onward status --db $DATABASE_URL
`

// momentWritten goes through the moments of the same plan in files, whose tool has recorded the base.
const momentWritten = `exits 0 onward plan --base main --sketch --write
exec rm -r REPLACED
exec git add -A
exec git commit -qm plan
moment onward changelog --base main --pg 18
RUN
moment onward changelog --base main --pg 18
moment onward verify --base main --pg 18
moment onward plan next
exec query $DATABASE_URL 'UPDATE TABLE SET nickname = nick WHERE id <= 20'
moment onward plan next
moment onward changelog --base main --pg 18
exec query $DATABASE_URL 'UPDATE TABLE SET nickname = nick'
exits 0 onward plan next --filled NAME
exec git add -A
exec git commit -qm filled
RUN
moment onward plan next
moment onward changelog --base main --pg 18
exits 0 onward plan next --gone main
RUN --accept
moment onward plan next
`

// TestPlanMoments compares the printed answer at each moment of a plan with what the queries of the old and the new code experience on the server: "may be
// deployed" if all of the new code's queries give the right rows, and "may not run any more" if one of the old code's does not.
func TestPlanMoments(t *testing.T) {
	t.Parallel()
	for _, tool := range rotation.Pick(t, 2, momentTools) {
		t.Run(tool.name, func(t *testing.T) {
			t.Parallel()
			python := ""
			switch tool.name {
			case "django":
				python = pgservertest.VenvPath(t, "django-5.2-psycopg", "bin", "python")
			case "rails":
				tool.base = adaptertest.RailsFiles(t, "database: <%= ENV['PGDATABASE'] %>", tool.base)
			}
			flows := map[string]string{"run": momentScript}
			if tool.run != "" {
				flows["written"] = strings.NewReplacer("RUN --accept", "exec git status\n"+tool.run+tool.accept, "RUN", "exec git status\n"+tool.run).Replace(momentWritten)
			}
			dir := t.TempDir()
			var files []string
			for flow, script := range flows {
				file := filepath.Join(dir, flow+".txtar")
				if err := os.WriteFile(file, []byte(tool.writeScript(script, flow == "written")), 0o600); err != nil {
					t.Fatal(err)
				}
				files = append(files, file)
			}
			p := params("")
			p.Dir, p.Files = "", files
			setup := p.Setup
			p.Setup = func(e *testscript.Env) error {
				db := pgservertest.Database(e.T().(testing.TB), onward.NewestMajor)
				e.Vars = append(e.Vars, "DATABASE_URL="+db)
				if tool.name == "rails" { // the address is a directory's, which its URL cannot have
					connConfig, err := pgx.ParseConfig(db)
					if err != nil {
						return err
					}
					e.Vars = append(e.Vars, "PGHOST="+connConfig.Host, fmt.Sprint("PGPORT=", connConfig.Port), "PGUSER="+connConfig.User, "PGDATABASE="+connConfig.Database,
						"RAILS_ENV=production", "SECRET_KEY_BASE=x")
				}
				if python != "" {
					e.Setenv("PATH", filepath.Dir(python)+":"+e.Getenv("PATH"))
				}
				return setup(e)
			}
			p.Cmds["moment"] = func(ts *testscript.TestScript, _ bool, args []string) { compareMoment(ts, tool.table, true, args) }
			p.Cmds["unsafe"] = func(ts *testscript.TestScript, _ bool, args []string) { compareMoment(ts, tool.table, false, args) }
			testscript.Run(t, p)
		})
	}
}

// writeScript returns the script of a tool, with its project. The tool has recorded the base if records.
func (m *momentTool) writeScript(script string, records bool) string {
	begin := "exec git init -q -b main\ncp excluded .git/info/exclude\nexec git add -A .\nexec git commit -qm base\n"
	if records {
		begin += m.run + m.accept + "\n"
	} else {
		begin += "exec query $DATABASE_URL 'CREATE TABLE " + m.table + " (id bigint PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, nick text)'\n"
		if m.name != "django" && m.name != "rails" {
			begin += "exec query $DATABASE_URL 'ALTER TABLE " + m.table + " ALTER COLUMN id DROP IDENTITY'\n"
		}
	}
	begin += "exec query $DATABASE_URL 'INSERT INTO " + m.table + " (id, nick) SELECT n, n FROM generate_series(1, 120) AS n'\nexec git checkout -q -b feature\n"
	var files strings.Builder
	files.WriteString("-- excluded --\n/excluded\n/release\n/plan.json\n/printed\n/.cache\n/.tmp\n")
	replaced, name := "", ""
	for _, path := range slices.Sorted(maps.Keys(m.release)) {
		begin += "exec mkdir -p " + filepath.Dir(path) + "\ncp release/" + path + " " + path + "\n"
		fmt.Fprintf(&files, "-- release/%s --\n%s", path, m.release[path])
		if strings.Contains(path, "rename") {
			replaced, name = path, "rename"
		}
	}
	begin += "cp release/store/users.go store/users.go\nexec git add -A .\nexec git commit -qm release\n"
	for dir, column := range map[string]string{"": "nick", "release/": "nickname"} {
		fmt.Fprintf(&files, "-- %sstore/users.go --\npackage store\n\nconst byNick = `SELECT id, %[2]s FROM %[3]s WHERE %[2]s = $1`\n", dir, column, m.table)
	}
	for _, path := range slices.Sorted(maps.Keys(m.base)) {
		fmt.Fprintf(&files, "-- %s --\n%s", path, m.base[path])
	}
	if strings.HasSuffix(replaced, "migration.sql") {
		replaced = filepath.Dir(replaced)
	}
	words := strings.NewReplacer("TABLE SET", m.table+" SET", "FROM TABLE WHERE", "FROM "+m.table+" WHERE", "REPLACED", replaced, "NAME", name)
	return words.Replace(begin+script) + files.String()
}

// compareMoment runs a command and compares its answer with the experience of both codes. Without judges, the command must not say that the new code may be
// deployed, whatever the codes experience: it judges the replaced migrations.
func compareMoment(ts *testscript.TestScript, table string, judges bool, args []string) {
	file := ts.MkAbs("printed")
	ts.Setenv("printed", file)
	_ = ts.Exec("sh", append([]string{"-c", `exec "$@" >"$printed" 2>&1`, "sh"}, args...)...) // some are refused
	output, err := os.ReadFile(file)
	ts.Check(err)
	printed := strings.Join(strings.Fields(string(output)), " ")
	mayDeploy := strings.Contains(printed, "The new code may be deployed")
	if !judges {
		if mayDeploy || strings.Contains(printed, "Safe to deploy.") || strings.Contains(printed, "then deploy the code.") {
			ts.Fatalf("%s judges the replaced migrations as safe:\n%s", args[1], output)
		}
		return
	}
	if strings.Count(printed, "The new code ") == 0 {
		ts.Fatalf("no answer:\n%s", output)
	}
	mustBeGone := strings.Contains(printed, "may run any more")
	fresh, old := experience(ts, table, "nickname", "nick"), experience(ts, table, "nick", "nickname")
	ts.Logf("%s: new code may be deployed: %t, new code: %s; old code must be gone: %t, old code: %s", args[1], mayDeploy, fresh, mustBeGone, old)
	if mayDeploy != (fresh == "right") || mustBeGone != (old != "right") {
		ts.Fatalf("the answer is not what the codes experience:\n%s", output)
	}
}

// experience returns what a code that knows the column by a name experiences: "right", or what is wrong. It reads the rows, adds one, changes one that the
// other code added, if that one works, and finds it.
func experience(ts *testscript.TestScript, table, column, other string) string {
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, ts.Getenv("DATABASE_URL"))
	ts.Check(err)
	defer conn.Close(ctx)
	tx, err := conn.Begin(ctx)
	ts.Check(err)
	defer func() { _ = tx.Rollback(ctx) }()
	part, err := tx.Begin(ctx)
	ts.Check(err)
	added := 0
	if _, err := part.Exec(ctx, "INSERT INTO "+table+" (id, "+other+") VALUES (1001, 'other')"); err == nil {
		added = 1
		ts.Check(part.Commit(ctx))
	} else {
		ts.Check(part.Rollback(ctx))
	}
	var right bool
	err = tx.QueryRow(ctx, "SELECT count(*) FILTER (WHERE "+column+" = id::text) = 120 AND count(*) FILTER (WHERE "+column+" = 'other') = $1 FROM "+table,
		added).Scan(&right)
	if err == nil && right {
		if _, err = tx.Exec(ctx, "INSERT INTO "+table+" (id, "+column+") VALUES (1002, 'own')"); err == nil {
			_, err = tx.Exec(ctx, "UPDATE "+table+" SET "+column+" = 'own' WHERE id = 1")
		}
		if err == nil {
			err = tx.QueryRow(ctx, "SELECT count(*) = 2 FROM "+table+" WHERE "+column+" = 'own'").Scan(&right)
		}
	}
	switch {
	case err != nil:
		return err.Error()
	case !right:
		return "wrong rows"
	}
	return "right"
}
