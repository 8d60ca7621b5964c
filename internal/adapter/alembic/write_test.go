package alembic

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/onward"
)

// revisions returns a set of revisions: "b a" follows a.
func revisions(list ...string) *adapter.Set {
	set := &adapter.Set{Source: adapter.Source{Dir: "versions"}, Together: true}
	for _, text := range list {
		ids := strings.Fields(text)
		set.Migrations = append(set.Migrations, &adapter.Migration{ID: ids[0], After: ids[1:]})
	}
	return set
}

// TestCompose writes the revision after those that stay, or says why it cannot.
func TestCompose(t *testing.T) {
	t.Parallel()
	step := &onward.PlanStep{
		ID: "01-expand", Phase: onward.Expand, Transaction: onward.TransactionFile, Why: `add "x" \ y`,
		SQL:  "BEGIN;\nSET LOCAL lock_timeout = '2s';\nALTER TABLE a ADD COLUMN b text DEFAULT ':c 1:2 \"\"\"'::text;\nCOMMIT;\n",
		Undo: "BEGIN;\nALTER TABLE a DROP COLUMN b;\nCOMMIT;\n",
	}
	for name, tc := range map[string]struct {
		set      *adapter.Set
		replaced []string
		want     string // in the file, or in the error
	}{
		"after the last":           {revisions("a", "b a", "c b"), []string{"c"}, "down_revision = \"b\"\n"},
		"the first":                {revisions("a"), []string{"a"}, "down_revision = None\n"},
		"a merge is replaced":      {revisions("a", "b a", "c a", "d b c"), []string{"d"}, "down_revision = (\"b\", \"c\")\n"},
		"several heads":            {revisions("a", "b a", "c a"), nil, "alembic merge heads"},
		"one that is kept follows": {revisions("a", "b a", "c b"), []string{"b"}, "c follows b, which the plan replaces"},
		"nothing could be read":    {revisions(), nil, "no revision could be read"},
		"commits what came before": {revisions("a"), nil, "autocommit_block():\n        pass\n"},
		"no parameter is read":     {revisions("a"), nil, `DEFAULT '\\:c 1:2 ""\"'::text`},
		"undo":                     {revisions("a"), nil, "def downgrade():\n    op.execute(\"\"\"\nALTER TABLE a DROP COLUMN b\n\"\"\")\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got string
			w, err := new(Adapter).Compose(t.Context(), nil, tc.set, tc.replaced)
			if err != nil {
				got = err.Error()
			} else {
				files, err := w.Files(&onward.Plan{Name: "p"}, step, "B_01")
				if err != nil {
					t.Fatal(err)
				}
				got = files[0].Text
			}
			if !strings.Contains(got, tc.want) {
				t.Errorf("%q is wanted in:\n%s", tc.want, got)
			}
		})
	}
	w, err := new(Adapter).Compose(t.Context(), nil, revisions("a"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if reason := w.Carries(&onward.PlanStep{SQL: `SELECT '\:x'`}); reason == "" {
		t.Error("a text that op.execute() changes")
	}
	first, err := w.Files(&onward.Plan{Name: "p"}, step, "B_01")
	if err != nil {
		t.Fatal(err)
	}
	second, err := w.Files(&onward.Plan{Name: "p"}, step, "B_02")
	id := strings.TrimSuffix(strings.TrimPrefix(first[0].Path, "versions/"), "_b_01.py")
	if err != nil || !strings.Contains(second[0].Text, "down_revision = \""+id+"\"") {
		t.Errorf("the second does not follow %s: %v\n%s", id, err, second[0].Text)
	}
}

// TestCountOfLine knows the place of a revision only in the line that ends at the head.
func TestCountOfLine(t *testing.T) {
	t.Parallel()
	set := revisions("a", "b a", "c a", "d b c", "e d")
	count := countRevisions(set.Migrations)
	var keys []string
	for _, m := range set.Migrations {
		keys = append(keys, count.Key(m))
	}
	if got := strings.Join(keys, ","); got != ",,,d,e" {
		t.Errorf("the keys of the revisions are %q, want \",,,d,e\"", got)
	}
	if countRevisions(revisions("a", "b a", "c a").Migrations) != nil {
		t.Error("a table with several rows")
	}
}
