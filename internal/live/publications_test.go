package live

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// The schema that is read from a database says what each publication sends, and what it leaves out.
func TestReadPublications(t *testing.T) {
	t.Parallel()
	url, _ := pgservertest.ConnectNew(t, onward.PreviewMajor, `CREATE TABLE a (id int); CREATE TABLE "B" (id int);
CREATE TABLE pt (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF pt FOR VALUES FROM (0) TO (10);
CREATE PUBLICATION counted FOR ALL SEQUENCES; CREATE PUBLICATION every FOR ALL TABLES, ALL SEQUENCES;
CREATE PUBLICATION excepting FOR ALL TABLES EXCEPT (TABLE "B", pt), ALL SEQUENCES; CREATE PUBLICATION listed FOR TABLE a`)
	schema, err := ReadSchema(t.Context(), url)
	if err != nil || len(schema.Unread) > 0 {
		t.Fatalf("ReadSchema: %v; unread: %q, want none", err, schema.Unread)
	}
	got := map[string]string{}
	for _, name := range []string{"a", "B", "pt", "p1"} {
		r := schema.Catalog.Lookup("public", name)
		for _, o := range schema.Catalog.ListPublications(r) {
			got[name] += o.Name.Name + " "
		}
		for _, o := range schema.Catalog.ListExceptions(r) {
			got[name] += "not " + o.Name.Name + " "
		}
	}
	schema.Catalog.EachObject("publication", func(o *catalog.Object) bool {
		got[o.Name.Name] = fmt.Sprint(o.AllTables, o.AllSequences)
		return true
	})
	want := map[string]string{
		"a": "every excepting listed ", "B": "every not excepting ", "pt": "every not excepting ", "p1": "every not excepting ",
		"counted": "false true", "every": "true true", "excepting": "true true", "listed": "false false",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
