package django

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/onward-sql/onward/internal/script"
)

// The writes of a RunPython are read from its text: none of it runs.
func TestRowsThatPythonWrites(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"django-3.2-none", "django-5.2-psycopg"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			m := render(t, Config{Dir: project(t, "fills"), Python: venv(t, env)}).find(t, "shop.0002_fills")
			want := map[string][]Write{
				"everything": {{"shop_book", "updates", true, false, false}},
				"empty":      {{"shop_book", "updates", true, false, false}},
				"drafts":     {{"shop_book", "deletes", false, false, false}},
				"loop":       {{"tags", "saves", true, false, false}, {"shop_book", "writes", false, true, false}},
				"batches":    {{"shop_book", "updates", true, false, true}},
				"of_drafts":  {{"shop_book", "saves", false, false, true}},
				"by_range":   {{"shop_book", "deletes", true, false, true}},
				"in_bulk":    {{"shop_book", "updates", true, false, true}},
				"each":       {{"shop_book", "saves", true, false, false}},
				"in_sql":     {{"shop_book", "updates", false, false, false}},
				"in_a_text":  {{"shop_book", "updates", true, false, false}},
				"bad_ones":   {{"shop_book", "removes", true, false, false}},
				"by_keys":    {{"shop_book", "removes", true, false, false}},
				// A list that a loop builds is written in batches, all of them in the migration's one transaction.
				"flushed":           {{"shop_book", "updates", true, false, true}},
				"flushed_elsewhere": {{"shop_book", "updates", false, false, true}},
				"flushed_once":      {{"shop_book", "updates", true, false, false}},
				"one":               nil, "seed": nil, "read": nil, "one_in_sql": nil,
				"three": {{"shop_book", "writes", false, true, false}},
				// Models that are imported, and names of models in a loop.
				"of_class":   {{"shop_book", "saves", true, false, false}},
				"of_import":  {{"shop_book", "updates", true, false, false}},
				"of_module":  {{"tags", "deletes", true, false, false}},
				"of_counted": {{"shop_book", "updates", true, false, false}},
				"hidden":     nil,
				"of_several": {{"shop_book", "saves", true, false, false}, {"tags", "saves", true, false, false}},
			}
			got := map[string][]Write{}
			for i, op := range m.Operations[1:] {
				got[op.Code.Name] = op.Code.Writes
				for _, c := range m.listRowCode(i + 1) {
					if c.Parts != 1 {
						t.Errorf("%s runs behind %d statements", c.Name, c.Parts)
					}
				}
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// The texts that an update replaces are read in the same way.
func TestTextsThatPythonReplaces(t *testing.T) {
	t.Parallel()
	m := render(t, Config{Dir: project(t, "fills"), Python: venv(t, "django-5.2-psycopg")}).find(t, "shop.0003_values")
	want := map[string][]script.Replacement{
		"renames": {{Name: "renames", Table: "shop_book", Column: "of_kind", Old: "paper", Now: "print"}},
		"several": {
			{Name: "several", Table: "shop_book", Column: "of_kind", Old: "novel", Now: "fiction"},
			{Name: "several", Table: "shop_book", Column: "of_kind", Old: "tale", Now: "fiction"},
		},
		"other_field": nil, "computed": nil, "not_these": nil,
	}
	got := map[string][]script.Replacement{}
	for i, op := range m.Operations[1:] {
		got[op.Code.Name] = m.textReplacements(i + 1)
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(script.Replacement{}, "Line")); diff != "" {
		t.Error(diff)
	}
}
