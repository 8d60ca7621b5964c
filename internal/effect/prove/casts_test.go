package prove

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestCasts asks the newest server whether the generated table of casts is
// still what it has.
func TestCasts(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgservertest.Database(t, pgserver.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	var missing string
	text, err := os.ReadFile("../casts_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	rows, err := conn.Query(t.Context(), `SELECT s.typname::text || ' ' || t.typname::text || ' ' || castcontext::text || castmethod::text
FROM pg_cast c JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget WHERE castsource <> casttarget`)
	if err != nil {
		t.Fatal(err)
	}
	casts, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range casts {
		n++
		if !strings.Contains(string(text), `"`+c+`"`) {
			missing += "\n" + c
		}
	}
	if got := strings.Count(string(text), "\t\""); missing != "" || got != n {
		t.Errorf("casts_gen.go has %d casts, the server %d: go generate ./internal/effect. Missing:%s", got, n, missing)
	}
}
