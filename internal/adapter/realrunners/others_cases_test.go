package realrunners

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const (
	concurrently = "CREATE INDEX CONCURRENTLY ON t (id);\n"
	table        = "CREATE TABLE t (id int)"
	inBlock      = "CONCURRENTLY cannot run inside a transaction block"
	rows         = "COPY t FROM STDIN;\n1\n\\.\n"
	noRows       = "COPY t FROM STDIN;\nSELECT 1;\n"
)

// What onward says of dbmate.
func TestDbmateOnServer(t *testing.T) {
	t.Parallel()
	programs, _ := filepath.Glob(filepath.Join(installed(t, "node"), "node_modules/@dbmate/*/bin/dbmate*"))
	if len(programs) != 1 {
		t.Fatalf("programs: %v", programs)
	}
	const up, down = "-- migrate:up\n", "-- migrate:down\n"
	base := map[string]string{"db/migrations/1_a.sql": up + "CREATE TABLE a (id int);\n" + down, "db/migrations/3_c.sql": up + "SELECT 3;\n" + down}
	with := func(text string) releaseCase {
		return releaseCase{base, map[string]string{"db/migrations/4_d.sql": text}, ""}
	}
	failing := func(text, fails string) releaseCase {
		c := with(text)
		c.fails = fails
		return c
	}
	exercise(t, "db/migrations", table, map[string]releaseCase{
		"a transaction":           failing(up+concurrently+down, inBlock),
		"none":                    with("-- migrate:up transaction:false\n" + concurrently + down),
		"none, with a blank":      failing("-- migrate:up transaction: false\n"+concurrently+down, inBlock),
		"none, in capitals":       failing("-- migrate:up transaction:FALSE\n"+concurrently+down, inBlock),
		"none, behind a word":     with("-- migrate:up x transaction:false\n" + concurrently + down),
		"one message":             failing("-- migrate:up transaction:false\nSELECT 1;\n"+concurrently+down, inBlock),
		"no marker":               failing("SELECT 1;\n", "define an up block"),
		"capitals":                failing("-- MIGRATE:UP\nSELECT 1;\n"+down, "define an up block"),
		"indented":                failing("  "+up+"SELECT 1;\n"+down, "define an up block"),
		"a statement in front":    failing("SELECT 1;\n"+up+down, "preceding"),
		"a comment in front":      with("-- why\n\n" + up + "SELECT 1;\n" + down),
		"a long comment in front": failing("/* why */\n"+up+"SELECT 1;\n"+down, "preceding"),
		"no down migration":       failing(up+"SELECT 1;\n", "define a down block"),
		"another name":            {base, map[string]string{"db/migrations/1_a.sql": gone, "db/migrations/1_z.sql": base["db/migrations/1_a.sql"]}, ""},
		"behind COMMIT":           failing(up+"COMMIT;\n"+concurrently+down, "unexpected transaction status idle"),
		"COMMIT":                  failing(up+"SELECT 1;\nCOMMIT;\n"+down, "unexpected transaction status idle"),
		"COMMIT and BEGIN":        with(up + "COMMIT;\nBEGIN;\n" + down),
		"rows":                    failing(up+rows+down, "syntax error"),
		"no rows":                 failing(up+noRows+down, "bad connection"),
		"no rows, none":           failing("-- migrate:up transaction:false\n"+noRows+down, "CopyInResponse"),
		"a number twice":          {base, map[string]string{"db/migrations/4_d.sql": up + down, "db/migrations/4_e.sql": up + down}, "duplicate key"},
	}, perRun(t, func(dir, url string) *exec.Cmd {
		return exec.CommandContext(t.Context(), programs[0], "--url", url, "-d", dir, "--no-dump-schema", "up")
	}))
}

