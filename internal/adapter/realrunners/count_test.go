package realrunners

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/onward"
)

// The real runners continue after onward, and onward after them: each migration runs once,
// whoever runs it, and the tool accepts the rows in its table.
func TestTakingTurns(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		dir, text   string
		names       [4]string
		beside      map[string]string
		run         func(t *testing.T) func(dir, url string) error
		applied     string // a query for what the tool's table has
		tools, mine int    // how many advisory locks are held in a turn of the tool's, and in one of onward's
	}{
		"goose": {"m", "-- +goose Up\n%s", [4]string{"00001_a.sql", "00002_b.sql", "00003_c.sql", "00004_d.sql"}, nil, upGoose,
			"SELECT count(*) FROM goose_db_version WHERE is_applied AND version_id > 0", 0, 1},
		"golang-migrate": {"m", "%s", [4]string{"000001_a.up.sql", "000002_b.up.sql", "000003_c.up.sql", "000004_d.up.sql"}, nil, upMigrate,
			"SELECT version FROM schema_migrations WHERE NOT dirty", 1, 2},
		"dbmate": {"db/migrations", "-- migrate:up\n%s\n-- migrate:down\n", [4]string{
			"20240101000000_a.sql", "20240102000000_b.sql", "20240103000000_c.sql", "20240104000000_d.sql",
		}, nil, upDbmate,
			"SELECT count(*) FROM schema_migrations", 0, 0},
		"Prisma": {"prisma/migrations", "%s", [4]string{
			"20240101000000_a/migration.sql", "20240102000000_b/migration.sql", "20240103000000_c/migration.sql",
			"20240104000000_d/migration.sql",
		}, prismaFiles, upPrisma,
			"SELECT count(*) FROM _prisma_migrations WHERE finished_at IS NOT NULL AND rolled_back_at IS NULL", 1, 1},
		"sqlx": {"migrations", "%s", [4]string{
			"1_a.sql", "2_b_c.sql", "3_c.sql", "4_d.sql",
		}, map[string]string{"Cargo.toml": "[dependencies]\nsqlx = \"0.8\"\n"}, upSqlx,
			"SELECT count(*) FROM _sqlx_migrations WHERE success", 0, 1},
		"Diesel": {"migrations", "%s", [4]string{
			"2024-01-01-000000_a/up.sql", "2024-01-02-000000_b/up.sql", "2024-01-03-000000_c/up.sql",
			"2024-01-04-000000_d/up.sql",
		},
			map[string]string{"diesel.toml": "[migrations_directory]\ndir = \"migrations\"\n"}, upDiesel,
			"SELECT count(*) FROM __diesel_schema_migrations", 0, 0},
		"Flyway": {"src/main/resources/db/migration", "%s", [4]string{"V1__a.sql", "V1_1__b_c.sql", "V02.0__c.sql", "V3__d.sql"}, nil, upFlyway,
			"SELECT count(*) FROM flyway_schema_history WHERE success AND installed_by = current_user", 1, 1},
		"Drizzle": {"drizzle", "%s", [4]string{"0000_a.sql", "0001_b.sql", "0002_c.sql", "0003_d.sql"}, nil, upDrizzle,
			"SELECT count(*) FROM drizzle.__drizzle_migrations WHERE length(hash) = 64", 0, 0},
		"Drizzle 1.0": {"drizzle", "%s", [4]string{"20240101000000_a/migration.sql", "20240102000000_b/migration.sql", "20240103000000_c/migration.sql", "20240104000000_d/migration.sql"}, nil, upDrizzle1,
			"SELECT count(*) FROM drizzle.__drizzle_migrations WHERE length(hash) = 64", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			up := r.run(t)
			s := server(t)
			db, conn := database(t, s)
			root, url := t.TempDir(), overTCP(t, s, db)
			write(t, root, r.beside)
			write(t, root, map[string]string{"README": "x"})
			commitBase(t, root)
			const locks = "SELECT (l.classid::bigint << 32 | l.objid::bigint) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database WHERE l.locktype = " +
				"'advisory' AND d.datname = current_database();"
			bodies := []string{
				"CREATE TABLE a (id int);",
				"CREATE TABLE b (id int);\nINSERT INTO b VALUES (1);\nCREATE TABLE held (lock bigint);\nINSERT INTO held " + locks,
				"INSERT INTO held " + locks + "\nALTER TABLE a ADD COLUMN c int;", "CREATE INDEX CONCURRENTLY a_c ON a (c);",
			}
			if name == "goose" || name == "dbmate" || name == "sqlx" || name == "Diesel" || strings.HasPrefix(name, "Drizzle") { // which need a word for that
				bodies[3] = "ALTER TABLE a ADD COLUMN d int;"
			}
			add := func(i int) {
				t.Helper()
				write(t, root, map[string]string{r.dir + "/" + r.names[i]: strings.Replace(r.text, "%s", bodies[i], 1)})
				if strings.HasPrefix(name, "Drizzle") {
					writeJournal(t, filepath.Join(root, r.dir), r.names[:i+1])
				}
			}
			turn := func(who string, do func() error, want int) {
				t.Helper()
				if err := do(); err != nil {
					t.Fatalf("%s, behind %d: %v", who, want, err)
				}
				var got int
				if err := conn.QueryRow(t.Context(), r.applied).Scan(&got); err != nil || got != want {
					t.Fatalf("%s: %d are noted, want %d (%v)", who, got, want, err)
				}
			}
			mine := func() error {
				c := apply.PendingConfig{Config: apply.Config{DB: s.URL(db)}, Repository: audit.Config{Dir: root, Base: "main"}}
				got, err := apply.Pending(t.Context(), c)
				if err == nil && got.State != onward.ApplyDone {
					t.Errorf("onward's apply ends with %+v, want it done", got)
				}
				return err
			}
			tool := func() error { return up(filepath.Join(root, r.dir), url) }
			add(0)
			if strings.HasPrefix(name, "Drizzle") { // which makes its table in a schema of its own
				turn("the tool", tool, 1)
			} else {
				turn("onward", mine, 1)
			}
			add(1)
			turn("the tool", tool, 2)
			add(2)
			turn("onward", mine, 3)
			turn("onward again", mine, 3)
			if name != "Prisma" { // its command prints something else if nothing is pending, and keeps running for ten seconds
				turn("the tool, with nothing to do", tool, 3)
			}
			add(3)
			if name == "golang-migrate" || name == "Prisma" || name == "Flyway" {
				turn("onward", mine, 4)
			} else {
				turn("the tool", tool, 4)
			}
			var rows int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM b").Scan(&rows); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(1, rows); diff != "" {
				t.Error(diff)
			}
			// Where the tool holds a lock, onward holds it, too.
			var held string
			if err := conn.QueryRow(t.Context(), "SELECT coalesce(string_agg(lock::text, ' ' ORDER BY ctid), '') FROM held").Scan(&held); err != nil {
				t.Fatal(err)
			}
			list := strings.Fields(held)
			if len(list) != r.tools+r.mine || r.tools > 0 && !slices.Contains(list[1:], list[0]) {
				t.Errorf("the locks that were held are %v", list)
			}
		})
	}
}
