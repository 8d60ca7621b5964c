package audit

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
)

// A column that leaves the models is looked for in the RemoveField that takes it
// out; without one it is the model's.
func TestUnmapped(t *testing.T) {
	t.Parallel()
	model := func(line int, columns ...string) adapter.Model {
		m := adapter.Model{Name: "shop.Book", Path: "shop/models.py", Line: line, Table: `lib"."book`}
		for _, c := range columns {
			m.Columns = append(m.Columns, adapter.ModelColumn{Field: c, Column: c})
		}
		return m
	}
	const text = "operations = [\n    SeparateDatabaseAndState(state_operations=[\n        migrations.RemoveField(\n            model_name=\"book\",\n            name='isbn',\n        )\n    ])\n]\n"
	base := &adapter.Set{Models: []adapter.Model{model(5, "id", "isbn", "notes")}}
	head := &adapter.Set{Models: []adapter.Model{model(7, "id")}, Migrations: []*adapter.Migration{
		{ID: "shop.0002_x", Path: "shop/migrations/0002_x.py", Source: script.Source{Text: text}},
	}}
	c := compare(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil)
	want := []rule.HistoryChange{
		{Kind: rule.Unmapped, Other: "lib.book.isbn", Detail: "shop.Book", Migration: "shop.0002_x", Path: "shop/migrations/0002_x.py", Line: 3},
		{Kind: rule.Unmapped, Other: "lib.book.notes", Detail: "shop.Book", Path: "shop/models.py", Line: 7},
	}
	if diff := cmp.Diff(want, c.history); diff != "" {
		t.Error(diff)
	}
	base.Models = nil // it did not come up
	if c := compare(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil); len(c.history) > 0 {
		t.Errorf("%+v", c.history)
	}
}