// What onward says of node-pg-migrate.
func TestNodePgMigrateOnServer(t *testing.T) {
	t.Parallel()
	program := filepath.Join(installed(t, "node"), "node_modules/.bin/node-pg-migrate")
	base := map[string]string{
		"package.json":                   `{"dependencies": {"node-pg-migrate": "9.0.0"}}`,
		"migrations/1700000000001_a.sql": "-- Up Migration\nCREATE TABLE a (id int);\n-- Down Migration\nDROP TABLE a;\n",
		"migrations/1700000000003_c.sql": "SELECT 3;\n",
	}
	exercise(t, "migrations", table, map[string]releaseCase{
		"a transaction": {base, map[string]string{"migrations/1700000000004_d.sql": concurrently}, inBlock},
		"behind COMMIT": {base, map[string]string{"migrations/1700000000004_d.sql": "COMMIT;\n" + concurrently}, inBlock},
		"behind the COMMIT of another file": {base, map[string]string{
			"migrations/1700000000004_d.sql": "COMMIT;\n", "migrations/1700000000005_e.sql": concurrently,
		}, ""},
		"rows":         {base, map[string]string{"migrations/1700000000004_d.sql": rows}, "syntax error"},
		"no rows":      {base, map[string]string{"migrations/1700000000004_d.sql": noRows}, "No source stream defined"},
		"capitals":     {base, map[string]string{"migrations/1700000000004_d.sql": "-- DOWN MIGRATION\nSELECT 1/0;\n-- UP MIGRATION\nSELECT 1;\n"}, ""},
		"out of order": {base, map[string]string{"migrations/1700000000002_d.sql": "SELECT 1;\n"}, "is preceding already run migration"},
		"another name": {base, map[string]string{
			"migrations/1700000000001_a.sql": gone, "migrations/1700000000001_z.sql": base["migrations/1700000000001_a.sql"],
		}, "is preceding already run migration"},
	}, perRun(t, func(dir, url string) *exec.Cmd {
		cmd := exec.CommandContext(t.Context(), program, "up", "-m", dir)
		cmd.Env = append(os.Environ(), "DATABASE_URL="+url)
		return cmd
	}))
}

// What onward says of Drizzle.
func TestDrizzleOnServer(t *testing.T) {
	t.Parallel()
	packages := installed(t, "node")
	journal := func(entries string) string {
		return `{"version": "7", "dialect": "postgresql", "entries": [{"idx": 0, "when": 100, "tag": "0000_a", "breakpoints": true}` + entries + "]}"
	}
	const second = `, {"idx": 1, "when": 200, "tag": "0001_b", "breakpoints": true}`
	base := map[string]string{
		"drizzle/0000_a.sql":         "CREATE TYPE e AS ENUM ('x');\n--> statement-breakpoint\nCREATE TABLE a (e e);",
		"drizzle/meta/_journal.json": journal(""),
	}
	release := func(text string) map[string]string {
		return map[string]string{"drizzle/0001_b.sql": text, "drizzle/meta/_journal.json": journal(second)}
	}
	exercise(t, "drizzle", table, map[string]releaseCase{
		"a transaction": {base, release(concurrently), inBlock},
		"rows":          {base, release(rows), "syntax error"},
		"no rows":       {base, release(noRows), "No source stream defined"},
		"edited":        {base, both(release("SELECT 1;"), map[string]string{"drizzle/meta/_journal.json": journal(second)}), ""},
		"all pending in one": {base, both(release("ALTER TYPE e ADD VALUE 'y';"), map[string]string{
			"drizzle/0002_c.sql": "INSERT INTO a VALUES ('y');", "drizzle/meta/_journal.json": journal(second +
				`, {"idx": 2, "when": 300, "tag": "0002_c", "breakpoints": true}`),
		}), "unsafe use of new value"},
		"a file is gone":              {base, map[string]string{"drizzle/meta/_journal.json": journal(second)}, "No file"},
		"behind COMMIT":               {base, release("SELECT 1;\n--> statement-breakpoint\nCOMMIT;\n--> statement-breakpoint\n" + concurrently), ""},
		"behind COMMIT, in its piece": {base, release("SELECT 1;\nCOMMIT;\n" + concurrently), inBlock},
		"behind the COMMIT of another file": {base, both(release("SELECT 1;\n--> statement-breakpoint\nCOMMIT;"), map[string]string{
			"drizzle/0002_c.sql": concurrently, "drizzle/meta/_journal.json": journal(second + `, {"idx": 2, "when": 300, "tag": "0002_c", "breakpoints": true}`),
		}), ""},
		"begun again by another file": {base, both(release("COMMIT;\n--> statement-breakpoint\nBEGIN;"), map[string]string{
			"drizzle/0002_c.sql": concurrently, "drizzle/meta/_journal.json": journal(second + `, {"idx": 2, "when": 300, "tag": "0002_c", "breakpoints": true}`),
		}), inBlock},
	}, atOnce(t, func(url string) string { return url }, "node", "testdata/drizzle.cjs", packages))
}

