package catalog_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/golden"
)

// TestForms holds what each form of the proof on servers changes in the catalog, which objects it drops and adds, and its problems, with a schema and
// without one. With -update it writes the file.
func TestForms(t *testing.T) {
	t.Parallel()
	schema, problems := apply(t, catalog.New(), prove.Fixture)
	if problems != "" {
		t.Fatalf("prove.Fixture has problems:\n%s", problems)
	}
	schema.Complete = true
	var got strings.Builder
	forms, err := prove.ListForms()
	if err != nil {
		t.Fatal(err)
	}
	list := func(schema *catalog.Catalog, forms []prove.Form) {
		for _, form := range forms {
			fmt.Fprintf(&got, "%s\n", form.ID)
			writeChange(t, &got, schema, form)
			fmt.Fprint(&got, "  unknown schema\n")
			writeChange(t, &got, catalog.New(), form)
		}
	}
	list(schema, forms)
	groups, err := prove.ListGroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		schema, problems := apply(t, catalog.New(), group.Schema)
		if problems != "" {
			t.Fatalf("a group's schema has problems:\n%s\nthe schema: %s", problems, group.Schema)
		}
		schema.Complete = true
		list(schema, group.Forms)
	}
	golden.CompareFile(t, filepath.Join("testdata", "forms", "forms.txt"), got.String())
}

// writeChange writes the lines of the catalog that a form takes away and adds, the change in words, and the problems.
func writeChange(t *testing.T, out *strings.Builder, before *catalog.Catalog, form prove.Form) {
	t.Helper()
	before, _ = apply(t, before, form.Setup)
	after, problems := apply(t, before, form.SQL)
	old, fresh := countLines(before), countLines(after)
	for line := range strings.Lines(before.String()) {
		if fresh[line]--; fresh[line] < 0 {
			fmt.Fprintf(out, "  - %s", line)
		}
	}
	for line := range strings.Lines(after.String()) {
		if old[line]--; old[line] < 0 {
			fmt.Fprintf(out, "  + %s", line)
		}
	}
	for _, d := range catalog.Diff(before, after) {
		w := d.Words()
		fmt.Fprintf(out, "  %s: %s\n", w.Object, w.Text)
	}
	for line := range strings.Lines(problems) {
		fmt.Fprintf(out, "  %s", line)
	}
}

func countLines(c *catalog.Catalog) map[string]int {
	counts := map[string]int{}
	for line := range strings.Lines(c.String()) {
		counts[line]++
	}
	return counts
}
