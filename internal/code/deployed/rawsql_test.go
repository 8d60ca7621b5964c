package deployed

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/code/index"
	"github.com/onward-sql/onward/internal/code/read"
)

// If the models do not use an object, SQL that names the table does, and text with the
// same word does not.
func TestRawSQL(t *testing.T) {
	t.Parallel()
	notes := about("shop_book", "notes")
	table := about("shop_book", "")
	for _, c := range []struct {
		q          question
		file, text string
		want       bool
	}{
		{notes, "a.py", `c.execute("SELECT id, notes FROM shop_book")`, true},
		{notes, "a.py", "c.execute(\"\"\"\n    SELECT b.id, b.notes\n    FROM shop_book b\n\"\"\")", true},
		{notes, "a.py", "c.execute(\n    'SELECT id, \"notes\" '\n    f'FROM shop_book WHERE {x}'\n)", true},
		{notes, "a.py", `Book.objects.extra(where=["shop_book.notes <> ''"])`, true},
		{notes, "a.py", `c.execute("UPDATE shop_book SET notes = %s WHERE id = %s", [notes, pk])`, true},
		{notes, "a.py", `c.execute("INSERT INTO public.shop_book (title, notes) VALUES (%(title)s, %(notes)s)")`, true},
		{notes, "q.sql", "SELECT 1;\nSELECT notes FROM shop_book;\n", true},
		{notes, "w.go", "const q = `SELECT notes FROM shop_book`", true},
		{notes, "w.go", "type book struct {\n\tNotes string `db:\"notes\"`\n}\n", false},
		{notes, "w.go", "func (Book) TableName() string { return \"shop_book\" }\n\ntype Book struct {\n\tNotes string\n}\n", true},
		{notes, "a.py", `c.execute("SELECT o.notes FROM shop_book b JOIN shop_order o ON o.book_id = b.id")`, false},
		{notes, "a.py", `c.execute("SELECT title AS notes FROM shop_book")`, false},
		{notes, "a.py", `c.execute("SELECT id FROM shop_book WHERE title = %(notes)s AND kind = 'notes'")`, false},
		{notes, "a.py", "c.execute(\"SELECT id FROM shop_book\")\nnotes = form.cleaned_data[\"notes\"]\n", false},
		{
			notes, "a.py",
			"class Book(models.Model):\n    class Meta:\n        db_table = \"shop_book\"\n\nclass Order(models.Model):\n    notes = models.TextField()\n",
			false,
		},
		{notes, "a.py", "# SELECT notes FROM shop_book\nx = 1\n", false},
		{notes, "a.py", `msg = "take notes from shop_book"`, false},
		{table, "a.py", `c.execute("DELETE FROM shop_book WHERE id = 1")`, true},
		{table, "a.py", `c.execute("SELECT 1 FROM a, shop_book")`, true},
		{table, "a.py", `cache.get("shop_book")`, false},
		{table, "a.py", `log("could not update shop_book of the shop")`, false},
		{table, "a.py", `c.execute("SELECT 1 FROM shop_book_tags")`, false},
	} {
		b := &index.Bound{Index: index.NewIndex([]index.File{{Path: c.file, Facts: read.Read(c.file, []byte(c.text))}})}
		uses := b.Relation(c.q.Name)
		if c.q.Column != "" {
			uses = b.Column(c.q.Name, c.q.Column)
		}
		if got := len(uses) > 0; got != c.want {
			t.Errorf("%s in %s: %v", c.q.Column, c.text, got)
		}
	}
}

func TestMaps(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]bool{
		"tag": true, `"tag"`: true, `lib"."tag`: true, `"lib"."tag"`: true, "lib.tag": true, `other"."tag`: false, "tags": false,
	} {
		if got := isModelOf(model, catalog.Name{Schema: "lib", Name: "tag"}); got != want {
			t.Errorf("isModelOf(%q, lib.tag) = %t, want %t", model, got, want)
		}
	}
}
