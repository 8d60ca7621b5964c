package workload_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/workload"
)

// A schema's name is replaced where it qualifies another name, and nowhere else.
func TestFoldNames(t *testing.T) {
	t.Parallel()
	folds := []workload.Fold{
		{Kind: workload.FoldSchema, Pattern: "t*", Into: "Main", Names: []string{"t1", "t2", `t"3`}},
		{Kind: workload.FoldDatabase, Pattern: "db_*", Into: "db", Names: []string{"db_1"}},
	}
	for sql, want := range map[string]string{
		"SELECT t1.id FROM t1.users t1":                                                 `SELECT t1.id FROM "Main".users t1`,
		"SELECT t1.users.id, t1.users.* FROM t1.users":                                  `SELECT "Main".users.id, "Main".users.* FROM "Main".users`,
		`SELECT "t""3".f(t2) FROM t1, "t""3".t1 WHERE a = $1::T2.kind`:                  `SELECT "Main".f(t2) FROM t1, "Main".t1 WHERE a = $1::"Main".kind`,
		"SELECT t1 FROM other.t1":                                                       "SELECT t1 FROM other.t1",
		"WITH t1 AS (SELECT $1) SELECT t1.x FROM t1":                                    "WITH t1 AS (SELECT $1) SELECT t1.x FROM t1",
		"INSERT INTO t2.users (t2) SELECT id FROM t1.users ON CONFLICT (t2) DO NOTHING": `INSERT INTO "Main".users (t2) SELECT id FROM "Main".users ON CONFLICT (t2) DO NOTHING`,
	} {
		w, err := workload.FoldNames(&workload.Workload{Queries: []workload.Query{{ID: "a", SQL: sql, Kind: workload.Select}}}, folds,
			func(s string) string { return s })
		if err != nil {
			t.Fatal(err)
		}
		if q := w.Queries[0]; q.SQL != want || q.Folded != (sql != want) || q.Folded && q.ID == "a" {
			t.Errorf("%s\n got %s\nwant %s", sql, q.SQL, want)
		}
	}
}

// Queries and sequences that are equal then are put together, with all that is known of them.
func TestFoldTogether(t *testing.T) {
	t.Parallel()
	query := func(id, schema, path string) workload.Query {
		return workload.Query{ID: id, SQL: "SELECT " + schema + ".twice(id) FROM job", Kind: workload.Select, SearchPath: path, Calls: 2, Resolved: "server",
			Uses: []workload.Use{{Relation: schema + ".job"}}, Functions: []string{schema + ".twice"}, Columns: []workload.Column{{
				Name: "id",
				Type: schema + ".kind[]",
				Of:   schema + ".job.id",
			}},
			Names: []workload.Name{{
				Param:  1,
				Type:   "regclass",
				Values: []string{`"` + schema + `".job_id_seq`},
			}}, Senders: []workload.Sender{{Database: "app_" + id, Calls: 2}}}
	}
	w := &workload.Workload{
		Queries: []workload.Query{query("1", "t_1", `t_1, "$user", public`), query("2", "t_2", "t_2,\"$user\", public"), {
			ID:   "3",
			SQL:  "DROP SCHEMA t_1 CASCADE",
			Kind: workload.DDL,
			Mark: workload.Migration,
		},
			{ID: "4", SQL: "CREATE DATABASE app_1", Kind: workload.DDL, Mark: workload.Migration}},
		Sequences: []workload.Sequence{
			{Transaction: "commit", Steps: []workload.Step{{Query: "1"}}, Count: 3},
			{Transaction: "commit", Steps: []workload.Step{{Query: "2"}}, Count: 4},
		},
	}
	folds := []workload.Fold{
		{Kind: workload.FoldDatabase, Pattern: "app_*", Into: "app", Names: []string{"app_1", "app_2"}},
		{Kind: workload.FoldSchema, Pattern: "t_*", Into: "public", Names: []string{"t_1", "t_2"}},
	}
	got, err := workload.FoldNames(w, folds, func(s string) string { return s })
	if err != nil {
		t.Fatal(err)
	}
	q := query("", "public", `public, "$user"`)
	q.SQL, q.ID, q.Calls, q.Folded = "SELECT public.twice(id) FROM job", workload.Fingerprint("SELECT public.twice(id) FROM job", `public, "$user"`, ""), 4, true
	q.Senders, q.Names[0].Values = []workload.Sender{{Database: "app", Calls: 4}}, []string{"public.job_id_seq"}
	var code []workload.Query
	ddl := map[string]bool{}
	for _, foldedQuery := range got.Queries {
		if foldedQuery.IsCode() {
			code = append(code, foldedQuery)
		} else {
			ddl[foldedQuery.SQL] = true
		}
	}
	if diff := cmp.Diff([]workload.Query{q}, code); diff != "" {
		t.Error(diff)
	}
	if !ddl["DROP SCHEMA public CASCADE"] || !ddl["CREATE DATABASE app"] {
		t.Errorf("the DDL is %v, want DROP SCHEMA and CREATE DATABASE in it", ddl)
	}
	if len(got.Sequences) != 1 || got.Sequences[0].Count != 7 || got.Sequences[0].Steps[0].Query != q.ID {
		t.Errorf("the sequences are %+v, want one of count 7 that begins with %s", got.Sequences, q.ID)
	}
	if diff := cmp.Diff(folds, got.Folds); diff != "" {
		t.Error(diff)
	}
}

func TestMatchPattern(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"test_*", "test_1", true}, {"test_*", "test_", false}, {"*_test", "a_b_test", true}, {"a*b*c", "axxbyyc", true},
		{"a*b*c", "abc", false}, {"test", "test", true}, {"test_*", "mytest_1", false},
	} {
		if got := workload.MatchPattern(c.pattern, c.name); got != c.want {
			t.Errorf("MatchPattern(%q, %q) = %v, want %v", c.pattern, c.name, got, c.want)
		}
	}
}
