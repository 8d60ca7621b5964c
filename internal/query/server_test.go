package query_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/query"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// dependencies reads the columns that a view depends on from pg_depend.
const dependencies = `SELECT DISTINCT c.relname || '.' || a.attname
	FROM pg_rewrite r JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
	JOIN pg_class c ON c.oid = d.refobjid AND d.refclassid = 'pg_class'::regclass
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
	WHERE r.ev_class = 'v'::regclass AND c.oid <> r.ev_class AND d.refobjsubid > 0`

// TestServer compares the columns that queries read with the dependencies that servers
// record for views over the same queries. Queries that servers refuse are left out.
func TestServer(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/uses.txt")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(strings.TrimSpace(string(data)), "\n\n")
	extra, err := os.ReadFile("testdata/views.txt")
	if err != nil {
		t.Fatal(err)
	}
	queries := strings.Split(strings.TrimSpace(string(extra)), "\n")
	for _, block := range blocks[1:] {
		sql, _, _ := strings.Cut(block, "\n")
		if strings.Contains(sql, "row_to_json(u)") {
			continue // servers record no column for a whole row
		}
		if strings.HasPrefix(sql, "SELECT") || strings.HasPrefix(sql, "WITH RECURSIVE") {
			queries = append(queries, sql)
		}
	}
	c := fold(t, blocks[0])
	pgservertest.OnEach(t, []int{13, 18}, func(t *testing.T, conn *pgx.Conn, _ int) {
		ctx := t.Context()
		if _, err := conn.Exec(ctx, blocks[0]); err != nil {
			t.Fatal(err)
		}
		compared := 0
		for _, sql := range queries {
			if _, err := conn.Exec(ctx, "DROP VIEW IF EXISTS v; CREATE VIEW v AS "+sql); err != nil {
				continue // of tables and functions that are not there
			}
			rows, err := conn.Query(ctx, dependencies)
			if err != nil {
				t.Fatal(err)
			}
			want, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, columnsRead(t, sql, c)); diff != "" {
				t.Errorf("%s\n-server +binder:\n%s", sql, diff)
			}
			compared++
		}
		if compared < 45 {
			t.Errorf("%d queries were compared", compared)
		}
	})
}

// columnsRead are the columns that a query reads, each once.
func columnsRead(t *testing.T, sql string, lookup query.Lookup) []string {
	t.Helper()
	out := []string{}
	for _, u := range query.ListUses(split(t, sql).Node, lookup) {
		switch {
		case u.How == query.ReadsColumn:
			out = append(out, u.Name+"."+u.Column)
		case u.How == query.Stars && u.Table != nil && u.Clause != 0:
			for _, column := range u.Table.AllColumns() {
				out = append(out, u.Name+"."+column)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
