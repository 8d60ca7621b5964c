package audit_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// Names are looked up at the base and at the head, for each version. What the migrations do not tell is unknown.
func TestBindQueries(t *testing.T) {
	t.Parallel()
	dir := gittest.Commits(t,
		map[string]string{"m/1.sql": "CREATE TABLE t (id bigint PRIMARY KEY, v text);\nCREATE TABLE gone (id bigint);\n"},
		map[string]string{"m/2.sql": "DROP TABLE gone;\nALTER TABLE t RENAME COLUMN v TO w;\nALTER TABLE unseen ADD COLUMN x int;\n"})
	release, err := audit.Read(t.Context(), audit.Config{Dir: dir, Settings: &config.Config{Postgres: []int{14, 15}}})
	if err != nil {
		t.Fatal(err)
	}
	defer release.Close()
	got, unread, err := release.BindQueries("SELECT v FROM t;\nSELECT w FROM t;\nSELECT 1 FROM gone;\nSELECT a FROM unseen;\n" +
		"MERGE INTO t USING t AS s ON t.id = s.id WHEN MATCHED THEN DELETE;\nALTER TABLE t ADD COLUMN x int;\nSELECT x FROM t;\nSELECT id FROM later;\n")
	if err != nil || len(unread) > 0 {
		t.Fatalf("BindQueries: %v; its unread statements: %v", err, unread)
	}
	refused := func(message string, versions ...int) []onward.RefusedQuery {
		return []onward.RefusedQuery{{Postgres: versions, Message: message}}
	}
	noMerge := onward.Binding{Refused: refused(`syntax error at or near "MERGE"`, 14)}
	want := []struct{ base, head onward.Binding }{
		{onward.Binding{}, onward.Binding{Refused: refused(`column "v" does not exist`, 14, 15)}},
		{onward.Binding{Refused: refused(`column "w" does not exist`, 14, 15)}, onward.Binding{}},
		{onward.Binding{}, onward.Binding{Refused: refused(`relation "gone" does not exist`, 14, 15)}},
		{onward.Binding{Unknown: []string{"unseen"}}, onward.Binding{Unknown: []string{"unseen"}}},
		{noMerge, noMerge},
		{onward.Binding{}, onward.Binding{}},
		// No statement changes the schema for the next.
		{onward.Binding{Refused: refused(`column "x" does not exist`, 14, 15)}, onward.Binding{Refused: refused(`column "x" does not exist`, 14, 15)}},
		{onward.Binding{Unknown: []string{"later"}}, onward.Binding{Unknown: []string{"later"}}},
	}
	if len(got) != len(want) {
		t.Fatalf("%d queries: %v", len(got), got)
	}
	for i, w := range want {
		if diff := cmp.Diff(w.base, got[i].Base) + cmp.Diff(w.head, got[i].Head); diff != "" {
			t.Errorf("%s (-want +got):\n%s", got[i].SQL, diff)
		}
	}
	if settings := release.Settings(); len(settings.Postgres) != 2 {
		t.Errorf("the settings were changed: %v", settings.Postgres)
	}
}
