package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
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
	const text = "operations = [\n    SeparateDatabaseAndState(state_operations=[\n        migrations.RemoveField(\n            model_name=\"book\",\n" +
		"            name='isbn',\n        )\n    ])\n]\n"
	base := &adapter.Set{Models: []adapter.Model{model(5, "id", "isbn", "notes")}}
	head := &adapter.Set{Models: []adapter.Model{model(7, "id")}, Migrations: []*adapter.Migration{
		{ID: "shop.0002_x", Path: "shop/migrations/0002_x.py", Source: script.Source{Text: text}},
	}}
	c := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil)
	want := []history.Change{
		{Kind: history.Unmapped, Other: "lib.book.isbn", Detail: "shop.Book", Migration: "shop.0002_x", Path: "shop/migrations/0002_x.py", Line: 3},
		{Kind: history.Unmapped, Other: "lib.book.notes", Detail: "shop.Book", Path: "shop/models.py", Line: 7},
	}
	if diff := cmp.Diff(want, c.history); diff != "" {
		t.Error(diff)
	}
	head.Partial = true // a part that was not read may have the column
	if c := compareRevisions(pair{source: adapter.Source{Framework: "drizzle"}, base: base, head: head}, nil); len(c.history) > 0 {
		t.Errorf("the changes with a partial head are %+v, want none", c.history)
	}
	head.Partial = false
	base.Models = nil // it did not come up
	if c := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil); len(c.history) > 0 {
		t.Errorf("the changes with a base without models are %+v, want none", c.history)
	}
}

// Django clears what points at a row, as far as its models know of it.
func TestUncleared(t *testing.T) {
	t.Parallel()
	line := adapter.Model{
		Name:    "shop.Line",
		Table:   "shop_line",
		Columns: []adapter.ModelColumn{{Field: "id", Column: "id"}, {Field: "item", Column: "item_id", Clears: true}, {Field: "of", Column: "of_id"}},
	}
	withoutField := line
	withoutField.Columns = line.Columns[:1]
	const text = "operations = [\n    SeparateDatabaseAndState(state_operations=[migrations.%s])\n]\n"
	for name, tc := range map[string]struct {
		op   string
		head []adapter.Model
		want int
	}{
		"the field":       {`RemoveField("line", "item")`, []adapter.Model{withoutField}, 1},
		"another":         {`RemoveField("line", "of")`, []adapter.Model{withoutField}, 0},
		"the model":       {`DeleteModel(name="Line")`, []adapter.Model{}, 1},
		"its app is gone": {`DeleteModel(name="Other")`, []adapter.Model{}, 0},
		"nothing":         {`RemoveField("line", "item")`, []adapter.Model{line}, 0},
	} {
		base := &adapter.Set{Models: []adapter.Model{line}}
		head := &adapter.Set{
			Models:     tc.head,
			Migrations: []*adapter.Migration{{ID: "shop.0002_x", Path: "x.py", Source: script.Source{Text: strings.Replace(text, "%s", tc.op, 1)}}},
		}
		n := 0
		for _, h := range compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil).history {
			if h.Kind == history.Uncleared && h.Other == "shop_line.item_id" && h.Line == 2 {
				n++
			}
		}
		if n != tc.want {
			t.Errorf("%s: %d, want %d", name, n, tc.want)
		}
	}
}

func TestMapped(t *testing.T) {
	t.Parallel()
	model := func(columns ...string) adapter.Model {
		m := adapter.Model{Name: "shop.Book", Path: "shop/models.py", Line: 5, Table: "shop_book"}
		for i, c := range columns {
			m.Columns = append(m.Columns, adapter.ModelColumn{Field: c, Column: c, Line: 6 + i})
		}
		return m
	}
	const state = "operations = [\n    SeparateDatabaseAndState(state_operations=[\n        migrations.AddField('Book', 'isbn', models.TextField())\n    ])\n]\n"
	base := &adapter.Set{Models: []adapter.Model{model("id")}}
	unmanaged := adapter.Model{Name: "shop.Old", Table: "old", Unmanaged: true, Columns: []adapter.ModelColumn{{Field: "x", Column: "x"}}}
	for _, c := range []struct {
		name      string
		migration adapter.Migration
		want      []history.Change
	}{
		{"state only", adapter.Migration{Source: script.Source{Text: state}}, []history.Change{
			{Kind: history.Mapped, Other: "shop_book.isbn", Detail: "shop.Book", Migration: "shop.0002_x", Path: "shop/migrations/0002_x.py", Line: 3},
			{Kind: history.Mapped, Other: "shop_book.notes", Detail: "shop.Book", Path: "shop/models.py", Line: 8},
		}},
		{"Python of the app may have made it", adapter.Migration{Opaque: []onward.Opaque{{What: "RunPython"}}}, nil},
		{"dynamic SQL may have made it", adapter.Migration{Source: script.Source{Parts: []script.Part{{SQL: "DO $$ BEGIN EXECUTE format('ALTER …'); END $$"}}}}, nil},
		{"an operation could not be rendered", adapter.Migration{Opaque: []onward.Opaque{{What: "AddField", Failed: true}}}, nil},
	} {
		m := c.migration
		m.ID, m.Path = "shop.0002_x", "shop/migrations/0002_x.py"
		head := &adapter.Set{Models: []adapter.Model{model("id", "isbn", "notes"), unmanaged}, Migrations: []*adapter.Migration{&m}}
		got := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: base, head: head}, nil).history
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
	}
}

// If two migrations end the history of an app, the new one is reported.
func TestConflictIsOfTheNewOne(t *testing.T) {
	t.Parallel()
	old := &adapter.Migration{ID: "shop.0002_old", Path: "shop/migrations/0002_old.py"}
	fresh := &adapter.Migration{ID: "shop.0002_fresh", Path: "shop/migrations/0002_fresh.py"}
	head := &adapter.Set{Migrations: []*adapter.Migration{fresh, old}, History: []history.Change{
		{Kind: history.Conflict, Migration: old.ID, Other: fresh.ID, Path: old.Path, Line: 1},
	}}
	got := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: &adapter.Set{Migrations: []*adapter.Migration{old}}, head: head}, nil).history
	want := []history.Change{{Kind: history.Conflict, Migration: fresh.ID, Other: old.ID, Path: fresh.Path, Line: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
