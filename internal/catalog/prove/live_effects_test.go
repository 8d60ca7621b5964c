package prove

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	effectprove "github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/live"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// TestLiveEffects holds that a catalog that was read from a server gives the
// same effects as the folded one, for each form that the proof of the effects
// runs on the fixture as it is.
func TestLiveEffects(t *testing.T) {
	t.Parallel()
	forms, err := effectprove.ListForms()
	if err != nil {
		t.Fatal(err)
	}
	file, err := pgparse.SplitText(effectprove.Fixture)
	if err != nil {
		t.Fatal(err)
	}
	folded := catalog.New()
	for _, s := range file.Stmts {
		folded, _ = folded.Apply(s.Node, file.Src[s.Start:s.End])
	}
	folded.Complete = true
	for _, major := range majors(t) {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			ctx := t.Context()
			url := pgservertest.Database(t, major)
			conn, err := pgx.Connect(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(ctx)
			if _, err := conn.Exec(ctx, effectprove.Fixture); err != nil {
				t.Fatal(err)
			}
			got, err := live.ReadSchema(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			for _, form := range forms {
				if form.Setup != "" || strings.HasSuffix(form.SQL, "OWNER TO CURRENT_USER") {
					continue // a history is the migrator's own; who that is, a server does not say
				}
				p, err := pgparse.SplitText(form.SQL)
				if err != nil || len(p.Stmts) != 1 {
					t.Fatalf("%s: parse %q as one statement: %v", form.ID, form.SQL, err)
				}
				if d := cmp.Diff(told(p.Stmts[0].Node, folded, major), told(p.Stmts[0].Node, got.Catalog, major)); d != "" {
					t.Errorf("%s: %s (-folded +read):\n%s", form.ID, form.SQL, d)
				}
			}
		})
	}
}

// told is what the model says of a statement, without the numbers of objects
// and the order that comes from them.
func told(node *pgparse.Node, c *catalog.Catalog, major int) []string {
	r := effect.EffectOf(node, c, effect.NewVersion(major), effect.Inputs{TimeZone: "UTC"})
	var out []string
	for _, e := range r.Effects {
		e.OID = 0
		out = append(out, fmt.Sprintf("%+v", e))
	}
	slices.Sort(out)
	return append(out, r.Refused.Message(), r.NoTransaction, r.Unmodelled)
}