// What onward says of Flyway.
func TestFlywayOnServer(t *testing.T) {
	t.Parallel()
	const dir = "db/migration/"
	base := map[string]string{ // into a schema that is empty: Flyway asks for that
		dir + "V1__a.sql": "CREATE TABLE a (id int);\nCREATE TABLE t (id int);\n",
		dir + "V3__c.sql": "SELECT 3;\n", dir + "R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT id FROM a;\n",
	}
	with := func(text, fails string) releaseCase {
		return releaseCase{base, map[string]string{dir + "V4__d.sql": text}, fails}
	}
	exercise(t, "db/migration", "", map[string]releaseCase{
		"alone":                with(concurrently, ""),
		"mixed":                with("SET lock_timeout = '1s';\n"+concurrently, "both transactional and non-transactional"),
		"reindex":              with("REINDEX TABLE CONCURRENTLY t;\n", inBlock),
		"vacuum":               with("VACUUM t;\n", ""),
		"rows":                 with("COPY t FROM STDIN;\n1\n\\.\n", ""),
		"behind rows":          with("copy t from stdin with (format csv);\n1\n\\.\nALTER TABLE a ADD COLUMN id int;\n", "already exists"),
		"rows like SQL":        with("CREATE TABLE w (x text);\nCOPY w FROM STDIN;\nALTER TABLE nowhere ADD COLUMN x int;\n\\.\n", ""),
		"a comment was edited": {base, map[string]string{dir + "V1__a.sql": "-- a\n" + base[dir+"V1__a.sql"]}, "checksum mismatch"},
		"line ends":            {base, map[string]string{dir + "V3__c.sql": "SELECT 3;\r\n"}, ""},
		"out of order":         {base, map[string]string{dir + "V2__b.sql": "SELECT 2;\n"}, "not applied to database"},
		"gone":                 {base, map[string]string{dir + "V1__a.sql": gone}, "not resolved locally"},
		"the last one is gone": {base, map[string]string{dir + "V3__c.sql": gone}, ""},
		"another description":  {base, map[string]string{dir + "V3__c.sql": gone, dir + "V3__z.sql": base[dir+"V3__c.sql"]}, "description mismatch"},
		"a baseline, too":      {base, map[string]string{dir + "B3__z.sql": base[dir+"V1__a.sql"]}, ""},
		"a baseline instead": {
			base, map[string]string{dir + "V1__a.sql": gone, dir + "V3__c.sql": gone, dir + "B3__z.sql": base[dir+"V1__a.sql"]}, "not resolved locally",
		},
		"a repeatable is gone":  {base, map[string]string{dir + "R__v.sql": gone}, "not resolved locally"},
		"a repeatable, renamed": {base, map[string]string{dir + "R__v.sql": gone, dir + "R__w.sql": base[dir+"R__v.sql"]}, "not resolved locally"},
		"a version twice": {
			base, map[string]string{dir + "V4__d.sql": "SELECT 4;\n", dir + "V04__e.sql": "SELECT 5;\n"},
			"more than one migration with version",
		},
		"directories below": {
			both(base, map[string]string{dir + "2023/V4__d.sql": "CREATE TABLE d (id int);\n"}),
			map[string]string{dir + "2023/V6__f.sql": "ALTER TABLE e ADD COLUMN f int;\n", dir + "2024/V5__e.sql": "CREATE TABLE e (id int);\n"}, "",
		},
		"a version twice, below": {
			both(base, map[string]string{dir + "2023/V4__d.sql": "SELECT 4;\n", dir + "2024/V5__e.sql": "SELECT 5;\n"}),
			map[string]string{dir + "2023/V6__f.sql": "SELECT 6;\n", dir + "2024/V6__g.sql": "SELECT 6;\n"}, "more than one migration with version 6",
		},
		"into a directory below": {
			both(base, map[string]string{dir + "2023/V4__d.sql": "SELECT 4;\n"}),
			map[string]string{dir + "V3__c.sql": gone, dir + "2023/V3__c.sql": base[dir+"V3__c.sql"]}, "",
		},
		"a new enum value": {
			both(base, map[string]string{dir + "V3.1__e.sql": "CREATE TYPE e AS ENUM ('x');\n"}),
			map[string]string{dir + "V4__d.sql": "ALTER TYPE e ADD VALUE 'y';\nSELECT 'y'::e;\n"}, "unsafe use of new value",
		},
	}, java(t, "flyway"))
}

