package violation_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/violation"
	"github.com/onward-sql/onward/onward"
)

// TestConditions holds the conditions of the steps in testdata/conditions.txt, and the rows that are predicted for them. A paragraph has the tables of
// the server, and then a step in each line. With -update it writes the results.
func TestConditions(t *testing.T) {
	t.Parallel()
	var got strings.Builder
	for paragraph := range strings.SplitSeq(golden.ReadFile(t, filepath.Join("testdata", "conditions.txt")), "\n\n") {
		tables := map[string]*violation.Table{}
		p := &onward.Plan{}
		for line := range strings.SplitSeq(strings.TrimSpace(paragraph), "\n") {
			fmt.Fprintf(&got, "%s\n", line)
			if description, isTable := strings.CutPrefix(line, "table "); isTable {
				name, table := parseTable(description)
				tables[name] = table
			} else if !strings.HasPrefix(line, "#") {
				p.Steps = append(p.Steps, parseStep(line))
			}
		}
		lookup := func(name string) (*violation.Table, error) { return tables[name], nil }
		for i := range p.Steps {
			conditions, err := violation.StepConditions(p, i, lookup)
			if err != nil {
				t.Error(err)
			}
			for _, c := range conditions {
				writeCondition(t, &got, c, p.Steps[:i], lookup)
			}
		}
		got.WriteString("\n")
	}
	golden.CompareFile(t, filepath.Join("testdata", "conditions.found.txt"), got.String())
}

func writeCondition(t *testing.T, out *strings.Builder, c *violation.Condition, before []onward.PlanStep, lookup violation.Lookup) {
	t.Helper()
	fmt.Fprintf(out, "  %s %s of %s, parent %q\n", c.Kind, c.Name, c.FullName(), c.Parent)
	fmt.Fprintf(out, "    %s\n    %s\n", c.FindQuery("", []string{"id", "Key"}), c.CountQuery("(SELECT 1)"))
	rows, ok, err := c.PredictRows(before, c.FromItem(), lookup, func(functions []string) (bool, error) {
		return slices.Contains(functions, "random"), nil
	})
	if err != nil {
		t.Error(err)
	}
	if !ok {
		rows = "not predictable"
	}
	fmt.Fprintf(out, "    rows: %s\n", rows)
	for _, sql := range []string{c.FindQuery("", []string{"id"}), "SELECT FROM " + rows + " AS t"} {
		if ok && pgparse.ParseStatement(sql) == nil {
			t.Errorf("%s does not parse", sql)
		}
	}
}

// parseTable parses the description of a table: its name and columns, and then what it has.
func parseTable(description string) (name string, t *violation.Table) {
	t = &violation.Table{}
	for i, part := range strings.Split(description, "; ") {
		word, list, _ := strings.Cut(part, " ")
		if i == 0 {
			name, list, _ = strings.Cut(part, ": ")
			word = "columns"
		}
		columns := []string{}
		for x := pgparse.NextLexeme(list, 0); x.Kind != pgparse.LexemeEnd; x = pgparse.NextLexeme(list, x.End) {
			columns = append(columns, strings.Trim(list[x.Start:x.End], `"`))
		}
		switch word {
		case "columns":
			t.Columns = columns
		case "key":
			t.Key = columns
		case "order":
			t.Order = columns
		case "partitioned":
			t.Partitioned = true
		case "fires":
			t.Fires = true
		}
	}
	return name, t
}

// parseStep returns a step: SQL, or "backfill t (id): work".
func parseStep(line string) onward.PlanStep {
	head, work, _ := strings.Cut(line, ": ")
	head, isBackfill := strings.CutPrefix(head, "backfill ")
	if !isBackfill {
		return onward.PlanStep{SQL: line}
	}
	table, keys, _ := strings.Cut(strings.TrimSuffix(head, ")"), " (")
	return onward.PlanStep{Backfill: &onward.PlannedBackfill{Table: table, Keys: strings.Split(keys, ", "), Work: work}}
}

// An error of the server is an error, and no prediction.
func TestLookupErrors(t *testing.T) {
	t.Parallel()
	failed := errors.New("gone")
	lookup := func(string) (*violation.Table, error) { return nil, failed }
	p := &onward.Plan{Steps: []onward.PlanStep{
		parseStep("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0)"), parseStep("ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES p"),
	}}
	for i := range p.Steps {
		if _, err := violation.StepConditions(p, i, lookup); !errors.Is(err, failed) {
			t.Errorf("step %d: %v", i, err)
		}
	}
	findTable := func(string) (*violation.Table, error) {
		return &violation.Table{Columns: []string{"id", "a"}, Key: []string{"id"}}, nil
	}
	conditions, err := violation.StepConditions(p, 0, findTable)
	if err != nil || len(conditions) != 1 {
		t.Fatalf("StepConditions = %v, %v, want one condition", conditions, err)
	}
	if _, ok, err := conditions[0].PredictRows(nil, "t", lookup, nil); ok || !errors.Is(err, failed) {
		t.Errorf("predicted %v: %v", ok, err)
	}
	before := []onward.PlanStep{parseStep("backfill t (id): UPDATE t AS t SET a = f() FROM batch WHERE t.id = batch.onward_key1")}
	if _, ok, err := conditions[0].PredictRows(before, "t", findTable, func([]string) (bool, error) { return false, failed }); ok || !errors.Is(err, failed) {
		t.Errorf("predicted %v: %v", ok, err)
	}
}

func TestSelect(t *testing.T) {
	t.Parallel()
	const orphans = `SELECT * FROM t a WHERE a.a IS NOT NULL AND a.b IS NOT NULL AND NOT EXISTS (SELECT FROM p b WHERE b.id = a.a AND b."Key" = a.b);`
	for _, c := range []struct{ got, want string }{
		{violation.SelectDuplicates("t", []string{"a", "b"}, ""), "SELECT a, b, count(*) FROM t GROUP BY a, b HAVING count(*) > 1;"},
		{violation.SelectDuplicates("t", []string{"a"}, "b > 0"), "SELECT a, count(*) FROM t WHERE b > 0 GROUP BY a HAVING count(*) > 1;"},
		{violation.SelectRows("t", "a IS NULL"), "SELECT * FROM t WHERE a IS NULL;"},
		{violation.SelectOrphans("t", []string{"a", "b"}, "p", []string{"id", `"Key"`}), orphans},
	} {
		if c.got != c.want {
			t.Errorf("got  %s\nwant %s", c.got, c.want)
		}
	}
}
