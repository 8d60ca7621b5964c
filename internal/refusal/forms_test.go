package refusal_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/refusal"
	"github.com/onward-sql/onward/onward"
)

// TestForms holds which of the proof's forms are refused, with which words, by which versions, and also without a known schema. The proof compares
// the same with servers. With -update it writes the file.
func TestForms(t *testing.T) {
	t.Parallel()
	schema := *apply(t, catalog.New(), prove.Fixture)
	schema.Complete = true
	var got strings.Builder
	forms, err := prove.ListForms()
	if err != nil {
		t.Fatal(err)
	}
	list := func(form prove.Form, known *catalog.Catalog, from int) {
		f, err := pgparse.SplitText(form.SQL)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			t.Fatalf("%s does not parse", form.SQL)
		}
		unknown := catalog.New()
		if form.Setup != "" {
			known, unknown = apply(t, known, form.Setup), apply(t, unknown, form.Setup)
		}
		writeRefusals(&got, form, f.Stmts[0].Node, known, "", from)
		writeRefusals(&got, form, f.Stmts[0].Node, unknown, " without a schema", from)
	}
	for _, form := range forms {
		list(form, &schema, onward.OldestMajor)
	}
	groups, err := prove.ListGroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		known := *apply(t, catalog.New(), group.Schema)
		known.Complete = true
		for _, form := range group.Forms {
			list(form, &known, group.First)
		}
	}
	golden.CompareFile(t, filepath.Join("testdata", "forms.txt"), got.String())
}

// writeRefusals writes the refusals of a form from a version on, one line for each group of versions with the same one.
func writeRefusals(out *strings.Builder, form prove.Form, node *pgparse.Node, c *catalog.Catalog, suffix string, from int) {
	first, words := from, ""
	for major := from; major <= onward.PreviewMajor+1; major++ {
		next := "end"
		if major <= onward.PreviewMajor {
			v := refusal.NewVersion(major)
			next = ""
			if no := refusalOf(node, form.SQL, c, v); no != nil {
				next = no.SQLSTATE + " " + no.Message()
			}
			if !v.WasConsulted() {
				next += " (every version)"
			}
		}
		if next == words {
			continue
		}
		if strings.TrimSuffix(words, " (every version)") != "" {
			fmt.Fprintf(out, "%s%s, %d to %d: %s\n", form.ID, suffix, first, major-1, words)
		}
		first, words = major, next
	}
}
