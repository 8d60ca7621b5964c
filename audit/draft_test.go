package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
)

// Draft returns the same result for a text as Changelog after it is saved.
func TestDraft(t *testing.T) {
	t.Parallel()
	base := "-- m/1_a.sql --\nCREATE TABLE t (id bigint PRIMARY KEY, v text);\n"
	bad, good := "CREATE INDEX i ON t (v);\n", "CREATE INDEX CONCURRENTLY i ON t (v);\n"
	dir := repository(t, base, "-- m/2_b.sql --\n"+bad)
	d, err := ReadDraft(t.Context(), Config{Dir: dir, Base: "main"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	judged := func(texts map[string]string) string {
		t.Helper()
		out, err := d.Judge(t.Context(), texts)
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(found(out.Report), "; ")
	}
	for _, step := range []struct {
		texts map[string]string
		want  string // what is found; "" for the same as of the files
	}{
		{nil, "index-create-blocking 2_b.sql:1"},
		{map[string]string{"m/2_b.sql": good}, "-"},
		{map[string]string{"m/2_b.sql": "\n\n" + bad}, "index-create-blocking 2_b.sql:3"},
		{map[string]string{"m/2_b.sql": good, "m/3_c.sql": "DROP TABLE t;\n"}, "table-drop 3_c.sql:1"},
		{map[string]string{"m/1_a.sql": "CREATE TABLE t (id int PRIMARY KEY, v text);\n"}, "release-migration-edited 1_a.sql:1"},
		{map[string]string{}, "index-create-blocking 2_b.sql:1"},
	} {
		got := judged(step.texts)
		if step.want == "-" && strings.Contains(got, "index-create-blocking") || step.want != "-" && !strings.Contains(got, step.want) {
			t.Errorf("%v: %s, want %s", step.texts, got, step.want)
		}
		if step.want == "-" {
			gittest.WriteFiles(t, dir, step.texts)
			r, err := Changelog(t.Context(), Config{Dir: dir, Base: "main"})
			if err != nil {
				t.Fatal(err)
			}
			if saved := strings.Join(found(r), "; "); saved != got {
				t.Errorf("drafted %s, saved %s", got, saved)
			}
			gittest.WriteFiles(t, dir, map[string]string{"m/2_b.sql": bad})
		}
	}
}
