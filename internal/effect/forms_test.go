package effect_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/effect/prove"
	"github.com/onward-sql/onward/internal/golden"
	"github.com/onward-sql/onward/onward"
)

// TestForms holds what the model says of every form, on each version, and on a schema of which nothing is known. The forms are those that the proof
// runs on servers, so a change here that is right passes there, too. With -update it writes the file.
func TestForms(t *testing.T) {
	t.Parallel()
	schema := fold(t, catalog.New(), prove.Fixture)
	schema.Complete = true
	var got strings.Builder
	forms, err := prove.ListForms()
	if err != nil {
		t.Fatal(err)
	}
	for _, form := range forms {
		writeForm(t, &got, schema, form, onward.OldestMajor)
	}
	groups, err := prove.ListGroups()
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range groups {
		schema := fold(t, catalog.New(), group.Schema)
		schema.Complete = true
		for _, form := range group.Forms {
			writeForm(t, &got, schema, form, group.First)
		}
	}
	golden.CompareFile(t, filepath.Join("testdata", "forms.txt"), got.String())
}

// writeForm writes the answers for a form, from a version on: one paragraph for each group of versions with the same answer, and one for an unknown schema.
func writeForm(t *testing.T, out *strings.Builder, schema *catalog.Catalog, form prove.Form, from int) {
	t.Helper()
	unknown := catalog.New()
	if form.Setup != "" {
		schema, unknown = fold(t, schema, form.Setup), fold(t, unknown, form.Setup)
	}
	fmt.Fprintf(out, "%s\n", form.ID)
	answer := func(c *catalog.Catalog, major int) string {
		inputs := effect.Inputs{TimeZone: "UTC"}
		if _, zone, set := strings.Cut(form.Set, "TimeZone"); set {
			inputs.TimeZone = strings.Trim(zone, " '=")
		}
		node := one(t, form.SQL)
		_, inputs.Problems = c.Judge(node, form.SQL, false)
		return writeResult(effect.EffectOf(node, c, effect.NewVersion(major), inputs))
	}
	first, words := from, answer(schema, from)
	for major := from + 1; major <= onward.PreviewMajor+1; major++ {
		next := "none"
		if major <= onward.PreviewMajor {
			next = answer(schema, major)
		}
		if next != words {
			fmt.Fprintf(out, "  %d to %d\n%s", first, major-1, words)
			first, words = major, next
		}
	}
	fmt.Fprintf(out, "  unknown schema\n%s", answer(unknown, onward.PreviewMajor))
}

// writeResult writes everything that a result says.
func writeResult(r effect.Result) string {
	var out strings.Builder
	for _, e := range describe(r) {
		fmt.Fprintf(&out, "    %s\n", e)
	}
	if r.Unlisted != nil {
		fmt.Fprintf(&out, "    unlisted in %q, sure %v: %s\n", r.Unlisted.Schema, r.Unlisted.Sure, describeEffect(&r.Unlisted.Effect))
	}
	if r.Refused != nil {
		fmt.Fprintf(&out, "    refused: %s %s\n", r.Refused.SQLSTATE, r.Refused.Message())
	}
	if r.NoTransaction != "" {
		fmt.Fprintf(&out, "    not in a transaction: %s\n", r.NoTransaction)
	}
	if r.Unmodelled != "" {
		fmt.Fprintf(&out, "    not modelled: %s\n", r.Unmodelled)
	}
	if out.Len() == 0 {
		return "    nothing\n"
	}
	return out.String()
}
