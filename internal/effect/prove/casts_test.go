package prove

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// TestCasts asks the newest servers whether the generated table of casts is
// still what they have.
func TestCasts(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../refusal/casts_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	entries := regexp.MustCompile(`\t"(\S+ \S+ ..)(\d*)"`).FindAllStringSubmatch(string(text), -1)
	eachNewest(t, func(t *testing.T, major int) {
		listed := []string{}
		for _, e := range entries {
			if since, _ := strconv.Atoi(e[2]); since <= major {
				listed = append(listed, e[1])
			}
		}
		casts := pgservertest.ReadTexts(t, pgservertest.Connect(t, pgservertest.Database(t, major)),
			`SELECT s.typname::text || ' ' || t.typname::text || ' ' || castcontext::text || castmethod::text
FROM pg_cast c JOIN pg_type s ON s.oid = castsource JOIN pg_type t ON t.oid = casttarget WHERE castsource <> casttarget`)
		slices.Sort(listed)
		slices.Sort(casts)
		if diff := cmp.Diff(listed, casts); diff != "" {
			t.Errorf("casts_gen.go (-) and the server (+) differ: go generate ./internal/refusal:\n%s", diff)
		}
	})
}

// eachNewest runs a test on the newest version and the preview.
func eachNewest(t *testing.T, test func(t *testing.T, major int)) {
	for _, major := range []int{onward.NewestMajor, onward.PreviewMajor} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			t.Parallel()
			test(t, major)
		})
	}
}

// TestExplicitCasts asks servers, of each pair of common types, whether a
// column may be cast in a USING.
func TestExplicitCasts(t *testing.T) {
	t.Parallel()
	eachNewest(t, testExplicitCasts)
}

func testExplicitCasts(t *testing.T, major int) {
	conn := pgservertest.Connect(t, pgservertest.Database(t, major))
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
				t.Fatalf("roll back %q: %v", alter, rollback)
			}
			r := effect.EffectOf(node(alter), before, effect.NewVersion(major), effect.Inputs{})
			if (err == nil) != (r.Refused == nil) {
				t.Errorf("%s: model %q, server %v", alter, r.Refused.Message(), err)
			}
		}
	}
}