// What onward says of Liquibase's formatted SQL.
func TestLiquibaseOnServer(t *testing.T) {
	t.Parallel()
	const dir, head, one = "db/changelog/", "-- liquibase formatted sql\n", "-- changeset a:1\n"
	base := map[string]string{
		dir + "changelog.xml": `<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
 <includeAll path="changes" relativeToChangelogFile="true"/></databaseChangeLog>`,
		dir + "changes/01_a.sql": head + one + "CREATE TABLE a (id int);\n",
	}
	with := func(text, fails string) releaseCase {
		return releaseCase{base, map[string]string{dir + "changes/02_b.sql": head + text}, fails}
	}
	const body = " AS $$\nBEGIN\n  PERFORM 1;\n  RETURN 2;\nEND;\n$$ LANGUAGE plpgsql;\n"
	exercise(t, "db/changelog", table, map[string]releaseCase{
		"a transaction":           with(one+concurrently, inBlock),
		"none":                    with("-- changeset a:1 runInTransaction:false\nSET lock_timeout = '10min';\n"+concurrently, ""),
		"none, whole":             with("-- changeset a:1 runInTransaction:false splitStatements:false\nSELECT 1;\n"+concurrently, "CONCURRENTLY"),
		"a body is cut":           with(one+"CREATE FUNCTION f() RETURNS int"+body, "Unterminated dollar quote"),
		"a body without ; behind": with(one+"DO $$ BEGIN PERFORM 1; BEGIN PERFORM 2; END; END $$;\n", ""),
		"END IF":                  with(one+"DO $$ BEGIN IF true THEN PERFORM 1; END IF; PERFORM 2; END $$;\n", "Unterminated dollar quote"),
		"a body is sent whole":    with("-- changeset a:1 splitStatements:false\nCREATE FUNCTION f() RETURNS int"+body, ""),
		"rows":                    with(one+rows, "only supported using the CopyManager API"),
		"no rows":                 with(one+noRows, "only supported using the CopyManager API"),
		"a delimiter":             with("-- changeset a:1 endDelimiter:/\nCREATE FUNCTION f() RETURNS int"+body+"/\nSELECT 1\n/\n", ""),
		"white space was edited":  {base, map[string]string{dir + "changes/01_a.sql": head + one + "CREATE   TABLE a\n(id int);\n"}, ""},
		"a comment was edited":    {base, map[string]string{dir + "changes/01_a.sql": head + one + "-- why\nCREATE TABLE a (id int);\n"}, "Validation Failed"},
		"edited":                  {base, map[string]string{dir + "changes/01_a.sql": head + one + "CREATE TABLE a (id bigint);\n"}, "Validation Failed"},
		"another file's name": {
			base, map[string]string{dir + "changes/01_a.sql": gone, dir + "changes/01_z.sql": base[dir+"changes/01_a.sql"]},
			"already exists",
		},
		"a changeset more": {base, map[string]string{dir + "changes/01_a.sql": base[dir+"changes/01_a.sql"] + "-- changeset a:2\nSELECT 1;\n"}, ""},
	}, java(t, "liquibase"))
}

// java runs a runner of those that are written in Java.
func java(t *testing.T, runner string) func([][2]string) []string {
	t.Helper()
	lib := filepath.Join(installed(t, "java"), "lib", "*")
	classes := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "javac", "-cp", lib, "-d", classes, "testdata/Runners.java").CombinedOutput(); err != nil {
		t.Fatalf("javac: %v\n%s", err, out)
	}
	return atOnce(t, jdbc, "java", "-cp", classes+string(filepath.ListSeparator)+lib, "Runners", runner)
}
