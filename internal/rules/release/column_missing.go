package release

import (
	"cmp"
	"strings"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/onward"
)

// ColumnMissing flags a column that the new code's models have and no migration makes.
// https://docs.djangoproject.com/en/stable/ref/django-admin/#cmdoption-makemigrations-check
var ColumnMissing = &rule.Rule{
	ID:            "release-column-missing",
	Category:      onward.Compatibility,
	Severity:      onward.Error,
	BreaksNewCode: true,
	Summary:       "the new code's models have a column that no migration makes",
	Harm: "A field that came into the model without a migration, by an edit of one that has run already, " +
		"or by one that only tells the state of the framework, has no column: every query of the model names it and fails, from the moment the new code runs.",
	Instead: "Write the migration that adds the column.",
	Manual:  []string{"https://docs.djangoproject.com/en/stable/ref/django-admin/#cmdoption-makemigrations-check"},
	Release: checkColumnMissing,
}

func checkColumnMissing(p *rule.Pass, r *rule.Release) {
	for _, h := range changesOfKind(r, history.Mapped) {
		t, name := mappedColumn(r, h)
		if t == nil || t.Partial || t.Adopted || t.Column(name) != nil {
			continue
		}
		instead := "add it with a migration of this release"
		if h.Instead != "" {
			instead += ": " + h.Instead
		}
		p.ReportAt(h.Migration, h.Path, h.Line, rule.Report{
			Fact:    "the new " + cmp.Or(h.Detail, "code") + " has the column " + name + ", and no migration adds it to " + t.Name.String(),
			Harm:    "every query of the new code on the model names " + name + " and fails: column \"" + name + "\" does not exist",
			Instead: instead,
		})
	}
}

// mappedColumn returns the table of the head and the name of the column for the model's field in
// a change of the history; nil if the table is not known.
func mappedColumn(r *rule.Release, h *history.Change) (t *catalog.Relation, column string) {
	dot := strings.LastIndexByte(h.Other, '.')
	schema, table, ok := strings.Cut(h.Other[:dot], ".")
	if !ok {
		schema, table = "", schema
	}
	if t = r.Head.Lookup(schema, table); t != nil && (!t.Kind.IsTable() || t.Inferred) {
		t = nil
	}
	return t, h.Other[dot+1:]
}
