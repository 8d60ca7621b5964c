package rehearse_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/sentqueries"
	"github.com/onward-sql/onward/internal/rotation"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
)

// sent is a text that a server got, and as whom.
type sent struct{ role, sql string }

// queries reads what a server got until now: of the texts that mean the same it
// keeps the first one.
func queries(ctx context.Context, t *testing.T, s *pgserver.Server) []sent {
	t.Helper()
	c, err := s.Connect(ctx, "", "")
	if err != nil {
		t.Error(err)
		return nil
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, "CREATE SCHEMA stats; CREATE EXTENSION pg_stat_statements SCHEMA stats"); err != nil {
		t.Error(err)
		return nil
	}
	rows, err := c.Query(ctx, "SELECT DISTINCT rolname::text, query FROM stats.pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid ORDER BY 1, 2")
	if err != nil {
		t.Error(err)
		return nil
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (x sent, err error) {
		err = row.Scan(&x.role, &x.sql)
		return x, err
	})
	if err != nil {
		t.Error(err)
	}
	return list
}

// exempt are the roles whose sessions may use unqualified names. Objects that
// shadow these names belong to the migrations, and can do nothing that the
// migrations cannot. All other roles have rights that the migrations lack.
var exempt = map[string]string{
	"onward":      "the migrations' own role",
	"onward_look": "a role that may read catalogs, as everybody may, and nothing else; and its sessions pin their path",
}

// TestQueries reads every query that the parts of a rehearsal send. Objects in a
// database's search_path are untrusted, and no query may find one there.
func TestQueries(t *testing.T) {
	t.Parallel()
	recorded := map[string]string{"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.max": "10000"}
	// no base of a cache
	base := shopBase + "CREATE EXTENSION pgstattuple;\nCREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);\n" +
		"CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2040-01-01');\n" +
		fmt.Sprintf("CREATE TABLE only_%d (id int PRIMARY KEY);\n", time.Now().UnixNano())
	release := []txtar.File{
		step("CREATE EXTENSION bloom;\nCREATE EXTENSION earthdistance CASCADE;\nALTER TABLE users ADD COLUMN nick text;\nSAVEPOINT a;\n" +
			"ALTER TABLE orders ADD COLUMN note text;\nROLLBACK TO a;\nSELECT tidy();\nDO $$ BEGIN PERFORM pg_sleep(0.1); END $$;\n" +
			"ALTER TABLE users OWNER TO keeper;\nALTER TABLE users OWNER TO CURRENT_USER;\n-- +goose Down\nALTER TABLE users DROP COLUMN nick;"),
		{
			Name: "00003_alone.sql",
			Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\nSET lock_timeout = '5s';\nSET statement_timeout = '60s';\n" +
				"CREATE INDEX CONCURRENTLY orders_total ON orders (total);\nSELECT pg_sleep(0.3);\nCOMMENT ON EXTENSION bloom IS 'x';\n-- +goose Down\n" +
				"DROP INDEX orders_total;\n"),
		},
		{Name: "00004_fails.sql", Data: []byte("-- +goose Up\nALTER TABLE orders ADD CHECK (total IS NULL);\n")},
	}
	dump := filepath.Join(t.TempDir(), "dump.sql")
	if err := os.WriteFile(dump, []byte("CREATE EXTENSION pg_buffercache;\nCREATE EXTENSION dblink;\n"+
		"CREATE TABLE public.users (id bigint PRIMARY KEY, email text);\nCREATE TABLE public.orders (id bigint PRIMARY KEY, total int);\n"+
		"CREATE FUNCTION public.tidy() RETURNS void LANGUAGE sql AS $$ SELECT $$;\nALTER TABLE public.users OWNER TO shopkeeper;\n"+
		"COPY public.users (id, email) FROM stdin;\n1\ta@example.com\n2\tb@example.com\n\\.\n-- "+t.Name()+time.Now().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	kinds := map[string]func(*rehearse.Config){
		"empty": func(*rehearse.Config) {},
		"rows": func(c *rehearse.Config) {
			c.Rows, c.Traffic, c.Down = fill.Plan{All: 50, Seed: 1}, true, true
			c.LongTransaction = 100 * time.Millisecond
		},
		"a dump": func(c *rehearse.Config) { c.Dump, c.Traffic, c.Down = dump, true, true },
		"oldest": func(c *rehearse.Config) {
			c.Majors, c.Rows, c.Traffic, c.Down = []int{onward.OldestMajor}, fill.Plan{All: 50, Seed: 1}, true, true
		},
	}
	for _, name := range rotation.Pick(t, 2, slices.Sorted(maps.Keys(kinds))) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := on(branch(t, base, release))
			kinds[name](&c)
			var got []sent
			rehearse.Recorded(&c, recorded, func(ctx context.Context, s *pgserver.Server) { got = queries(ctx, t, s) })
			rehearsed(t, c)
			migrations := base
			for _, f := range release {
				migrations += string(f.Data)
			}
			judged, roles := 0, map[string]bool{}
			for _, q := range got {
				roles[q.role] = true
				if strings.Contains(migrations, strings.TrimSuffix(q.sql, ";")) || strings.Contains(q.sql, "pg_stat_statements") {
					continue // the migrations', and this test's
				}
				if exempt[q.role] != "" {
					continue
				}
				judged++
				if loose := sentqueries.Unqualified(q.sql); len(loose) > 0 {
					t.Errorf("as %s: %s\n%s", q.role, strings.Join(loose, ", "), q.sql)
				}
			}
			if judged < 20 || len(roles) != 4 {
				t.Errorf("%d queries of %v", judged, roles)
			}
			t.Logf("%d queries", judged)
		})
	}
}
