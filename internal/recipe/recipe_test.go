package recipe_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/recipe"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

func buildScript(t *testing.T, sql string) *script.Script {
	t.Helper()
	s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// planRelease returns the steps for a release of whole statements on a deployed schema: each SQL
// statement with its phase.
func planRelease(t *testing.T, deployed, release string) (steps, missing []string) {
	t.Helper()
	return planReleaseOn(t, []int{onward.NewestMajor}, deployed, release)
}

func planReleaseOn(t *testing.T, versions []int, deployed, release string) (steps, missing []string) {
	t.Helper()
	engine := rule.NewEngine(rule.Config{Versions: versions}, nil)
	engine.FoldDeployed(buildScript(t, deployed))
	plan := recipe.NewRelease(engine.Release().Deployed, versions)
	m := &rule.Migration{ID: "m", Path: "m.sql", Mode: onward.TransactionNone, Script: buildScript(t, release)}
	engine.FoldMigration(m)
	var changes []*recipe.Change
	for _, s := range m.Statements {
		c := &recipe.Change{Stmt: s, Text: s.SQL}
		if alter := s.Node.GetAlterTableStmt(); alter != nil {
			c.Command, c.Text = alter.GetCmds()[0].GetAlterTableCmd(), s.CommandText(0)
		}
		changes = append(changes, c)
	}
	plan.ComposeChanges(changes)
	for _, c := range changes {
		result := recipe.PlanChange(c)
		missing = append(missing, result.Missing...)
		for _, step := range result.Steps {
			for _, sql := range step.SQL {
				steps = append(steps, fmt.Sprintf("%s: %s", step.Phase, sql))
			}
		}
	}
	return steps, missing
}

const shop = `CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer bigint, note text, total integer);
CREATE INDEX orders_total ON orders (total);`

// TestPlanChange has for each kind of change the statements that replace it.
func TestPlanChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, change string
		want         []string
	}{
		{
			name: "an index is built while others write", change: "CREATE INDEX orders_customer ON orders (customer)",
			want: []string{"expand: CREATE INDEX CONCURRENTLY orders_customer ON orders (customer)"},
		},
		{
			name: "an index is dropped after the old code", change: "DROP INDEX orders_total",
			want: []string{"contract: DROP INDEX CONCURRENTLY orders_total"},
		},
		{
			name: "a CHECK is added for new rows, and then validated", change: "ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0)",
			want: []string{
				"expand: ALTER TABLE orders ADD CONSTRAINT positive CHECK (total > 0) NOT VALID",
				"expand: ALTER TABLE orders VALIDATE CONSTRAINT positive",
			},
		},
		{
			name:   "a foreign key is added for new rows, and then validated",
			change: "ALTER TABLE orders ADD CONSTRAINT buyer FOREIGN KEY (customer) REFERENCES customers",
			want: []string{
				"expand: ALTER TABLE orders ADD CONSTRAINT buyer FOREIGN KEY (customer) REFERENCES customers NOT VALID",
				"expand: ALTER TABLE orders VALIDATE CONSTRAINT buyer",
			},
		},
		{
			name: "NOT NULL is proven by a CHECK", change: "ALTER TABLE orders ALTER COLUMN total SET NOT NULL",
			want: []string{
				"expand: ALTER TABLE orders ADD CONSTRAINT orders_total_set CHECK (total IS NOT NULL) NOT VALID",
				"expand: ALTER TABLE orders VALIDATE CONSTRAINT orders_total_set",
				"expand: ALTER TABLE orders ALTER COLUMN total SET NOT NULL",
				"expand: ALTER TABLE orders DROP CONSTRAINT orders_total_set",
			},
		},
		{
			name: "a column is dropped after the old code", change: "ALTER TABLE orders DROP COLUMN note",
			want: []string{"contract: ALTER TABLE orders DROP COLUMN note"},
		},
		{
			name: "a harmless change stays as it is", change: "ALTER TABLE orders ADD COLUMN paid boolean",
			want: []string{"expand: ALTER TABLE orders ADD COLUMN paid boolean"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, missing := planRelease(t, shop, tt.change)
			if len(missing) > 0 {
				t.Errorf("the plan lacks %v, want nothing missing", missing)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.change, diff)
			}
		})
	}
}

// TestPlanChangeRefused: a statement that the server refuses is kept, and the plan says so.
func TestPlanChangeRefused(t *testing.T) {
	t.Parallel()
	_, missing := planRelease(t, shop, "ALTER TABLE orders ADD COLUMN total bigint")
	want := []string{`m.sql:1 is refused by the server: column "total" of relation "orders" already exists`}
	if diff := cmp.Diff(want, missing); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func ExampleRequirement_Statements() {
	r := recipe.Requirement{Table: catalog.Name{Schema: "public", Name: "orders"}, Columns: []string{"total"}, Check: "orders_total_set"}
	fmt.Println(recipe.FormatStatements(r.Statements()...))
	// Output:
	// ALTER TABLE orders ADD CONSTRAINT orders_total_set CHECK (total IS NOT NULL) NOT VALID;
	// ALTER TABLE orders VALIDATE CONSTRAINT orders_total_set;
	// ALTER TABLE orders ALTER COLUMN total SET NOT NULL;
	// ALTER TABLE orders DROP CONSTRAINT orders_total_set;
}

func ExampleAddUsingIndex() {
	orders := catalog.Name{Schema: "shop", Name: "Orders"}
	index := recipe.ColumnIndex{Table: orders, Name: "orders_code", Columns: []string{"code"}, Unique: true}
	fmt.Println(index.CreateStatement())
	fmt.Println(recipe.AddUsingIndex(orders, "orders_code", "UNIQUE", "orders_code"))
	// Output:
	// CREATE UNIQUE INDEX CONCURRENTLY orders_code ON shop."Orders" (code)
	// ALTER TABLE shop."Orders" ADD CONSTRAINT orders_code UNIQUE USING INDEX orders_code
}

// The new relation gets the privileges that a REVOKE left, with MAINTAIN if each server of the plan has it.
func TestGrantsOfVersions(t *testing.T) {
	t.Parallel()
	const deployed = shop + "\nGRANT ALL ON orders TO app; REVOKE INSERT ON orders FROM app;"
	for _, versions := range [][]int{{16}, {16, 17}, {17}, {17, 18}} {
		steps, _ := planReleaseOn(t, versions, deployed, "ALTER TABLE orders RENAME TO sales")
		text := strings.Join(steps, "\n")
		if got, want := strings.Contains(text, "GRANT maintain ON orders TO app"), versions[0] >= 17; got != want {
			t.Errorf("%v: MAINTAIN is granted: %t, in\n%s", versions, got, text)
		}
		if !strings.Contains(text, "GRANT delete ON orders TO app") || strings.Contains(text, "GRANT insert") || strings.Contains(text, "GRANT all") {
			t.Errorf("Postgres %v: want a grant of DELETE, none of INSERT or ALL, in\n%s", versions, text)
		}
	}
}
