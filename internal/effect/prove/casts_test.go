package prove

import (
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestCasts asks the newest server whether the generated table of casts is
// still what it has.
func TestCasts(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgservertest.Database(t, onward.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var n int
	var missing string
	text, err := os.ReadFile("../../refusal/casts_gen.go")
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
		t.Errorf("casts_gen.go has %d casts, the server %d: go generate ./internal/refusal. Missing:%s", got, n, missing)
	}
}

// TestExplicitCasts asks the newest server, of each pair of common types, whether a
// column may be cast in a USING.
func TestExplicitCasts(t *testing.T) {
	t.Parallel()
	conn, err := pgx.Connect(t.Context(), pgservertest.Database(t, onward.NewestMajor))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	exec := func(sql string) error {
		_, err := conn.Exec(t.Context(), sql)
		return err
	}
	node := func(sql string) *pgparse.Node {
		f, err := pgparse.SplitText(sql)
		if err != nil || f.Stmts[0].Node == nil {
			t.Fatalf("%s does not parse", sql)
		}
		return f.Stmts[0].Node
	}
	types := strings.Fields("int2 int4 int8 float8 numeric bool text varchar bpchar name date time timetz timestamp timestamptz interval" +
		" uuid json jsonb bytea inet money bit xml point tsvector int4range int4[] text[] varchar[] uuid[] jsonb[]")
	for _, from := range types {
		create := "CREATE TEMP TABLE z (v " + from + ")"
		if err := exec("DROP TABLE IF EXISTS z; " + create); err != nil {
			t.Fatal(err)
		}
		before, _ := catalog.New().Apply(node(create), create)
		for _, to := range types {
			if from == to {
				continue
			}
			alter := "ALTER TABLE z ALTER v TYPE " + to + " USING v::" + to
			err := exec("BEGIN; " + alter)
			if rollback := exec("ROLLBACK"); rollback != nil {
				t.Fatal(rollback)
			}
			r := effect.EffectOf(node(alter), before, effect.NewVersion(onward.NewestMajor), effect.Inputs{})
			if (err == nil) != (r.Refused == nil) {
				t.Errorf("%s: model %q, server %v", alter, r.Refused.Message(), err)
			}
		}
	}
}
