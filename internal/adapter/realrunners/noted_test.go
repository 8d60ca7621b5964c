package realrunners

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
)

// From the last step before the contract on, the real runners have nothing to do, and continue with the next migration after the plan. The
// original migration would fail after the plan. abort makes it pending again. While the plan is under way, they fail at the guard of the migration, and
// change nothing; on a fresh database they run it.
func TestBehindAPlan(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		dir, text string
		names     [3]string
		run       func(t *testing.T) func(dir, url string) error
		applied   string
	}{
		"goose": {"m", "-- +goose Up\n%s", [3]string{"00001_a.sql", "00002_b.sql", "00003_c.sql"}, upGoose,
			"SELECT count(*) FROM goose_db_version WHERE is_applied AND version_id > 0"},
		"golang-migrate": {"m", "%s", [3]string{"000001_a.up.sql", "000002_b.up.sql", "000003_c.up.sql"}, upMigrate,
			"SELECT version FROM schema_migrations WHERE NOT dirty"},
		"dbmate": {"db/migrations", "-- migrate:up\n%s\n-- migrate:down\n", [3]string{"20240101000000_a.sql", "20240102000000_b.sql", "20240103000000_c.sql"}, upDbmate,
			"SELECT count(*) FROM schema_migrations"},
		"Prisma": {"prisma/migrations", "%s", [3]string{"1_a/migration.sql", "2_b/migration.sql", "3_c/migration.sql"}, upPrisma,
			"SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL"},
		"sqlx": {"migrations", "%s", [3]string{"1_a.sql", "2_b_c.sql", "3_c.sql"}, upSqlx, "SELECT count(*) FROM _sqlx_migrations WHERE success"},
		"Flyway": {"src/main/resources/db/migration", "%s", [3]string{"V1__a.sql", "V1_1__b_c.sql", "V2__c.sql"}, upFlyway,
			"SELECT count(*) FROM flyway_schema_history WHERE success"},
		"Drizzle": {"drizzle", "%s", [3]string{"0000_a.sql", "0001_b.sql", "0002_c.sql"}, upDrizzle,
			"SELECT count(*) FROM drizzle.__drizzle_migrations"},
		"Drizzle 1.0": {"drizzle", "%s", [3]string{"20240101000000_a/migration.sql", "20240102000000_b/migration.sql", "20240103000000_c/migration.sql"}, upDrizzle1,
			"SELECT count(*) FROM drizzle.__drizzle_migrations"},
		"Knex": {"migrations", knexText, [3]string{"20240101000000_a.js", "20240102000000_b.js", "20240103000000_c.js"}, upKnex,
			"SELECT count(*) FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM knex_migrations) AS k WHERE batch = n AND migration_time IS NOT NULL"},
		"TypeORM": {"migrations", typeormText, [3]string{"1700000000001-a.js", "1700000000002-b.js", "1700000000003-c.js"}, upTypeORM,
			`SELECT count(*) FROM migrations WHERE name = 'X' || "timestamp"`},
		"Sequelize": {"migrations", sequelizeText, [3]string{"20240101000000-a.js", "20240102000000-b.js", "20240103000000-c.js"}, upSequelize,
			`SELECT count(*) FROM "SequelizeMeta"`},
		"MikroORM": {"migrations", mikroText, [3]string{"Migration20240101000000.js", "Migration20240102000000.js", "Migration20240103000000.js"}, upMikroORM,
			"SELECT count(*) FROM mikro_orm_migrations"},
		"Kysely": {"migrations", kyselyText, [3]string{"20240101000000_a.js", "20240102000000_b.js", "20240103000000_c.js"}, upKysely,
			"SELECT count(*) FROM kysely_migration"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := r.run(t)
			s := server(t)
			db, conn := database(t, s)
			root, url := t.TempDir(), overTCP(t, s, db)
			bodies := []string{"CREATE TABLE a (id bigint PRIMARY KEY, note text);", "ALTER TABLE a RENAME COLUMN note TO remark;", "ALTER TABLE a ADD COLUMN d int;"}
			add := func(i int) {
				write(t, root, map[string]string{r.dir + "/" + r.names[i]: layout{text: r.text}.textOf(r.names[i], bodies[i])})
				if strings.HasPrefix(name, "Drizzle") {
					writeJournal(t, filepath.Join(root, r.dir), r.names[:i+1])
				}
			}
			is := func(want int) {
				t.Helper()
				var got int
				if err := conn.QueryRow(t.Context(), r.applied).Scan(&got); err != nil || got != want {
					t.Fatalf("%d are noted, want %d (%v)", got, want, err)
				}
			}
			tool := func(want int) {
				t.Helper()
				if err := up(filepath.Join(root, r.dir), url); err != nil {
					t.Fatal(err)
				}
				is(want)
			}
			toolIdles := func() {
				t.Helper()
				if is(2); name != "Prisma" { // its command keeps running for ten seconds if nothing is pending
					tool(2)
				}
			}
			switch name {
			case "Prisma":
				write(t, root, prismaFiles)
			case "sqlx":
				write(t, root, map[string]string{"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"})
			}
			add(0)
			commitBase(t, root)
			tool(1)
			add(1)
			repository := audit.Config{Dir: root, Base: "main"}
			p := sketchPlan(t, repository)
			guard, err := plan.Guard(t.Context(), repository, p)
			if err != nil {
				t.Fatal(err)
			}
			guarded := name != "Kysely" && !strings.HasPrefix(name, "Drizzle") // onward does not write their migrations
			if guarded != (len(guard.Written) == 1 && len(guard.Without) == 0) || len(guard.Written)+len(guard.Without) != 1 {
				t.Fatalf("plan.Guard returns %+v, want one guard, written: %t", guard, guarded)
			}
			other, _ := database(t, s)
			if err := up(filepath.Join(root, r.dir), overTCP(t, s, other)); err != nil {
				t.Errorf("on a fresh database: %v", err)
			}
			config := apply.Config{DB: s.URL(db), Plan: p, Unproven: "the tests of plan prove such plans"}
			carryOut := func(through onward.PlanPhase) {
				t.Helper()
				config.Through = through
				got, err := apply.RunPlanAndRecord(t.Context(), apply.PendingConfig{Config: config, Repository: repository})
				if err != nil || (got.State == onward.ApplyDone) != (through == onward.Contract) {
					t.Fatalf("apply through %s: %v; result %+v", through, err, got)
				}
			}
			carryOut(onward.Expand)
			is(1)
			if guarded {
				before := content(t, conn)
				if err := up(filepath.Join(root, r.dir), url); err == nil || !strings.Contains(err.Error(), "of onward is under way on this database") {
					t.Fatalf("while the plan is under way: %v", err)
				}
				if diff := cmp.Diff(before, content(t, conn)); diff != "" {
					t.Fatal(diff)
				}
				if forget := map[string]string{ // both record a migration before they run it
					"golang-migrate": "UPDATE schema_migrations SET version = 1, dirty = false",
					"Prisma":         "DELETE FROM _prisma_migrations WHERE finished_at IS NULL",
				}[name]; forget != "" {
					execute(t, conn, forget)
				}
				is(1)
			}
			carryOut(onward.Backfill)
			toolIdles()
			if got, err := apply.Abort(t.Context(), apply.Config{DB: s.URL(db)}, ""); err != nil || got.State != onward.ApplyAbandoned {
				t.Fatalf("abort the plan: %v; result %+v, want it abandoned", err, got)
			}
			is(1)
			carryOut(onward.Backfill)
			carryOut(onward.Contract)
			toolIdles()
			add(2)
			tool(3)
		})
	}
}

// content returns the columns of the deployed table.
func content(t *testing.T, conn *pgx.Conn) (out string) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), "SELECT string_agg(attname || ' ' || attnum, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'a'::regclass").
		Scan(&out); err != nil {
		t.Fatal(err)
	}
	return out
}
