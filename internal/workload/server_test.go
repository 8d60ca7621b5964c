package workload

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// oids maps the types that Normalise gives to literals to their OIDs.
var oids = map[string]uint32{"": 0, "unknown": 0, "integer": 23, "bigint": 20, "numeric": 1700, "bit": 1560, "text": 25}

// TestServer checks that a normalized query can be prepared if the original can, and has
// the same result columns.
func TestServer(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/prepare.sql")
	if err != nil {
		t.Fatal(err)
	}
	schema, queries, _ := strings.Cut(string(data), "-- queries\n")
	pgservertest.OnEach(t, []int{13, 18}, func(t *testing.T, conn *pgx.Conn, major int) {
		ctx := t.Context()
		if _, err := conn.Exec(ctx, schema); err != nil {
			t.Fatal(err)
		}
		since, tried := 0, 0
		for _, sql := range strings.Split(strings.TrimSpace(queries), "\n") {
			if n, _ := fmt.Sscanf(sql, "-- since %d", &since); n == 1 || since > major {
				continue
			}
			tried++
			if difference := sameResult(ctx, conn.PgConn(), sql); difference != "" {
				t.Errorf("%s\nhas another result when normalized: %s", sql, difference)
			}
		}
		if tried < 130 {
			t.Errorf("%d queries were tried", tried)
		}
	})
}

// sameResult describes how a query and its normal form differ.
func sameResult(ctx context.Context, conn *pgconn.PgConn, sql string) string {
	before, err := conn.Prepare(ctx, "", sql, nil)
	if err != nil {
		return "the query itself: " + err.Error()
	}
	n := Normalize(sql)
	if n.Unread != "" {
		return n.Unread
	}
	var types []uint32
	for _, p := range n.Params {
		oid, known := oids[p]
		if !known {
			return "no oid for " + p
		}
		types = append(types, oid)
	}
	after, err := conn.Prepare(ctx, "", n.SQL, types)
	if err != nil {
		return n.SQL + "\n" + fmt.Sprint(n.Params) + "\n" + err.Error()
	}
	if strings.HasPrefix(sql, "DECLARE") {
		return "" // only the query remains
	}
	return differ(n.SQL, before.Fields, after.Fields)
}

func differ(sql string, before, after []pgconn.FieldDescription) string {
	if len(before) != len(after) {
		return fmt.Sprintf("%s\n%d columns, and had %d", sql, len(after), len(before))
	}
	for i := range after {
		if before[i].Name != after[i].Name || before[i].DataTypeOID != after[i].DataTypeOID || before[i].TypeModifier != after[i].TypeModifier {
			return fmt.Sprintf("%s\ncolumn %d is %v, and was %v", sql, i+1, after[i], before[i])
		}
	}
	return ""
}
