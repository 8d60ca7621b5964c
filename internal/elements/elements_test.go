package elements_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/elements"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// restatedCase is a release, and its statements as the difference of its schemas.
type restatedCase struct {
	name, deployed, release string
	// want are the statements; nil if no transition applies. refused is a part of why an element has none.
	want    []string
	refused string
}

func (c *restatedCase) run(t *testing.T) {
	t.Helper()
	base, head, commands := foldRelease(t, c.deployed, c.release)
	got, err := elements.Restate(base, head, commands)
	if err != nil {
		t.Fatal(err)
	}
	var sql []string
	for _, n := range got.Nodes {
		sql = append(sql, strings.Join(strings.Fields(n.SQL), " "))
	}
	if len(sql) > 0 {
		checkSchema(t, c.deployed, head, got)
	}
	if diff := cmp.Diff(c.want, sql); diff != "" {
		t.Error(diff)
	}
	if all := strings.Join(got.Refused, "\n"); !strings.Contains(all, c.refused) || c.refused == "" && all != "" {
		t.Errorf("refused: %q, want %q", all, c.refused)
	}
}

// checkSchema checks that the restated statements lead to the schema of the release, except for the order of columns.
func checkSchema(t *testing.T, deployed string, head *catalog.Catalog, got *elements.Restatement) {
	t.Helper()
	var sql []string
	for _, n := range got.Nodes {
		sql = append(sql, n.SQL)
	}
	_, restated, _ := foldRelease(t, deployed, strings.Join(sql, ";\n"))
	for _, r := range listRelations(head) {
		if r.Kind != catalog.Table {
			continue
		}
		other := restated.Lookup(r.Name.Schema, r.Name.Name)
		if other == nil || len(other.Columns) != len(r.Columns) || len(other.Constraints) != len(r.Constraints) || len(other.Indexes) != len(r.Indexes) {
			t.Errorf("%s has other parts than after the release", r.Name)
			continue
		}
		for _, want := range r.Columns {
			col := other.Column(want.Name)
			if col == nil || col.Type.FormatFull() != want.Type.FormatFull() || col.NotNull != want.NotNull || col.DefaultText != want.DefaultText ||
				col.Collation != want.Collation {
				t.Errorf("column %s of %s is another one than after the release", want.Name, r.Name)
			}
		}
	}
	for _, r := range listRelations(restated) {
		if head.Lookup(r.Name.Schema, r.Name.Name) == nil {
			t.Errorf("%s is there, and the release drops it", r.Name)
		}
	}
}

func listRelations(c *catalog.Catalog) (out []*catalog.Relation) {
	c.EachRelation(func(r *catalog.Relation) bool {
		out = append(out, r)
		return true
	})
	return out
}

// foldRelease folds a release and returns both schemas and its commands.
func foldRelease(t *testing.T, deployed, release string) (base, head *catalog.Catalog, commands []*elements.Command) {
	t.Helper()
	engine := rule.NewEngine(rule.Config{Versions: []int{onward.NewestMajor}}, nil)
	engine.FoldDeployed(buildScript(t, deployed))
	base = engine.Catalog()
	m := &rule.Migration{ID: "m", Path: "m.sql", Mode: onward.TransactionNone, Script: buildScript(t, release)}
	engine.FoldMigration(m)
	for _, s := range m.Statements {
		if s.Node == nil || len(s.Problems) > 0 {
			t.Fatalf("the release's statement %q cannot be applied: %v", s.SQL, s.Problems)
		}
		if s.Parent < 0 {
			commands = append(commands, elements.SplitStatement(s)...)
		} else {
			commands[len(commands)-1].Calls = true
		}
	}
	return base, engine.Catalog(), commands
}

func buildScript(t *testing.T, sql string) *script.Script {
	t.Helper()
	s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompare(t *testing.T) {
	t.Parallel()
	base, head, _ := foldRelease(t, `CREATE TABLE a (id int PRIMARY KEY, "Old" text, gone text, kept text CHECK (kept <> '')); CREATE TABLE b (id int)`, `
ALTER TABLE a ADD COLUMN fresh int, DROP COLUMN gone;
ALTER TABLE a RENAME COLUMN kept TO other;
ALTER TABLE a ADD COLUMN tmp jsonb;
ALTER TABLE a DROP COLUMN "Old";
ALTER TABLE a RENAME COLUMN tmp TO "Old";
ALTER TABLE a DROP CONSTRAINT a_kept_check;
ALTER TABLE a ADD CONSTRAINT a_kept_check CHECK (other <> 'x');
DROP TABLE b; CREATE TABLE b (id bigint);
CREATE TYPE mood AS ENUM ('a')`)
	var got []string
	for _, e := range elements.Compare(base, head) {
		text := e.String()
		if e.By != nil {
			text += " by " + e.By.String()
		}
		got = append(got, text)
	}
	want := []string{
		"column a.Old: replaced by column a.Old: absent → present", "column a.gone: present → absent", "column a.other: changed",
		"column a.fresh: absent → present", "column a.Old: absent → present",
		"constraint a.a_kept_check: replaced by constraint a.a_kept_check: absent → present", "constraint a.a_kept_check: absent → present",
		"table b: replaced by table b: absent → present", "table b: absent → present", "object mood: absent → present",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
