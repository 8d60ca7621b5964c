package apply_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// A step that fails by what is in a row says why and where, and nothing that it says or notes has the value.
func TestNoValue(t *testing.T) {
	t.Parallel()
	const value = "sk_live_4eC39HqLyjWDarjtT1zdp7dc"
	original := planned(t, base, "ALTER TABLE orders ADD COLUMN more text;")
	for _, c := range []struct{ name, sql, code, says string }{
		{"cast", "ALTER TABLE orders ALTER COLUMN note TYPE integer USING note::integer;", "22P02", "invalid input syntax for type integer"},
		{"update", "UPDATE orders SET amount = note::integer;", "22P02", "invalid input syntax for type integer"},
		{
			"raise",
			"DO $$ DECLARE r record; BEGIN FOR r IN SELECT * FROM orders LOOP RAISE EXCEPTION 'what is %', r.note USING ERRCODE = 'check_violation'; END LOOP; END $$;",
			"23514", "inline_code_block line 1 at RAISE",
		},
		{"duplicate", "ALTER TABLE orders ADD UNIQUE (note);", "23505", "could not create unique index"},
		{
			"literal", "SELECT '" + value + "';\nALTER TABLE orders ADD COLUMN more text DEFAULT ('" + value + "'::integer);",
			"22P02", "invalid input syntax for type integer",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			run(t, db, base, fmt.Sprintf("INSERT INTO orders (id, amount, note) SELECT n, n, '%s' FROM generate_series(1, 2) AS n", value))
			p := *original
			p.Steps = slices.Clone(original.Steps)
			p.Steps[0].SQL = c.sql
			if strings.HasPrefix(c.sql, "DO ") {
				p.Steps[0].Class = onward.StepWork
			}
			markProven(t, &p)
			var events teller
			r, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: &p, Tell: events.tell})
			unfinished := new(apply.UnfinishedError)
			if !errors.As(err, &unfinished) || !strings.Contains(unfinished.Why, c.code) || !strings.Contains(unfinished.Why, c.says) {
				t.Fatalf("apply = %+v, %v, want an UnfinishedError with %s and %q", r, err, c.code, c.says)
			}
			for i := range events.list {
				events.list[i].Step = nil // it has the plan's own SQL
				if events.list[i].Kind == apply.Sends {
					events.list[i].Words = "" // so has this
				}
			}
			output, err := json.Marshal([]any{r.Why, unfinished.Error(), events.list})
			if err != nil {
				t.Fatal(err)
			}
			noted := content(t, db, "SELECT concat_ws(' ', step, event, detail) FROM onward_ledger.log UNION ALL SELECT to_jsonb(s)::text FROM onward_ledger.step AS s")
			if len(noted) < 3 || !strings.Contains(strings.Join(noted, "\n"), c.code) {
				t.Errorf("the ledger does not say why: %q", noted)
			}
			if all := string(output) + strings.Join(noted, "\n"); strings.Contains(all, value) {
				t.Errorf("the output and the ledger have the value %q:\n%s", value, all)
			}
		})
	}
}
