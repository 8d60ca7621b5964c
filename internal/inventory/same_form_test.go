package inventory

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// The object that takes the place of one with the same name has its form: another type may change casts and literals, and nothing else.
func TestSameForm(t *testing.T) {
	t.Parallel()
	plan := &onward.Plan{Steps: []onward.PlanStep{{
		SQL: "ALTER INDEX heavy_onward RENAME TO heavy; ALTER TABLE parcels RENAME CONSTRAINT light_onward TO light",
		Replaces: []onward.PlanReplacement{
			{Kind: onward.ReplacementColumn, Old: "parcels", OldColumn: "weight", NewColumn: "weight_onward"},
			{Kind: onward.ReplacementColumn, Old: "parcels", OldColumn: "note", NewColumn: "remark"},
		},
	}}}
	for _, c := range []struct {
		kind, old, fresh string
		same             bool
	}{
		{"index", "CREATE INDEX heavy ON t USING btree (weight)", "CREATE INDEX heavy_onward ON t USING btree (weight_onward)", true},
		{"index", "CREATE INDEX heavy ON t USING btree (weight, note)", "CREATE INDEX heavy_onward ON t USING btree (weight_onward, remark)", true},
		{"index", "CREATE UNIQUE INDEX heavy ON t USING btree (weight)", "CREATE INDEX heavy_onward ON t USING btree (weight_onward)", false},
		{"index", "CREATE INDEX heavy ON t USING btree (weight) WITH (fillfactor='50')",
			"CREATE INDEX heavy_onward ON t USING btree (weight_onward)", false},
		{"index", "CREATE INDEX heavy ON t USING btree (weight); clustered", "CREATE INDEX heavy_onward ON t USING btree (weight_onward)", false},
		{"index", "CREATE INDEX heavy ON t USING btree (weight)", "CREATE INDEX heavy_onward ON t USING btree (weight_onward); clustered", true},
		{"index", "CREATE INDEX heavy ON t USING btree (lower((weight)::text)) " +
			"WHERE ((weight)::text <> ALL ((ARRAY['a'::character varying, 'b'::character varying(3)])::text[]))",
			"CREATE INDEX heavy_onward ON t USING btree (lower(weight_onward)) WHERE (weight_onward <> ALL (ARRAY['a'::text, 'b'::text]))", true},
		{"index", "CREATE INDEX heavy ON t USING btree (weight) WHERE (note > 3)",
			"CREATE INDEX heavy_onward ON t USING btree (weight_onward) WHERE (remark > 3.0)", true},
		{"check", "CHECK ((weight < '2024-01-01'::date))", "CHECK ((weight_onward < '2024-01-01 00:00:00+00'::timestamp with time zone))", true},
		{"check", "CHECK ((weight < 5000)) NOT VALID", "CHECK ((weight_onward < (5000)::numeric(10,2)))", true},
		{"check", "CHECK ((weight < 500))", "CHECK ((weight_onward < 5000))", false},
		{"check", "CHECK ((weight < 600))", "CHECK ((weight_onward < 5000))", false},
		{"check", "CHECK ((weight = ANY (ARRAY['a'::text, 'b'::text])))", "CHECK ((weight_onward = ANY (ARRAY['a'::text, 'b'::text, 'c'::text])))", false},
	} {
		name := map[string]string{"index": "heavy", "check": "light"}[c.kind]
		r := plan.Steps[0].Replaces[0]
		r.New, r.Known = r.Old, []string{c.kind + " " + name}
		comparison := &Comparison{
			Replaced: &r,
			Own:      ListOwnObjects(plan),
			Old: Inventory{
				{Kind: c.kind, Name: name, Columns: []string{"weight"}, Definition: c.old},
				{Kind: c.kind, Name: name + "_onward", Columns: []string{"weight_onward"}, Definition: c.fresh},
			},
		}
		losses := comparison.FindLosses()
		if len(losses) == 0 != c.same {
			t.Errorf("%s, and in its place %s: %+v", c.old, c.fresh, losses)
		}
		for _, l := range losses {
			if text := l.DescribeLoss(&r); !strings.Contains(text, c.kind+" "+name+" of parcels is not what the plan was made for: "+c.old) {
				t.Errorf("DescribeLoss = %q, want the definition that the plan knew", text)
			}
		}
	}
}

// A key of the new table is deferrable for a while. It has the old one's form if the exchange gives it that.
func TestSameDeferrability(t *testing.T) {
	t.Parallel()
	const key = "FOREIGN KEY (above) REFERENCES topics(id) ON DELETE CASCADE"
	for _, c := range []struct {
		exchange, old string
		same          bool
	}{
		{"ALTER TABLE topics ALTER CONSTRAINT parent NOT DEFERRABLE", key, true},
		{"ALTER TABLE topics ALTER CONSTRAINT parent DEFERRABLE INITIALLY IMMEDIATE", key + " DEFERRABLE", true},
		{"ALTER TABLE topics ALTER CONSTRAINT parent NOT DEFERRABLE", key + " DEFERRABLE", false},
		{"ALTER TABLE topics_was ALTER CONSTRAINT parent NOT DEFERRABLE", key, false},
		{"ALTER TABLE topics ALTER CONSTRAINT parent NOT DEFERRABLE", strings.Replace(key, "CASCADE", "SET NULL", 1), false},
		{"SELECT 1", key + " DEFERRABLE INITIALLY DEFERRED", true},
	} {
		plan := &onward.Plan{Steps: []onward.PlanStep{{SQL: c.exchange}}}
		comparison := &Comparison{
			Replaced: &onward.PlanReplacement{Kind: onward.ReplacementTable, Old: "topics", New: "topics_onward", Known: []string{"foreign key parent"}},
			Own:      ListOwnObjects(plan),
			Old:      Inventory{{Kind: "foreign key", Name: "parent", Columns: []string{"above"}, Definition: c.old}},
			New: Inventory{{
				Kind: "foreign key", Name: "parent", Columns: []string{"above"},
				Definition: strings.Replace(key, "topics", "topics_onward", 1) + " DEFERRABLE INITIALLY DEFERRED",
			}},
		}
		if losses := comparison.FindLosses(); len(losses) == 0 != c.same {
			t.Errorf("%s after %s: %+v", c.old, c.exchange, losses)
		}
	}
}
