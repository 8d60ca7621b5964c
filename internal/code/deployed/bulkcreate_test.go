package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Django says ON CONFLICT in bulk_create, with the names of its fields.
func TestBulkCreate(t *testing.T) {
	t.Parallel()
	dir := gittest.CommitArchives(t, `-- shop/load.py --
def load(rows):
    Book.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["title", "author"], update_fields=["pages"],
    )
    Tag.objects.bulk_create(rows, update_conflicts=True, unique_fields=["label"], update_fields=["x"])
`)
	rng := baseOf(t, dir)
	book := adapter.Model{Name: "shop.Book", Table: "shop_book", Columns: []adapter.ModelColumn{
		{Field: "title", Column: "title"}, {Field: "author", Column: "author_id"}, {Field: "isbn", Column: "isbn"},
	}}
	for columns, want := range map[string]bool{"author_id,title": true, "isbn": false, "label": false} {
		u := NewCode(rng, []Source{{Set: &adapter.Set{Models: []adapter.Model{book}}}})
		q := question{Question: analysis.Question{Kind: analysis.AskUpsert, Name: catalog.Name{Schema: "public", Name: "shop_book"}, Columns: columns}}
		got := u.answerQuestion(q)
		if got.Used != want || want && got.Evidence[0].Line != 2 {
			t.Errorf("answer for an upsert on %s = %+v, want used %t, in line 2", columns, got, want)
		}
	}
}
