package adapter_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/adapter/golangmigrate"
	"github.com/onward-sql/onward/internal/adapter/goose"
	"github.com/onward-sql/onward/internal/adapter/sequelize"
	"github.com/onward-sql/onward/internal/adapter/sql"
	"github.com/onward-sql/onward/internal/adapter/sqlx"
	"github.com/onward-sql/onward/internal/adapter/typeorm"
)

// adapters are those that read SQL files, and two for programs.
var adapters = []adapter.Adapter{goose.Adapter, golangmigrate.Adapter, sqlx.Adapter, typeorm.Adapter, sequelize.Adapter, sql.Adapter{}}

const (
	up    = "-- +goose Up\nCREATE TABLE t (id int);\n"
	table = "CREATE TABLE t (id int);\n"
	gomod = "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n"
	cargo = "[dependencies]\nsqlx = { version = \"0.8\", features = [\"postgres\"] }\n"
)

func TestDetect(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		files map[string]string
		// want has "framework dir" for each source chosen, "! path what" for
		// each report.
		want []string
	}{
		"goose":      {map[string]string{"db/00001_a.sql": up}, []string{"goose db"}},
		"goose root": {map[string]string{"00001_a.sql": up}, []string{"goose ."}},
		"goose in Go only": {
			map[string]string{"m/00001_a.go": "package m\nfunc init() { goose.AddMigrationContext(up, down) }"},
			[]string{"goose m"},
		},
		"goose with up in the names": {map[string]string{"db/00001_a.up.sql": up, "db/00002_b.up.sql": up}, []string{"goose db"}},
		"golang-migrate by name":     {map[string]string{"sql/1_a.up.sql": table, "sql/1_a.down.sql": "DROP TABLE t;"}, []string{"golang-migrate sql"}},
		"sqlx":                       {map[string]string{"Cargo.toml": cargo, "migrations/1_a.sql": table}, []string{"sqlx migrations"}},
		"sqlx, both ways":            {map[string]string{"Cargo.toml": cargo, "db/1_a.up.sql": table, "db/1_a.down.sql": "DROP TABLE t;"}, []string{"sqlx db"}},
		"sqlx by workspace": {
			map[string]string{
				"Cargo.toml":             "[workspace.dependencies]\nsqlx = \"0.8\"\n",
				"app/Cargo.toml":         "[dependencies]\nsqlx.workspace = true\n",
				"app/migrations/1_a.sql": table,
			},
			[]string{"sqlx app/migrations"},
		},
		"sqlx by section": {
			map[string]string{"Cargo.toml": "[dependencies.sqlx]\nversion = \"0.8\"\nfeatures = [\"postgres\"]\n[profile.dev]\n", "migrations/1_a.sql": table},
			[]string{"sqlx migrations"},
		},
		"sqlx by another name, over several lines": {
			map[string]string{
				"Cargo.toml":         "[dependencies]\ndb = { package = \"sqlx\", version = \"0.8\", features = [\n  \"postgres\",\n] }\n",
				"migrations/1_a.sql": table,
			},
			[]string{"sqlx migrations"},
		},
		"sqlx in a text only": {
			map[string]string{"Cargo.toml": "[package]\ndescription = \"\"\"\nsqlx = \"0.8\"\n\"\"\"\n", "migrations/1_a.sql": table}, []string{"sql migrations"},
		},
		"sqlx by its macro": {
			map[string]string{"Cargo.toml": cargo, "src/main.rs": "sqlx::migrate!(\"./db/steps\").run(&pool).await?;", "db/steps/1_a.sql": table},
			[]string{"sqlx db/steps"},
		},
		"sqlx by sqlx.toml": {
			map[string]string{"Cargo.toml": cargo, "sqlx.toml": "[migrate]\nmigrations-dir = \"db/steps\"\n", "db/steps/1_a.sql": table},
			[]string{"sqlx db/steps"},
		},
		"a crate without sqlx": {map[string]string{"Cargo.toml": "[dependencies]\nserde = \"1\"\n", "migrations/1_a.sql": table}, []string{"sql migrations"}},
		"a crate on SQLite beside golang-migrate": {
			map[string]string{
				"app/Cargo.toml":          strings.Replace(cargo, "postgres", "sqlite", 1),
				"go.mod":                  "module m\nrequire github.com/golang-migrate/migrate/v4 v4.1.0\n",
				"migrations/1_a.up.sql":   table,
				"migrations/1_a.down.sql": "DROP TABLE t;",
			},
			[]string{"golang-migrate migrations"},
		},
		"sqlx for SQLite": {
			map[string]string{"Cargo.toml": strings.Replace(cargo, "postgres", "sqlite", 1), "migrations/1_a.sql": table},
			[]string{"! migrations migrations for SQLite"},
		},
		"plain by name":    {map[string]string{"migrations/add_users.sql": table}, []string{"sql migrations"}},
		"plain by numbers": {map[string]string{"schema/001.sql": table, "schema/002_b.sql": table}, []string{"sql schema"}},
		"queries are none": {map[string]string{"queries/1_a.sql": "SELECT 1;", "queries/2_b.sql": "SELECT 2;", "db/schema.sql": table}, nil},
		"downgrades beside": {
			map[string]string{"db/sql/1_a.sql": table, "db/sql/2_b.sql": table, "db/downgrade/1_a.sql": "DROP TABLE t;", "db/downgrade/2_b.sql": "DROP TABLE t;"},
			[]string{"sql db/sql"},
		},
		"names of two kinds, of a tool of its own": {
			map[string]string{
				"go.mod":                "module m\n",
				"migrations/1_a.up.sql": table,
				"migrations/2_b.up.sql": table,
				"migrations/3_c.sql":    table,
				"migrations/4_d.sql":    table,
			},
			[]string{"sql migrations"},
		},
		"names of two kinds, of golang-migrate": {
			map[string]string{"go.mod": gomod, "migrations/1_a.up.sql": table, "migrations/2_b.up.sql": table, "migrations/3_c.sql": table, "migrations/4_d.sql": table},
			[]string{"golang-migrate migrations"},
		},
		"down migration is none": {map[string]string{"migrations/rollback/1_a.sql": table}, nil},
		"vendored and testdata":  {map[string]string{"vendor/x/migrations/1_a.sql": up, "node_modules/x/1_a.up.sql": table, "a/testdata/1_a.sql": up}, nil},
		"tests beside": {
			map[string]string{"db/1_a.sql": up, "copier/test_source/1_a.sql": up, "integration-tests/db/1_a.sql": up, "ab_test/db/1_a.sql": up},
			[]string{"goose ab_test/db", "goose db"},
		},
		"examples beside": {map[string]string{"db/1_a.sql": up, "examples/db/1_a.sql": up}, []string{"goose db"}},
		"a location for development beside": {
			map[string]string{
				"db/migration/all/V1__a.sql":           table,
				"db/migration/all/V2__b.sql":           table,
				"db/migration/dev-seed/R__a.sql":       table,
				"db/migration/dev-seed/R__b.sql":       table,
				"db/migration/all-except-dev/R__a.sql": table,
				"db/migration/all-except-dev/R__b.sql": table,
			},
			[]string{"sql db/migration/all", "sql db/migration/all-except-dev"},
		},
		"stubs beside":   {map[string]string{"db/1_a.sql": up, "lib/stub/db/1_a.sql": up, "x/__mocks__/1_a.sql": up}, []string{"goose db"}},
		"examples alone": {map[string]string{"examples/db/1_a.sql": up}, []string{"goose examples/db"}},
		"several directories": {
			map[string]string{"a/db/1_a.sql": up, "b/db/1_a.up.sql": table, "c/migrations/1.sql": table},
			[]string{"goose a/db", "golang-migrate b/db", "sql c/migrations"},
		},
		"Go and Rust, Rust nearer": {
			map[string]string{"tools/Cargo.toml": cargo, "tools/migrations/1_a.up.sql": table},
			[]string{"sqlx tools/migrations"},
		},
		"Go and Rust": {
			map[string]string{"go.mod": gomod, "Cargo.toml": cargo, "migrations/1_a.up.sql": table},
			[]string{
				"golang-migrate migrations",
				"! migrations 2 frameworks in one directory: golang-migrate (1 files named like 1_a.up.sql, " +
					"and go.mod uses golang-migrate) and sqlx (1 files named like 1_a.up.sql, and Cargo.toml depends on sqlx)",
			},
		},
		"goose and golang-migrate": {
			map[string]string{"db/1_a.sql": up, "db/2_b.sql": up, "db/3_c.up.sql": table},
			[]string{"goose db", "! db 2 frameworks in one directory: goose (-- +goose annotations in 2 of 3 files) and golang-migrate (1 files named like 3_c.up.sql)"},
		},
		"MySQL by directory": {
			map[string]string{"migrations/mysql/1_a.up.sql": table, "migrations/postgres/1_a.up.sql": table},
			[]string{"golang-migrate migrations/postgres", "! migrations/mysql migrations for MySQL"},
		},
		"numbered directories": {
			map[string]string{"m/10/1_a.up.sql": table, "m/9/1_a.up.sql": table, "m/100/1_a.up.sql": table},
			[]string{"golang-migrate m/9", "golang-migrate m/10", "golang-migrate m/100"},
		},
		"SQLite beside Postgres": {
			map[string]string{"m/postgres/V1__a.sql": table, "m/postgres/V2__b.sql": table, "m/own/1_a.sql": table, "m/own/2_b.sql": table, "m/own/3_c.sql": table, "m/own/4_d.sql": table,
				"m/own/5_e.sql": table, "m/own/6_f.sql": table, "m/own/7_g.sql": table, "m/own/8_h.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY) STRICT;", "m/own/9_i.sql": table},
			[]string{"sql m/postgres", "! m/own migrations for SQLite"},
		},
		"a strict function beside Postgres": {
			map[string]string{
				"m/postgres/1_a.sql": table,
				"m/postgres/2_b.sql": table,
				"m/own/1_a.sql":      "CREATE FUNCTION f(a int) RETURNS TABLE (b int) STRICT AS 'SELECT 1' LANGUAGE sql;",
				"m/own/2_b.sql":      table,
			},
			[]string{"sql m/own", "sql m/postgres"},
		},
		"CockroachDB by directory": {
			map[string]string{"config/cockroachdb/1_a.up.sql": "CREATE TABLE t (id bigserial, doc jsonb);", "config/postgres/1_a.up.sql": table},
			[]string{"golang-migrate config/postgres", "! config/cockroachdb migrations for CockroachDB"},
		},
		"a file for each database": {
			map[string]string{"m/1_a.postgres.up.sql": table, "m/1_a.mysql.up.sql": table, "m/1_a.sqlite3.up.sql": table, "m/2_b.up.sql": table},
			[]string{"sql m"},
		},
		"pop": {
			map[string]string{"go.mod": "require github.com/gobuffalo/pop/v6 v6.1.1\n", "m/1_a.up.sql": table, "m/2_b.up.sql": table},
			[]string{"sql m"},
		},
		"MySQL by text": {map[string]string{"db/1_a.sql": "-- +goose Up\nCREATE TABLE `t` (id int AUTO_INCREMENT);\n"}, []string{"! db migrations for MySQL"}},
		"MySQL with procedures": {
			map[string]string{"db/migration/V1__a.sql": "CREATE TABLE u (id INT) ENGINE=InnoDB;", "db/migration/V2__b.sql": "DELIMITER $$\n" +
				"CREATE TRIGGER x BEFORE INSERT ON u FOR EACH ROW BEGIN SET NEW.id = 1; END$$\nDELIMITER ;\n"},
			[]string{"! db/migration migrations for MySQL"},
		},
		"MySQL in a directory for each migration": {
			map[string]string{"prisma/migrations/2024_a/migration.sql": "CREATE TABLE `t` (`id` INTEGER AUTO_INCREMENT);", "prisma/migrations/migration_lock.toml": ""},
			[]string{"! prisma/migrations migrations for MySQL"},
		},
		"Prisma's lock file, and not its text": {
			map[string]string{
				"pg/migrations/2024_a/migration.sql": "UPDATE t SET note = 'CREATE TABLE `t` AUTO_INCREMENT';",
				"pg/migrations/migration_lock.toml":  "provider = \"postgresql\"\n",
				"my/migrations/2024_a/migration.sql": "CREATE TABLE t (id INT);",
				"my/migrations/migration_lock.toml":  "# generated\nprovider = \"mysql\"\n",
			},
			[]string{"sql pg/migrations", "! my/migrations migrations for MySQL"},
		},
		"Prisma's datasource without a provider in the lock file": {
			map[string]string{
				"a/migrations/2024_a/migration.sql": "CREATE TABLE t (id INT);", "a/migrations/migration_lock.toml": "",
				"a/schema.prisma": "generator js {\n  provider = \"prisma-client-js\"\n}\n\ndatasource db {\n  provider = \"sqlite\"\n}\n",
			},
			[]string{"! a/migrations migrations for SQLite"},
		},
		"Drizzle's journal": {
			map[string]string{
				"d/0000_a.sql": "CREATE TABLE t (id INT);", "d/0001_b.sql": "CREATE TABLE u (id INT);",
				"d/meta/_journal.json": `{"dialect": "sqlite", "entries": [{"tag": "0000_a", "when": 1}, {"tag": "0001_b", "when": 2}]}`,
			},
			[]string{"! d migrations for SQLite"},
		},
		"SQL Server with methods of types": {
			map[string]string{"db/migrations/001_a.sql": "CREATE TABLE [dbo].[u] (id INT IDENTITY(1,1), p geography);\nGO\n" +
				"INSERT INTO u (p) VALUES (geography::Point(1, 2, 4326));\nGO\n"},
			[]string{"! db/migrations migrations for SQL Server"},
		},
		"Postgres with a text in backquotes": {
			map[string]string{"db/migrations/001_a.sql": "CREATE TABLE u (id bigserial);\nCOMMENT ON TABLE u IS 'made FROM `v`';\n"},
			[]string{"sql db/migrations"},
		},
		"ClickHouse by text": {
			map[string]string{"db/1_a.up.sql": "CREATE TABLE t (id UInt64) ENGINE = ReplicatedMergeTree() ORDER BY id;"},
			[]string{"! db migrations for ClickHouse"},
		},
		"SQLite by text": {map[string]string{"db/1_a.up.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT);"}, []string{"! db migrations for SQLite"}},
		"an option of Sequelize": {
			map[string]string{"migrations/20240101000000-a.js": "module.exports = { async up(queryInterface, Sequelize) {\n" +
				"  await queryInterface.createTable('t', { id: { type: Sequelize.INTEGER, primaryKey: true, autoIncrement: true } })\n} }\n"},
			[]string{"sequelize migrations"},
		},
		"SQLite by INSERT OR": {map[string]string{"db/1_a.up.sql": "INSERT OR IGNORE INTO t (id) VALUES (1);"}, []string{"! db migrations for SQLite"}},
		"Postgres in a directory of that name": {
			map[string]string{"mysql-import/migrations/1_a.up.sql": "CREATE TABLE t (id bigserial, doc jsonb);"},
			[]string{"golang-migrate mysql-import/migrations"},
		},
		"MySQL in templates": {
			map[string]string{"src/migrations/1700000000000-A.ts": "export class A1700000000000 implements MigrationInterface {\n" +
				"  async up(queryRunner: QueryRunner) { await queryRunner.query(`ALTER TABLE \\`t\\` ADD \\`a\\` int`) }\n}\n"},
			[]string{"! src/migrations migrations for MySQL"},
		},
		"a comment about MySQL": {map[string]string{"db/1_a.sql": up + "-- was AUTO_INCREMENT in MySQL, FROM `t`\n"}, []string{"goose db"}},
		"Diesel":                {map[string]string{"migrations/2024_a/up.sql": table, "migrations/2024_a/down.sql": "DROP TABLE t;"}, []string{"sql migrations"}},
		"Prisma":                {map[string]string{"prisma/migrations/2024_a/migration.sql": table}, []string{"sql prisma/migrations"}},
		"bun": {
			map[string]string{"migrations/1_a.tx.up.sql": table, "migrations/2_b.up.sql": table, "migrations/2_b.down.sql": "DROP TABLE t;"},
			[]string{"sql migrations"},
		},
		"the closest import decides between two tools of one name": {
			map[string]string{
				"go.mod":    "module m\nrequire (\n\tgithub.com/golang-migrate/migrate/v4 v4.18.0\n\tmaragu.dev/migrate v0.6.0\n)\n",
				"app/up.go": "package app\nimport \"maragu.dev/migrate\"\n", "app/up_test.go": "package app\nimport \"github.com/golang-migrate/migrate/v4\"\n",
				"app/postgres/1_a.up.sql": table, "app/postgres/2.up.sql": table,
				"registry/up.go": "package registry\nimport \"github.com/golang-migrate/migrate/v4\"\n", "registry/db/1_a.up.sql": table,
				"registry/db/2_b.up.sql": table,
			},
			[]string{"sql app/postgres", "golang-migrate registry/db"},
		},
		"golang-migrate runs no directory of NUMBER.up.sql": {
			map[string]string{
				"go.mod": "module m\nrequire github.com/golang-migrate/migrate/v4 v4.18.0\n", "db/1_a.up.sql": table, "db/2.up.sql": table, "db/3.up.sql": table,
			},
			[]string{"sql db"},
		},
		"SQLite by the only driver of the Go module": {
			map[string]string{
				"go.mod":        "module m\nrequire (\n\tgithub.com/golang-migrate/migrate/v4 v4.18.0\n\tgorm.io/driver/sqlite v1.5.6\n)\n",
				"db/1_a.up.sql": table, "goose/1_a.sql": up + table,
			},
			[]string{"! goose migrations for SQLite", "! db migrations for SQLite"},
		},
		"a driver of SQLite beside Postgres' own": {
			map[string]string{
				"go.mod":        "module m\nrequire (\n\tgithub.com/mattn/go-sqlite3 v1.14.22\n\tgithub.com/jackc/pgx/v5 v5.7.0\n)\n",
				"db/1_a.up.sql": table,
			},
			[]string{"golang-migrate db"},
		},
		"a driver of SQLite, and SQL of Postgres": {
			map[string]string{
				"go.mod":        "module m\nrequire github.com/mattn/go-sqlite3 v1.14.22\n",
				"db/1_a.up.sql": "CREATE TABLE t (id bigserial, at timestamptz);",
			},
			[]string{"golang-migrate db"},
		},
		"SQLite by part of a name": {
			map[string]string{"db/mysqlite/1_a.up.sql": "CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, doc jsonb);"},
			[]string{"! db/mysqlite migrations for SQLite"},
		},
		"schema beside migrations": {map[string]string{"migrate/schema.sql": table, "migrate/migrations/1.sql": table}, []string{"sql migrate/migrations"}},
		"Flyway":                   {map[string]string{"db/migration/V1__a.sql": table}, []string{"sql db/migration"}},
		"tests of Go are none":     {map[string]string{"m/1_a_test.go": "goose.AddMigration(a, b)"}, nil},
		"nothing":                  {nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(tc.files)
			sources, foreign := adapter.DetectSources(tree, adapters)
			chosen, clashes := adapter.ChooseSources(sources)
			var got []string
			for _, s := range chosen {
				dir := s.Dir
				if dir == "" {
					dir = "."
				}
				got = append(got, s.Framework+" "+dir)
			}
			for _, o := range foreign {
				if o.Failed {
					t.Errorf("%s is no failure: %+v", o.Path, o)
				}
				got = append(got, "! "+o.Path+" "+o.What)
			}
			for _, o := range clashes {
				if !o.Failed {
					t.Errorf("%s is a failure: %+v", o.Path, o)
				}
				got = append(got, "! "+o.Path+" "+o.What)
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestNotFound(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{
		"db/schema.sql":             table,
		"migrations/mysql/1_a.sql":  table,
		"queries/a.sql":             "SELECT 1;",
		"node_modules/x/1_a.up.sql": table,
	})
	sources, foreign := adapter.DetectSources(tree, adapters)
	if len(sources) > 0 {
		t.Fatalf("found %+v", sources)
	}
	text := adapter.NotFound(tree, adapters, foreign).Error()
	for _, want := range []string{
		"no migrations found in files", "  goose: ", "  golang-migrate: ", "  sqlx: ", "  sql: ",
		"db (1 file), migrations/mysql (1 file), queries (1 file)", "onward.yaml",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
	if strings.Contains(text, "node_modules/x") {
		t.Errorf("node_modules is listed:\n%s", text)
	}
}

func TestNatural(t *testing.T) {
	t.Parallel()
	sorted := []string{"", "1", "2_a", "2_b", "9", "010", "10", "10_a", "a1", "a2", "a10", "b"}
	for i, a := range sorted {
		for j, b := range sorted {
			got := adapter.CompareNatural(a, b)
			if (got < 0) != (i < j) || (got > 0) != (i > j) {
				t.Errorf("Natural(%q, %q) = %d", a, b, got)
			}
		}
	}
}

func TestNearest(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{"go.mod": "", "a/b/go.mod": ""})
	for dir, want := range map[string]string{"a/b/c/d": "a/b/go.mod", "a": "go.mod", "": "go.mod"} {
		if got, ok := adapter.NearestFile(tree, dir, "go.mod"); !ok || got != want {
			t.Errorf("Nearest(%q) = %q, %t; want %q", dir, got, ok, want)
		}
	}
	if got, ok := adapter.NearestFile(tree, "a", "Cargo.toml"); ok {
		t.Errorf("found %q", got)
	}
}
