package prove

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/refusal"
)

// TestAbsentNames compares the refusals of statements that name what a complete schema lacks with the servers' errors.
func TestAbsentNames(t *testing.T) {
	t.Parallel()
	schema := read(t, "absent.sql")
	base := *fold(t, catalog.New(), schema)
	base.Complete = true
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major, schema)
		version := refusal.NewVersion(major)
		compared := 0
		for line := range strings.Lines(read(t, "absent.txt")) {
			line = strings.TrimSuffix(strings.TrimSpace(line), ";")
			mark, sql, _ := strings.Cut(line, " ")
			if mark != "open" && mark != "order" {
				mark, sql = "", line
			}
			if sql == "" || strings.HasPrefix(line, "#") {
				continue
			}
			compared++
			server, model := stateOnServer(t, conn, sql), stateOfModel(t, &base, version, sql)
			want := server
			switch {
			case mark == "open" && model == "":
				continue // it is known that the model does not see it
			case mark == "order" && model != "" && server != "":
				continue
			case mark != "":
				t.Errorf("%s: the model says %q and the server %q: %q is no longer true", sql, model, server, mark)
			}
			if model != want {
				t.Errorf("%s: %q, the server says %q", sql, model, server)
			}
		}
		if compared < 300 {
			t.Errorf("%d statements compared", compared)
		}
	})
}

// stateOnServer returns the SQLSTATE with which a server refuses a statement; "" if it does not.
func stateOnServer(t *testing.T, conn *pgx.Conn, sql string) string {
	t.Helper()
	if !strings.HasPrefix(sql, "VACUUM") {
		pgservertest.Exec(t, conn, "BEGIN")
		defer pgservertest.Exec(t, conn, "ROLLBACK")
	}
	_, err := conn.PgConn().Exec(t.Context(), sql).ReadAll()
	if refused := new(pgconn.PgError); errors.As(err, &refused) {
		return refused.Code
	}
	if err != nil {
		t.Fatal(err)
	}
	return ""
}

// stateOfModel returns the SQLSTATE with which the model refuses a statement; "" if it does not.
func stateOfModel(t *testing.T, c *catalog.Catalog, version *refusal.Version, sql string) string {
	t.Helper()
	file, err := pgparse.SplitText(sql)
	if err != nil || len(file.Stmts) != 1 || file.Stmts[0].Node == nil {
		t.Fatalf("%s does not parse", sql)
	}
	q := refusal.Checker{C: c, V: version}
	q.CheckStatement(pgparse.Unwrap(file.Stmts[0].Node))
	_, problems := c.Judge(file.Stmts[0].Node, sql, false)
	if q.KeepProblem(problems); q.Refusal == nil {
		return ""
	}
	return q.Refusal.SQLSTATE
}
