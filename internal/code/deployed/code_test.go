package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/gitrange"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgparse"
)

// baseOf is the main branch of a repository, with nothing changed.
func baseOf(t *testing.T, dir string) *gitrange.Range {
	t.Helper()
	repo, err := gitrange.Open(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { repo.Close() })
	rng, err := repo.Range(t.Context(), "main", "main")
	if err != nil {
		t.Fatal(err)
	}
	return rng
}

// Models know tables. Whether a function, a sequence or a constraint is used only
// the text of the code tells, and that a model declares it is no use of it.
func TestNamesThatModelsLack(t *testing.T) {
	t.Parallel()
	dir := gittest.CommitArchives(t, `-- shop/models.py --
class Book(models.Model):
    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["isbn"], name="one_isbn"),
            models.UniqueConstraint(
                fields=["title"],
                name="one_title",
            ),
        ]
-- shop/load.py --
cursor.execute("SELECT book_rank(%s)", [pk])
cursor.execute("SELECT nextval('book_no')")
if "one_title" in str(error):
    pass
print("old_books")
`)
	rng := baseOf(t, dir)
	deployed := catalog.New()
	for _, sql := range []string{
		"CREATE TABLE shop_book (isbn text, title text, CONSTRAINT one_isbn UNIQUE (isbn), CONSTRAINT one_title UNIQUE (title))",
		"CREATE TABLE old_books (id int)", "CREATE SEQUENCE book_no", "CREATE SEQUENCE other_no",
	} {
		f, err := pgparse.SplitText(sql)
		if err != nil {
			t.Fatal(err)
		}
		deployed, _ = deployed.Apply(f.Stmts[0].Node, sql)
	}
	u := NewCode(rng, []Source{{Set: &adapter.Set{Models: []adapter.Model{{Name: "shop.Book", Table: "shop_book"}}}}})
	u.Schemas[0] = deployed
	kinds := map[string]analysis.QuestionKind{
		"book_rank":  analysis.AskName,
		"other_rank": analysis.AskName,
		"book_no":    analysis.AskName,
		"other_no":   analysis.AskName,
		"one_title":  analysis.AskName,
		"one_isbn":   analysis.AskName,
	}
	want := map[string]bool{
		"book_rank": true, "other_rank": false, "book_no": true, "other_no": false, "one_title": true, "one_isbn": false,
		"old_books": false, // a table, which models would have
		"shop_book": true,
	}
	ask := func(name string) question {
		return question{Question: analysis.Question{Kind: kinds[name], Name: catalog.Name{Schema: "public", Name: name}}}
	}
	for name, used := range want {
		if got := u.answerQuestion(ask(name)); !got.Known || (got.Used || got.Named) != used || got.Named && name != "one_title" {
			t.Errorf("answer for %s = %+v, want it known, with used or named %t", name, got, used)
		}
	}
}

// of is a question on a column, or on a table.
func of(table catalog.Name, column string) question {
	q := question{Question: analysis.Question{Name: table, Column: column}}
	if column != "" {
		q.Kind = analysis.AskColumn
	}
	return q
}

// about is one of the schema public.
func about(table, column string) question {
	return of(catalog.Name{Schema: "public", Name: table}, column)
}
