package sql

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	changesets "github.com/onward-sql/onward/internal/adapter/liquibase"
)

// Files next to the migrations identify the runner, and with it how it sends them and
// what it refuses.
func TestRunner(t *testing.T) {
	t.Parallel()
	const (
		sql = "SELECT 1;"
		cic = "CREATE INDEX CONCURRENTLY i ON t (a);"
	)
	for name, tc := range map[string]struct {
		dir   string
		files map[string]string
		want  string
	}{
		"Supabase": {"supabase/migrations", map[string]string{
			"supabase/config.toml": "", "supabase/migrations/20240101000000_a.sql": sql, "supabase/migrations/20240102000000_b.sql": "-- migrate:up\n" + cic,
		}, "20240101000000_a pipeline; 20240102000000_b pipeline"},
		"a directory of that name without its configuration": {"supabase/migrations", map[string]string{
			"supabase/migrations/20240101000000_a.sql": sql,
		}, "20240101000000_a none"},
		"Supabase passes over names without an underscore": {"supabase/migrations", map[string]string{
			"supabase/config.toml": "", "supabase/migrations/1_a.sql": sql, "supabase/migrations/2.sql": sql,
		}, "1_a pipeline; ! 2.sql: the migration never runs"},
		"Diesel refuses a file of comments": {"migrations", map[string]string{
			"diesel.toml": "", "migrations/2024-01-01-000000_a/up.sql": "-- Your SQL goes here\n/* nothing */ ;\n", "migrations/2024-01-02-000000_b/up.sql": "-- Your SQL goes here\n" + sql,
		}, "2024-01-01-000000_a file, 1: error; 2024-01-02-000000_b file"},
		"Supabase, one time twice": {"supabase/migrations", map[string]string{
			"supabase/config.toml": "", "supabase/migrations/20240101000000_a.sql": sql, "supabase/migrations/20240101000000_b.sql": sql,
		}, "20240101000000_a pipeline; 20240101000000_b pipeline; = the second fails: Supabase's CLI records versions, and none twice"},
		"Drizzle runs in the order of its journal": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0000_a", "when": 5}, {"tag": "0001_b", "when": 4}]}`,
			"drizzle/0000_a.sql":         sql, "drizzle/0001_b.sql": sql,
		}, "0001_b file; 0000_a file; together"},
		"Drizzle does not run what its journal does not name": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0000_a", "when": 5}]}`,
			"drizzle/0000_a.sql":         sql, "drizzle/0001_b.sql": "CREATE TABLE other (id int);",
		}, "0000_a file; 0001_b file; together; ! 0001_b.sql: Drizzle runs what the journal names: the migration never runs, and nothing says so"},
		"what the journal does not name and another does": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0002_c", "when": 5}]}`,
			"drizzle/0001_b.sql":         "CREATE TABLE other (id int);",
			"drizzle/0002_c.sql":         "CREATE TABLE more (id int);--> statement-breakpoint\nCREATE TABLE other (id int)",
		}, "0002_c file; together; ! 0001_b.sql: Drizzle runs what the journal names: the migration never runs, and nothing says so"},
		"a journal that is a thing of the past": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0000_a", "when": 5}]}`,
			"drizzle/0000_a.sql":         sql, "drizzle/0001_b.sql": sql, "drizzle/0001_c.sql": cic, "drizzle/0002_d.sql": sql,
		}, "0000_a none; 0001_b none; 0001_c none; 0002_d none; = both have number 0001: the rest of their names orders them"},
		"a file of the journal is gone": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0000_a", "when": 5}, {"tag": "0001_b", "when": 6}]}`,
			"drizzle/0001_b.sql":         sql,
		}, `0001_b file; together; ! _journal.json: Drizzle refuses to run: "No file drizzle/0000_a.sql found"`},
		"Drizzle, two of one number": {"drizzle", map[string]string{
			"drizzle/meta/_journal.json": `{"entries": [{"tag": "0001_a", "when": 5}, {"tag": "0001_b", "when": 6}]}`,
			"drizzle/0001_a.sql":         sql, "drizzle/0001_b.sql": sql,
		}, "0001_a file; 0001_b file; together"},
		"Drizzle 1.0": {"drizzle", map[string]string{
			"drizzle/20250101000000_a/migration.sql": sql, "drizzle/20250101000000_a/snapshot.json": "{}",
		}, "20250101000000_a file; together"},
		"Prisma": {"prisma/migrations", map[string]string{
			"prisma/migrations/20250101000000_a/migration.sql": sql, "prisma/migrations/migration_lock.toml": "",
		}, "20250101000000_a message"},
		"Prisma from 7.4 on": {"prisma/migrations", map[string]string{
			"package-lock.json": `{"packages": {"node_modules/prisma": {"version": "7.4.0"}}}`, "prisma/migrations/migration_lock.toml": "",
			"prisma/migrations/20250101000000_a/migration.sql": sql + cic, "prisma/migrations/20250102000000_b/migration.sql": sql + sql,
			"prisma/migrations/20250103000000_c/migration.sql": cic + "DROP INDEX CONCURRENTLY j;", "prisma/migrations/20250104000000_d/migration.sql": cic + "\nDO $$BEGIN END$$;",
		}, "20250101000000_a none; 20250102000000_b message; 20250103000000_c message; 20250104000000_d message"},
		"Prisma before 7.4, by pnpm's lock file": {"prisma/migrations", map[string]string{
			"pnpm-lock.yaml": "packages:\n\n  prisma@7.3.0:\n    resolution: {}\n", "package.json": `{"devDependencies": {"prisma": "^7.9.0"}}`, "prisma/migrations/migration_lock.toml": "",
			"prisma/migrations/20250101000000_a/migration.sql": sql + cic,
		}, "20250101000000_a message"},
		"Prisma 8, by yarn's lock file": {"prisma/migrations", map[string]string{
			"yarn.lock": "\"prisma@npm:^8.0.0\":\n  version: 8.1.0\n  resolution: \"prisma@npm:8.1.0\"\n", "prisma/migrations/migration_lock.toml": "",
			"prisma/migrations/20250101000000_a/migration.sql": sql + cic,
		}, "20250101000000_a none"},
		"maragu.dev/migrate matches a dot with any character": {"m", map[string]string{
			"go.mod": "require maragu.dev/migrate v0.6.0\n", "m/1_a.up.sql": sql, "m/2_makeup_up.sql": sql, "m/2_makeup_down.sql": "TEXT",
			"m/3_lineup.up.sql": sql, "m/4_d.v2.up.sql": sql,
		}, "1_a file; 2_makeup file; 3_lineup file; ! 4_d.v2.up.sql: the migration never runs"},
		"pop": {"m", map[string]string{
			"go.mod": "require github.com/ory/pop/v6 v6.4.0", "m/20240101000000_a.postgres.up.sql": sql, "m/20240101000000_a.up.sql": "TEXT", "m/20240101000000_a.mysql.up.sql": "TEXT",
			"m/20240101000000_a.postgres.down.sql": sql, "m/20240102000000_b.up.sql": sql, "m/20240102000000_b.cockroach.up.sql": "TEXT", "m/20240103000000_c.autocommit.up.sql": cic,
		}, "20240101000000_a file; 20240102000000_b file; 20240103000000_c message"},
		"pop, without a transaction for Postgres alone": {"m", map[string]string{
			"go.mod": "require github.com/ory/pop/v6 v6.4.0", "m/20240101000000_a.postgres.autocommit.up.sql": cic, "m/20240101000000_a.up.sql": "TEXT", "m/20240101000000_a.mysql.up.sql": "TEXT",
		}, "20240101000000_a message"},
		"a file for another database only": {"m", map[string]string{
			"m/001_a.up.sql": sql, "m/002_b.mysql.up.sql": "TEXT", "m/003_c.oracle.up.sql": sql,
		}, "001_a none; 003_c.oracle none"},
		"a file for each database, and one for all": {"m", map[string]string{
			"m/V0001.a.postgres.up.sql": sql, "m/V0001.a.mysql.up.sql": "TEXT", "m/V0001.a.all.down.sql": sql, "m/V0002.b.all.up.sql": sql,
		}, "V0001.a.postgres none; V0002.b.all none"},
		"tern by its configuration": {"m", map[string]string{
			"m/tern.conf": "", "m/001_a.sql": sql, "m/002_b.sql": "---- tern: disable-tx ----\n" + cic,
		}, "001_a file; 002_b none"},
		"tern refuses gaps": {"m", map[string]string{
			"m/tern.conf": "", "m/001_a.sql": sql, "m/003_b.sql": sql,
		}, `001_a file; 003_b file; ! 003_b.sql: tern refuses to run: "Missing migration 2"`},
		"tern by the markers of the others": {"m", map[string]string{
			"m/001_a.sql": "SELECT 1;\n---- create above / drop below ----\nSELECT 2;\n", "m/002_b.sql": cic,
		}, "001_a file; 002_b file"},
		"tern's configuration above other scripts": {"m", map[string]string{
			"tern.conf": "", "m/001_a.sql": sql, "m/005_b.sql": sql,
		}, "001_a none; 005_b none"},
		"Flyway refuses what is mixed": {"db/migration", map[string]string{
			"db/migration/V1__a.sql": sql, "db/migration/V2__b.sql": "SET lock_timeout = 0;\n" + cic,
		}, "V1__a file; V2__b none, 2: error"},
		"Flyway, mixed by a setting": {"db/migration", map[string]string{
			"src/application.yml": "spring:\n  flyway:\n    mixed: true\n", "db/migration/V2__b.sql": "SET lock_timeout = 0;\n" + cic,
		}, "V2__b none, 2: warning"},
		"Flyway, mixed more than once": {"db/migration", map[string]string{
			"db/migration/V1__a.sql": sql + cic, "db/migration/V2__b.sql": cic + sql,
		}, "V1__a none, 1: warning; V2__b none, 1: warning"},
		"Flyway, by the file's own settings": {"db/migration", map[string]string{
			"db/migration/V1__a.sql": sql + cic, "db/migration/V1__a.sql.conf": "executeInTransaction=false\n",
			"db/migration/V2__b.sql": cic, "db/migration/V2__b.sql.conf": "executeInTransaction=true\n",
		}, "V1__a none; V2__b file"},
		"Flyway knows no other CONCURRENTLY": {"db/migration", map[string]string{
			"db/migration/V1__a.sql": "-- CREATE INDEX CONCURRENTLY\nREFRESH MATERIALIZED VIEW CONCURRENTLY v;", "db/migration/V2__b.sql": "REINDEX TABLE CONCURRENTLY t;",
		}, "V1__a file; V2__b file"},
		"dbmate, one time twice": {"m", map[string]string{
			"m/20240101000000_a.sql": "-- migrate:up\n" + sql, "m/20240101000000_b.sql": "-- migrate:up transaction:false\n" + cic,
		}, `20240101000000_a file; 20240101000000_b message; = dbmate records versions: a database that has the first never runs the second, and a new one fails on it: duplicate key value violates unique constraint "schema_migrations_pkey"`},
		"a tool that nobody knows, one time twice": {"m", map[string]string{
			"m/20240101000000_a.sql": sql, "m/20240101000000_b.sql": sql,
		}, "20240101000000_a none; 20240101000000_b none"},
		"Flyway hangs in no file that it refuses": {"db/migration", map[string]string{
			"pom.xml": "<artifactId>flyway-core</artifactId>", "db/migration/V1__a.sql": sql + cic,
		}, "V1__a none, 1: error"},
		"psql -1 in a Makefile": {"db/changes", map[string]string{
			"Makefile":           "PSQL = psql -X -v ON_ERROR_STOP=1 $(URL)\nmigrate:\n\t@for f in $$(ls db/changes/*.sql); do \\\n\t  $(PSQL) -1 -f $$f && $(PSQL) -c \"insert into done values ('$$f')\"; \\\n\tdone\n",
			"db/changes/1_a.sql": sql, "db/changes/2_b.sql": cic,
		}, "1_a file; 2_b file"},
		"psql -1 by a variable": {"migrations", map[string]string{
			"Makefile": "PSQL := psql --single-transaction\nmigrate:\n\tcat migrations/*.sql | $(PSQL)\n", "migrations/1_a.sql": sql,
		}, "1_a file"},
		"psql in two ways": {"migrations", map[string]string{
			"bin/migrate": "for f in migrations/*.sql; do psql -1 -f \"$f\"; done\n", "dev.sh": "for f in migrations/*.sql; do psql -v ON_ERROR_STOP=1 -f \"$f\"; done\n", "migrations/1_a.sql": sql,
		}, "1_a none"},
		"psql -1 for other files": {"migrations", map[string]string{
			"bin/seed": "# after migrations\npsql -1 -f seeds.sql\n", "migrations/1_a.sql": sql,
		}, "1_a none"},
		"Flyway waits for itself, the first time": {"db/migration", map[string]string{
			"pom.xml": "<artifactId>flyway-core</artifactId>", "db/migration/V1__a.sql": sql, "db/migration/V2__b.sql": "-- why\n" + cic, "db/migration/V3__c.sql": cic,
		}, "V1__a file; V2__b none, 2: warning; V3__c none"},
		"Flyway, locking by its session": {"db/migration", map[string]string{
			"src/application.yml": "spring:\n  flyway:\n    postgresql:\n      transactional-lock: false\n", "db/migration/V2__b.sql": cic,
		}, "V2__b none"},
		"Flyway, locking by its session in TOML": {"db/migration", map[string]string{
			"flyway.toml": "[flyway.postgresql.transactional]\nlock = false\n", "db/migration/V2__b.sql": cic,
		}, "V2__b none"},
		"Flyway, locking by its session in code": {"db/migration", map[string]string{
			"build.gradle": "id 'org.flywaydb.flyway'", "src/DbConfig.java": `flyway.configuration(Map.of("flyway.postgresql.transactional.lock", "false"))`, "db/migration/V2__b.sql": cic,
		}, "V2__b none"},
		"Flyway, locking by its session in Kotlin": {"db/migration", map[string]string{
			"build.gradle.kts": "id(\"org.flywaydb.flyway\")", "src/Migrations.kt": `Flyway.configure().configuration(mapOf("flyway.postgresql.transactional.lock" to "false"))`, "db/migration/V2__b.sql": cic,
		}, "V2__b none"},
		"Flyway's names alone may be another's": {"db/migration", map[string]string{"db/migration/V2__b.sql": cic}, "V2__b none"},
		"sql-migrate by its configuration": {"m", map[string]string{
			"dbconfig.yml": "", "m/1_a.sql": "-- +migrate Up\nDO $$ BEGIN\nNULL;\nEND $$;\n",
		}, "1_a file, 2: error"},
		"sql-migrate in Go": {"m", map[string]string{
			"go.mod": "require github.com/rubenv/sql-migrate v1.8.1\n", "m/1_a.sql": "-- +migrate Up notransaction\nSELECT 1\n",
		}, "1_a none, 2: error"},
		"sql-migrate's markers alone": {"m", map[string]string{
			"m/1_a.sql": "-- +migrate Up\nDO $$ BEGIN\nNULL;\nEND $$;\n",
		}, "1_a file"},
		"Atlas": {"m", map[string]string{
			"m/atlas.sum": "h1:x", "m/20240101000000_a.sql": sql, "m/20240102000000_b.sql": "-- why\n-- atlas:txmode none\n\n" + cic,
			"m/20240103000000_c.sql": "-- atlas:txmode none\n" + cic, "m/20240104000000_d.sql": "-- atlas:checkpoint\n\n" + sql,
		}, "20240101000000_a file; 20240102000000_b none; 20240103000000_c file"},
		"a directory that begins with a checkpoint of Atlas": {"m", map[string]string{
			"m/atlas.sum": "h1:x", "m/20240101000000_a.sql": "-- atlas:checkpoint v1\n\n" + sql,
		}, "20240101000000_a file"},
		"Atlas' sums beside another's files": {"m", map[string]string{
			"m/atlas.sum": "h1:x", "m/20240101000000_a.sql": "-- +goose Up\n-- +goose NO TRANSACTION\n" + cic,
		}, "20240101000000_a none"},
		"refinery": {"migrations", map[string]string{
			"Cargo.toml": "[dependencies]\nrefinery = { version = \"0.8\" }\n", "migrations/V1__a.sql": sql, "migrations/V2__b.sql": cic,
		}, "V1__a file; V2__b file"},
		"node-pg-migrate": {"m", map[string]string{
			"m/1700000000000_a.sql": "-- Up Migration\n" + sql + "\n-- Down Migration\n" + sql, "m/1700000000001_b.sql": cic,
		}, "1700000000000_a file; 1700000000001_b file; together"},
		"node-pg-migrate for programs, beside SQL of another": {"m", map[string]string{
			"package.json": `{"dependencies": {"node-pg-migrate": "8"}}`, "m/001_a.sql": sql,
		}, "001_a none"},
		"Flyway in groups": {"db/migration", map[string]string{
			"flyway.toml": "[flyway]\ngroup = true\n", "db/migration/V1__a.sql": sql,
		}, "V1__a file; together"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := described(t, tc.dir, tc.files); got != tc.want {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

// described is what is made of a directory, in a line.
func described(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	set, err := Adapter{}.Load(context.Background(), adaptertest.Text(files), adapter.Source{Framework: Name, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, m := range set.Migrations {
		line := m.ID + " " + string(m.Source.Mode)
		for _, p := range m.Problems {
			severity := "error"
			if p.Severity != 0 {
				severity = p.Severity.String()
			}
			line += fmt.Sprintf(", %d: %s", p.Line, severity)
		}
		out = append(out, line)
	}
	for _, h := range set.History {
		out = append(out, "= "+h.Detail)
	}
	if set.Together {
		out = append(out, "together")
	}
	for _, p := range set.Problems {
		out = append(out, "! "+p.Path[strings.LastIndexByte(p.Path, '/')+1:]+": "+p.Harm)
	}
	return strings.Join(out, "; ")
}

// Line ends are no edit to Flyway; comments are.
func TestFlywayHash(t *testing.T) {
	t.Parallel()
	hash := func(text string) string {
		set, err := Adapter{}.Load(context.Background(), adaptertest.Text(map[string]string{"m/V1__a.sql": text}), adapter.Source{Framework: Name, Dir: "m"})
		if err != nil {
			t.Fatal(err)
		}
		return set.Migrations[0].Hash
	}
	if hash("SELECT 1;\nSELECT 2;\n") != hash("SELECT 1;\r\nSELECT 2;") {
		t.Error("line ends count")
	}
	if hash("SELECT 1;\n") == hash("SELECT 1;\n-- one\n") {
		t.Error("comments do not count")
	}
}

// Where sql-migrate cuts a file, and what it refuses.
func TestSQLMigrate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text     string
		parts    []string
		problems []string
	}{
		"a body without StatementBegin": {
			"-- +migrate Up\nCREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN NEW;\nEND\n$$;\n-- +migrate Down\n",
			[]string{"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$\nBEGIN\n  RETURN NEW;\nEND\n$$;"},
			[]string{"2: sql-migrate ends the statement at the ';' of line 4, inside a body quoted with $$"},
		},
		"a body with it": {
			"-- +migrate Up\n-- +migrate StatementBegin\nDO $$\nBEGIN\n  NULL;\nEND\n$$;\n-- +migrate StatementEnd\nSELECT 1;\n",
			[]string{"DO $$\nBEGIN\n  NULL;\nEND\n$$;", "SELECT 1;"}, nil,
		},
		"two on a line":  {"-- +migrate Up\nSELECT 1; SELECT 2; -- both\n", []string{"SELECT 1; SELECT 2; -- both"}, nil},
		"comments alone": {"-- +migrate Up\nSELECT 1;\n-- done\n\n-- +migrate Down\n-- nothing\n", []string{"SELECT 1;"}, nil},
		"no semicolon": {
			"-- +migrate Up\nSELECT 1;\nSELECT 2\n-- +migrate Down\nSELECT 3;\n", []string{"SELECT 1;", "SELECT 2"},
			[]string{"3: the statement has no ';' at the end of a line before Down follows"},
		},
		"no semicolon in the down migration": {
			"-- +migrate Up\nSELECT 1;\n-- +migrate Down\nSELECT 3\n", []string{"SELECT 1;"},
			[]string{"4: the statement has no ';' at the end of a line before the file ends"},
		},
		"no StatementEnd": {
			"-- +migrate Up\n-- +migrate StatementBegin\nSELECT 1;\n", []string{"SELECT 1;"},
			[]string{"3: StatementBegin has no StatementEnd"},
		},
		"CRLF": {"-- +migrate Up\r\nSELECT 1;\r\n-- +migrate Down\r\nSELECT 2;\r\n", []string{"SELECT 1;"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			parts, problems := cutAtLines(tc.text)
			var got, refused []string
			for _, p := range parts {
				got = append(got, p.SQL)
			}
			for _, p := range problems {
				refused = append(refused, fmt.Sprintf("%d: %s", p.Line, p.Message))
			}
			if diff := cmp.Diff(tc.parts, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tc.problems, refused); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// A role that the runner fills in is one, and the same one everywhere.
func TestFilledRole(t *testing.T) {
	t.Parallel()
	set, err := Adapter{}.Load(context.Background(), adaptertest.Text(map[string]string{
		"m/V1__a.sql": "GRANT SELECT ON t TO ${appRole};\n", "m/V2__b.sql": "REVOKE SELECT ON t FROM ${appRole};\n",
	}), adapter.Source{Framework: Name, Dir: "m"})
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{`GRANT SELECT ON t TO  "approle";`, `REVOKE SELECT ON t FROM  "approle";`} {
		if m := set.Migrations[i]; m.Source.Parts[0].SQL != want || !strings.Contains(m.Source.Written, "${appRole}") {
			t.Errorf("got %s, written %s", m.Source.Parts[0].SQL, m.Source.Written)
		}
	}
}

// The changesets of a file of Liquibase's: names, texts, and how they are sent.
func TestChangesets(t *testing.T) {
	t.Parallel()
	text := `--liquibase formatted sql

-- a comment in front of all
--changeset jo:1
SELECT 1;
SELECT 2;
--rollback SELECT 0;

-- changeset "jo b":"2 c" runInTransaction:false splitStatements:false
SELECT 3; SELECT 4;
--changeset jo:3 dbms:!postgresql
NOTHING;
--changeset jo:4 endDelimiter:/ runOnChange:true dbms:"postgresql,h2"
DO $$ BEGIN NULL; END $$
/
SELECT 5
/
--changeset jo:5 dbms:oracle
NOTHING;
`
	var got []string
	parts, _ := changesets.SplitChangesets(text)
	for _, p := range parts {
		sql, _, _ := strings.Cut(p.SQL, "\n")
		got = append(got, fmt.Sprintf("%s %d %v %v %s", p.Name, p.Block, p.Message, p.Again, sql))
	}
	if diff := cmp.Diff([]string{
		"jo:1 1 false false SELECT 1;", "jo b:2 c 0 true false SELECT 3; SELECT 4;",
		"jo:4 4 false true DO $$ BEGIN NULL; END $$", "jo:4 4 false true SELECT 5",
	}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Files are in the order of a changelog, or of their paths if no changelog names them.
func TestChangelogOrder(t *testing.T) {
	t.Parallel()
	const head = "--liquibase formatted sql\n--changeset a:1\nSELECT 1;\n"
	for _, tc := range []struct{ master, want string }{
		{"databaseChangeLog:\n  - include: {file: db/changelog/c/9-a.sql}\n  - include: {file: db/changelog/c/10-b.sql}\n  - include: {file: db/changelog/c/1-c.sql}\n", "9-a none; 10-b none; 1-c none"},
		{"databaseChangeLog:\n  - includeAll: {path: c/}\n", "1-c none; 10-b none; 9-a none"},
		// 10-b is not named: it keeps its place, between the others.
		{"databaseChangeLog:\n  - include: {file: c/9-a.sql}\n  - include: {file: c/1-c.sql}\n", "9-a none; 10-b none; 1-c none"},
		// 11-c.sql and 1-c.sql.bak are other files.
		{"databaseChangeLog:\n  - include: {file: old/11-c.sql}\n  - include: {file: c/1-c.sql.bak}\n  - include: {file: c/9-a.sql}\n" +
			"  - include: {file: c/10-b.sql}\n  - include: {file: c/1-c.sql}\n", "9-a none; 10-b none; 1-c none"},
	} {
		got := described(t, "db/changelog/c", map[string]string{
			"db/changelog/master.yaml": tc.master, "db/changelog/c/9-a.sql": head, "db/changelog/c/10-b.sql": head, "db/changelog/c/1-c.sql": head,
		})
		if got != tc.want {
			t.Errorf("got  %s\nwant %s", got, tc.want)
		}
	}
}
