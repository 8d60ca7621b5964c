package audit

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/history"
	"github.com/onward-sql/onward/internal/script"
)

// The steps of squashing migrations in Django: the new one is recorded as applied if the
// base has all that it replaces, even if these are deleted in the same release. If the base has a
// part, the files of the others must be there: see TestThreeRevisionsRealPython. In a
// later release its list of replaced migrations may be removed.
func TestSquashed(t *testing.T) {
	t.Parallel()
	m := func(id, text string, replaces ...string) *adapter.Migration {
		return &adapter.Migration{ID: id, Hash: id + text, Replaces: replaces, Source: script.Source{
			Text: text, Parts: []script.Part{{SQL: "CREATE TABLE shop_author (id bigint)", Start: -1, Line: 1}},
			Code: []script.Code{{Name: "fill", Table: "shop_author", Verb: "updates", Whole: true}},
		}}
	}
	set := func(list ...*adapter.Migration) *adapter.Set { return &adapter.Set{Migrations: list} }
	first, two := m("shop.0001_a", ""), m("shop.0002_b", "")
	const text = "class Migration:\n    replaces = [\n        (\"shop\", \"0001_a\"),\n        (\"shop\", \"0002_b\"),\n    ]\n    operations = []\n"
	squash := m("shop.0001_squashed", text, first.ID, two.ID)
	laterSquash := m("shop.0001_squashed_again", "", first.ID, two.ID, squash.ID, "shop.0003_c")
	done := m("shop.0001_squashed", "class Migration:\n    operations = []\n")
	for name, tc := range map[string]struct {
		base, head *adapter.Set
		statements int
		history    []history.Kind
	}{
		"with what it replaces":        {set(first, two), set(first, two, squash), 0, nil},
		"in the place of what it does": {set(first, two), set(squash), 0, nil},
		"where the base has a part":    {set(first), set(squash), 0, []history.Kind{history.Refused}},
		"and the head the other part":  {set(first), set(first, two, squash), 1, nil},
		"of one that replaces others":  {set(squash, m("shop.0003_c", "")), set(laterSquash), 0, nil},
		"of one that the base lacks":   {set(squash), set(laterSquash), 0, []history.Kind{history.Refused}},
		"without the list, later":      {set(first, two, squash), set(done), 0, nil},
		"another text, later": {set(first, two, squash), set(m("shop.0001_squashed", "class Migration:\n    operations = [1]\n")), 0,
			[]history.Kind{history.Edited}},
	} {
		c := compareRevisions(pair{source: adapter.Source{Framework: "django"}, base: tc.base, head: tc.head}, nil)
		statements, programs := 0, 0
		for _, r := range c.release {
			statements += len(r.migration.Source.Parts)
			programs += len(r.migration.Source.Code)
		}
		if programs != statements || len(c.release) != statements {
			t.Errorf("%s: %d programs, %d migrations", name, programs, len(c.release))
		}
		if statements != tc.statements || len(c.history) != len(tc.history) || len(c.history) > 0 && c.history[0].Kind != tc.history[0] {
			t.Errorf("%s: %d statements, %+v", name, statements, c.history)
		}
	}
}
