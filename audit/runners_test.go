package audit

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// How a runner handles a release as a whole: rules, with the places of their findings.
func TestRunners(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id bigint PRIMARY KEY, a int);\nCREATE TYPE e AS ENUM ('x');\nCREATE TABLE u (e e);\n"
	for name, tc := range map[string]struct {
		base, head string
		want       []string
	}{
		"Supabase sends a file in one pipeline": {
			"-- supabase/config.toml --\nx = 1\n-- supabase/migrations/1_a.sql --\n" + table,
			"-- supabase/migrations/2_b.sql --\nSET LOCAL lock_timeout = '3s';\nALTER TABLE t ADD COLUMN b int;\n" +
				"-- supabase/migrations/3_c.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n" +
				"-- supabase/migrations/4_d.sql --\nCOMMENT ON TABLE t IS '';\nCREATE INDEX CONCURRENTLY t_b_idx ON t (b);\n",
			[]string{"error transaction-concurrently-in-block supabase/migrations/4_d.sql:2"},
		},
		"Drizzle sends all files in one transaction": {
			"-- drizzle/meta/_journal.json --\n{\"entries\": []}\n-- drizzle/0000_a.sql --\n" + table,
			"-- drizzle/0001_b.sql --\nSET LOCAL lock_timeout = '3s';\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TYPE e ADD VALUE 'y';\n" +
				"-- drizzle/0002_c.sql --\nALTER TABLE t VALIDATE CONSTRAINT c;\n" +
				"-- drizzle/0003_d.sql --\nALTER TABLE u ALTER COLUMN e SET DEFAULT 'y';\n",
			[]string{
				"error constraint-validate-same-transaction drizzle/0002_c.sql:1",
				"error type-enum-value-used-in-transaction drizzle/0003_d.sql:1",
			},
		},
		"two of Drizzle's directories do not share one": {
			"-- a/meta/_journal.json --\n{}\n-- a/0000_a.sql --\n" + table +
				"-- b/meta/_journal.json --\n{}\n-- b/0000_a.sql --\nCREATE TABLE b (id bigint);\n",
			"-- a/0001_b.sql --\nSET LOCAL lock_timeout = '3s';\nALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\n" +
				"-- b/0001_b.sql --\nALTER TABLE t VALIDATE CONSTRAINT c;\n",
			nil,
		},
		"a tool in one service hides no other tool in another": {
			"-- api/go.mod --\nmodule api\n-- api/sql/001_a.sql --\n-- +goose Up\nCREATE TABLE x (id int);\n" +
				"-- web/package.json --\n{}\n-- web/prisma/migrations/migration_lock.toml --\nprovider = \"postgresql\"\n" +
				"-- web/prisma/migrations/20240101_a/migration.sql --\n" + table,
			"-- web/prisma/migrations/20240102_b/migration.sql --\nCREATE INDEX t_a_idx ON t (a);\n",
			[]string{"error index-create-blocking web/prisma/migrations/20240102_b/migration.sql:1"},
		},
		"nor a directory called migrations in a module without a tool": {
			"-- api/sql/001_a.sql --\n-- +goose Up\nCREATE TABLE x (id int);\n-- web/package.json --\n{}\n-- web/migrations/a.sql --\n" + table,
			"-- web/migrations/b.sql --\nCREATE INDEX t_a_idx ON t (a);\n",
			[]string{"error index-create-blocking web/migrations/b.sql:1"},
		},
		"but scripts beside a tool are no migrations": {
			"-- api/sql/001_a.sql --\n-- +goose Up\nCREATE TABLE x (id int);\n-- api/migrations/a.sql --\n" + table +
				"-- web/package.json --\n{}\n-- web/reports/01_a.sql --\nSELECT 1;\n-- web/reports/02_b.sql --\nSELECT 1;\n",
			"-- api/migrations/b.sql --\nCREATE INDEX t_a_idx ON t (a);\n-- web/reports/03_a.sql --\nCREATE INDEX t_a_idx ON t (a);\n",
			nil,
		},
		"goose is told to run what is missing": {
			"-- Makefile --\nup:\n\tgoose -dir migrations postgres $(DB) up -allow-missing\n-- migrations/1_a.sql --\n-- +goose Up\n" + table +
				"-- migrations/3_c.sql --\n-- +goose Up\nSELECT 1;\n",
			"-- migrations/2_b.sql --\n-- +goose Up\nCREATE TABLE b (id int);\n",
			[]string{"info release-out-of-order migrations/2_b.sql:1"},
		},
		"goose is told so in a comment": {
			"-- db/migrate.go --\n// goose.WithAllowMissing() would hide it.\n-- migrations/1_a.sql --\n-- +goose Up\n" + table +
				"-- migrations/3_c.sql --\n-- +goose Up\nSELECT 1;\n",
			"-- migrations/2_b.sql --\n-- +goose Up\nCREATE TABLE b (id int);\n",
			[]string{"error release-out-of-order migrations/2_b.sql:1"},
		},
		"golang-migrate misses its last file": {
			"-- migrations/1_a.up.sql --\n" + table + "-- migrations/2_b.up.sql --\nSELECT 1;\n-- migrations/3_c.up.sql --\nSELECT 2;\n",
			"-- migrations/3_c.up.sql --\n",
			[]string{"error release-migration-deleted migrations/3_c.up.sql:1"},
		},
		"and no other": {
			"-- migrations/1_a.up.sql --\n" + table + "-- migrations/2_b.up.sql --\nSELECT 1;\n-- migrations/3_c.up.sql --\nSELECT 2;\n",
			"-- migrations/2_b.up.sql --\n",
			[]string{"warning release-migration-deleted migrations/2_b.up.sql:1"},
		},
		"golang-migrate in a job of a cluster": {
			"-- deploy/migrate.yaml --\nargs: [-path=/migrations, \"-database=postgres://db/x?sslmode=require&x-multi-statement=true\", up]\n" +
				"-- migrations/1_a.up.sql --\n" + table,
			"-- migrations/2_b.up.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\nCREATE INDEX CONCURRENTLY t_id_idx ON t (id);\n",
			nil,
		},
		"sqlx names its directory at run time": {
			"-- Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- src/main.rs --\nlet m = Migrator::new(Path::new(\"./db/sql\")).await?;\n-- db/sql/1_a.sql --\n" +
				table,
			"-- db/sql/2_b.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n",
			[]string{"error transaction-concurrently-in-block db/sql/2_b.sql:1"},
		},
		"sqlx is told its directory": {
			"-- Cargo.toml --\n[dependencies]\nsqlx = \"0.8\"\n-- justfile --\nmigrate:\n  sqlx migrate run --source db/changes\n-- db/changes/1_a.sql --\n" + table,
			"-- db/changes/2_b.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n",
			[]string{"error transaction-concurrently-in-block db/changes/2_b.sql:1"},
		},
		"Flyway compares checksums": {
			"-- db/migration/V1__a.sql --\n" + table,
			"-- db/migration/V1__a.sql --\n" + table + "-- a comment\n",
			[]string{"error release-migration-edited db/migration/V1__a.sql:1"},
		},
		"Flyway refuses what comes late": {
			"-- db/migration/V1__a.sql --\n" + table + "-- db/migration/V3__c.sql --\nSELECT 1;\n",
			"-- db/migration/V2__b.sql --\nSELECT 2;\n",
			[]string{"error release-out-of-order db/migration/V2__b.sql:1"},
		},
		"or does not": {
			"-- application.properties --\nspring.flyway.out-of-order=true\n-- db/migration/V1__a.sql --\n" + table + "-- db/migration/V3__c.sql --\nSELECT 1;\n",
			"-- db/migration/V2__b.sql --\nSELECT 2;\n",
			[]string{"info release-out-of-order db/migration/V2__b.sql:1"},
		},
		"Atlas has each file in a transaction, unless the file says otherwise": {
			"-- m/atlas.sum --\nh1:x\n-- m/20240101000000_a.sql --\n" + table,
			"-- m/20240102000000_b.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n" +
				"-- m/20240103000000_c.sql --\n-- atlas:txmode none\n\nCREATE INDEX CONCURRENTLY t_b_idx ON t (a, id);\nCREATE INDEX CONCURRENTLY t_c_idx ON t (id, a);\n",
			[]string{"error transaction-concurrently-in-block m/20240102000000_b.sql:1"},
		},
		"Atlas refuses what comes late": {
			"-- m/atlas.sum --\nh1:x\n-- m/20240101000000_a.sql --\n" + table + "-- m/20240103000000_c.sql --\nSELECT 1;\n",
			"-- m/20240102000000_b.sql --\nSELECT 2;\n",
			[]string{"error release-out-of-order m/20240102000000_b.sql:1"},
		},
		"refinery knows no migration without a transaction": {
			"-- Cargo.toml --\n[dependencies]\nrefinery = \"0.8\"\n-- migrations/V1__a.sql --\n" + table,
			"-- migrations/V2__b.sql --\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\n",
			[]string{"error transaction-concurrently-in-block migrations/V2__b.sql:1"},
		},
		"of two with one version the new one is told": {
			"-- Cargo.toml --\n[dependencies]\nrefinery = \"0.8\"\n-- migrations/V1__a.sql --\n" + table + "-- migrations/V2__z.sql --\nSELECT 1;\n",
			"-- migrations/V2__b.sql --\nSELECT 2;\n",
			[]string{"error release-version-duplicate migrations/V2__b.sql:1"},
		},
		"node-pg-migrate sends all files in one transaction, in order": {
			"-- m/1700000000000_a.sql --\n-- Up Migration\n" + table + "-- m/1700000000009_z.sql --\n-- Up Migration\nSELECT 1;\n",
			"-- m/1700000000005_b.sql --\n-- Up Migration\nSELECT 1;\n" +
				"-- m/1700000000010_c.sql --\n-- Up Migration\nALTER TYPE e ADD VALUE 'y';\n" +
				"-- m/1700000000011_d.sql --\n-- Up Migration\nINSERT INTO u VALUES ('y');\n",
			[]string{
				"error release-out-of-order m/1700000000005_b.sql:1",
				"error type-enum-value-used-in-transaction m/1700000000011_d.sql:2",
			},
		},
		"or one by one": {
			"-- package.json --\n{\"scripts\": {\"migrate\": \"node-pg-migrate --no-single-transaction\"}, \"dependencies\": {\"node-pg-migrate\": \"^8.0.0\"}}\n" +
				"-- m/1700000000000_a.sql --\n" + table,
			"-- m/1700000000010_c.sql --\nALTER TYPE e ADD VALUE 'y';\n" +
				"-- m/1700000000011_d.sql --\nINSERT INTO u VALUES ('y');\n",
			nil,
		},
		"Atlas goes on where it stopped": {
			"-- m/atlas.sum --\nh1:x\n-- m/20240101000000_a.sql --\n" + table,
			"-- m/20240102000000_b.sql --\n-- atlas:txmode none\n\nSET lock_timeout = '3s';\nALTER TABLE t ADD COLUMN b int;\nSET lock_timeout = 0;\n" +
				"CREATE INDEX CONCURRENTLY t_b_idx ON t (b);\n",
			nil,
		},
		"Liquibase has each changeset in a transaction, unless it says otherwise": {
			"-- db/changelog/a.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table,
			"-- db/changelog/b.sql --\n--liquibase formatted sql\n\n--changeset x:b\nSET LOCAL lock_timeout = '3s';\n" +
				"ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NOT VALID;\n" +
				"--changeset x:c\nALTER TABLE t VALIDATE CONSTRAINT c;\n--rollback DROP TABLE t;\n" +
				"--changeset x:d runInTransaction:false\nCREATE INDEX CONCURRENTLY t_a_idx ON t (a);\nCREATE INDEX CONCURRENTLY t_b_idx ON t (a, id);\n" +
				"--changeset x:e dbms:mysql\nDROP TABLE t;\n" +
				"--changeset x:f\nCREATE INDEX CONCURRENTLY t_c_idx ON t (id, a);\n",
			[]string{"error transaction-concurrently-in-block db/changelog/b.sql:15"},
		},
		"a changeset that is new in an old file runs; one that was edited stops": {
			"-- db/changelog/a.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table + "--changeset x:b\nSELECT 1;\n" +
				"-- db/changelog/b.sql --\n--liquibase formatted sql\n--changeset x:c\nSELECT 1;\n--changeset x:d runOnChange:true\nSELECT 1;\n",
			"-- db/changelog/a.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table + "--changeset x:b\nSELECT 1;\n--changeset x:z\nDROP TABLE t;\n" +
				"-- db/changelog/b.sql --\n--liquibase formatted sql\n--changeset x:c\nSELECT 2;\n--changeset x:d runOnChange:true\nSELECT 2;\n",
			[]string{"error release-migration-edited db/changelog/b.sql:3", "warning table-drop db/changelog/a.sql:9"},
		},
		"what Liquibase does not compare is no edit": {
			"-- db/changelog/a.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table + "--rollback DROP TABLE t;\n--changeset x:b\nSELECT 1;\n",
			"-- db/changelog/a.sql --\n--liquibase formatted sql\n\n--changeset x:a\n--comment: the first\n" + table +
				"\n--rollback DROP TABLE u;\n--rollback DROP TABLE t;\n" +
				"--changeset x:b\n--validCheckSum: ANY\nSELECT 2;\n",
			nil,
		},
		"dbmate runs what comes late": {
			"-- m/20240101000000_a.sql --\n-- migrate:up\n" + table + "-- m/20240103000000_c.sql --\n-- migrate:up\nSELECT 1;\n",
			"-- m/20240102000000_b.sql --\n-- migrate:up\nSELECT 2;\n",
			[]string{"info release-out-of-order m/20240102000000_b.sql:1"},
		},
		"Flyway misses what is gone": {
			"-- db/migration/V1__a.sql --\n" + table + "-- db/migration/V2__b.sql --\nSELECT 2;\n",
			"-- db/migration/V1__a.sql --\n",
			[]string{"error release-migration-deleted db/migration/V1__a.sql:1"},
		},
		"but not the last one": {
			"-- db/migration/V1__a.sql --\n" + table + "-- db/migration/V2__b.sql --\nSELECT 2;\n",
			"-- db/migration/V2__b.sql --\n",
			[]string{"warning release-migration-deleted db/migration/V2__b.sql:1"},
		},
		"Flyway compares descriptions": {
			"-- db/migration/V1__a.sql --\n" + table,
			"-- db/migration/V1__a.sql --\n-- db/migration/V1__z.sql --\n" + table,
			[]string{"error release-migration-renamed db/migration/V1__z.sql:1"},
		},
		"Prisma knows migrations by their names": {
			"-- m/migration_lock.toml --\nx\n-- m/20240101000000_a/migration.sql --\n" + table,
			"-- m/20240101000000_a/migration.sql --\n-- m/20240101000000_z/migration.sql --\n" + table,
			[]string{"error release-migration-renamed m/20240101000000_z/migration.sql:1"},
		},
		"Diesel by their numbers": {
			"-- diesel.toml --\nx\n-- m/2024-01-01-000000_a/up.sql --\n" + table,
			"-- m/2024-01-01-000000_a/up.sql --\n-- m/2024-01-01-000000_z/up.sql --\n" + table,
			nil,
		},
		"Liquibase knows changesets by their files": {
			"-- db/changelog/001_a.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table,
			"-- db/changelog/001_a.sql --\n-- db/changelog/001_z.sql --\n--liquibase formatted sql\n--changeset x:a\n" + table,
			[]string{"error release-migration-renamed db/changelog/001_z.sql:1"},
		},
		"unless they have another name for it": {
			"-- db/changelog/001_a.sql --\n--liquibase formatted sql logicalFilePath:a\n--changeset x:a\n" + table,
			"-- db/changelog/001_a.sql --\n-- db/changelog/001_z.sql --\n--liquibase formatted sql logicalFilePath:a\n--changeset x:a\n" + table,
			nil,
		},
		"dbmate goes by the names as texts": {
			"-- m/2_a.sql --\n-- migrate:up\n" + table,
			"-- m/10_b.sql --\n-- migrate:up\nSELECT 2;\n",
			[]string{"info release-out-of-order m/10_b.sql:1"},
		},
		"tern refuses gaps that are new": {
			"-- m/tern.conf --\nx\n-- m/001_a.sql --\n" + table + "-- m/003_c.sql --\nSELECT 1;\n",
			"-- m/005_d.sql --\nSELECT 2;\n",
			[]string{"error release-runner-refuses m/005_d.sql:1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := repository(t, tc.base, tc.head)
			report := changelog0(t, Config{Dir: dir, Base: "main"})
			var got []string
			for _, f := range report.Findings {
				if f.Severity.String() != "info" || f.Rule == "release-out-of-order" {
					got = append(got, fmt.Sprintf("%s %s %s:%d", f.Severity, f.Rule, f.Path, f.Line))
				}
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// A lock_timeout that the repository gives to the sessions of its migrations
// bounds the wait, as far as that is one.
func TestLockTimeoutOfTheRunner(t *testing.T) {
	t.Parallel()
	const base = "-- m/001_a.sql --\nCREATE TABLE t (id bigint);\nCREATE TABLE u (id bigint);\n-- bin/migrate --\nPGOPTIONS='-c lock_timeout=4s' psql -f \"$1\"\n"
	for add, want := range map[string]string{
		"ALTER TABLE t ADD COLUMN a int;\n": "info the one at bin/migrate:1 does, if that is the session that migrates",
		"BEGIN;\nALTER TABLE t ADD COLUMN a int;\nALTER TABLE u ADD COLUMN a int;\nCOMMIT;\n": "info the one at bin/migrate:1 does, " +
			"if that is the session that migrates; " +
			"info t, locked since :2, stays locked while the statement waits for the lock on u; " +
			"the lock_timeout at bin/migrate:1 ends that, if it is set in the session that migrates",
		"SET lock_timeout = 0;\nALTER TABLE t ADD COLUMN a int;\n": "warning the statement waits for each long query on t, " +
			"and every query on t that comes after it waits, too",
	} {
		report := changelog0(t, Config{Dir: repository(t, base, "-- m/002_b.sql --\n"+add), Base: "main"})
		var got []string
		for _, f := range report.Findings {
			if f.Rule == "transaction-lock-timeout-missing" || f.Rule == "transaction-many-tables-locked" {
				got = append(got, f.Severity.String()+" "+f.Harm)
			}
		}
		if diff := cmp.Diff(want, strings.Join(got, "; ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", add, diff)
		}
	}
}

// SQL that a program rewrites for Postgres names types that only others have: where
// the base has them, they are no fault of the release.
func TestRewrittenTypes(t *testing.T) {
	t.Parallel()
	const next = "-- m/000002_b.up.sql --\nCREATE TABLE c (id INTEGER PRIMARY KEY, b BLOB);\nINSERT INTO c (b) SELECT b FROM a;\n"
	for base, want := range map[string][]string{
		"CREATE TABLE a (id INTEGER PRIMARY KEY, b BLOB);": {"warning release-copy-without-sync 000002_b.up.sql:2"},
		"CREATE TABLE a (id INTEGER PRIMARY KEY, b bytea);": {
			"error release-statement-fails 000002_b.up.sql:1", "warning release-copy-without-sync 000002_b.up.sql:2",
		},
	} {
		r := changelog0(t, Config{Dir: repository(t, "-- m/000001_a.up.sql --\n"+base+"\n", next), Base: "main"})
		if diff := cmp.Diff(want, found(r)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", base, diff)
		}
	}
}

// The directory from which Atlas writes another tool's files is not judged again.
func TestAtlasBesideAnother(t *testing.T) {
	t.Parallel()
	const one, two = "CREATE TABLE t (id bigint);\n", "ALTER TABLE t ADD COLUMN a int NOT NULL;\n"
	r := changelog0(t, Config{Dir: repository(t,
		"-- db/atlas/atlas.sum --\nh1:x\n-- db/atlas/20240101000000_a.sql --\n"+one+"-- db/goose/20240101000000_a.sql --\n-- +goose Up\n"+one,
		"-- db/atlas/20240102000000_b.sql --\n"+two+"-- db/goose/20240102000000_b.sql --\n-- +goose Up\n"+two), Base: "main"})
	if len(r.Migrations) != 1 || r.Migrations[0].Framework != "goose" {
		t.Errorf("%d migrations", len(r.Migrations))
	}
}

// A program of the repository that embeds the files is asked how it sends them: their names alone are another tool's, and only a test
// imports that.
func TestOwnRunnerIsNamed(t *testing.T) {
	t.Parallel()
	r := changelog0(t, Config{
		Dir: repository(t, "-- go.mod --\nmodule m\n\nrequire github.com/golang-migrate/migrate/v4 v4.18.1\n"+
			"-- internal/store/store_test.go --\npackage store\n\nimport _ \"github.com/golang-migrate/migrate/v4\"\n"+
			"-- internal/store/store.go --\npackage store\n\n//go:embed migrations/*.sql\nvar files embed.FS\n\nfunc run() {\n\ttx, _ := db.Begin()\n"+
			"\tentries, _ := files.ReadDir(\"migrations\")\n\tfor _, e := range entries {\n\t\ttext, _ := files.ReadFile(\"migrations/\" + e.Name())\n"+
			"\t\ttx.Exec(string(text))\n\t}\n\ttx.Commit()\n}\n"+
			"-- internal/store/migrations/000001_a.up.sql --\nCREATE TABLE t (id bigint PRIMARY KEY);\n",
			"-- internal/store/migrations/000002_b.up.sql --\nCREATE TABLE u (id bigint PRIMARY KEY);\n"),
		Base: "main",
	})
	if len(r.Runners) != 1 || !r.Runners[0].Assumed || r.Runners[0].Tool != "a runner of its own (internal/store/store.go)" || r.Runners[0].ToldBy != "" {
		t.Errorf("the runners are %+v, want an assumed one in internal/store/store.go", r.Runners)
	}
}
