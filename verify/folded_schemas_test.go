package verify_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/component"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/record"
	"github.com/onward-sql/onward/verify"
)

// recordSchemas records a suite with a schema for each test.
func recordSchemas(t *testing.T, names ...string) *verify.Workload {
	t.Helper()
	var script strings.Builder
	for _, s := range names {
		fmt.Fprintf(&script, `CREATE SCHEMA %s; CREATE TABLE %[1]s.job (id bigint, name text);
INSERT INTO %[1]s.job (id, name) VALUES (1, 'a'); SELECT id FROM %[1]s.job; SET search_path = %[1]s; SELECT name FROM job; RESET search_path;
`, s)
	}
	file := gittest.NewFile(t, "script.sql", script.String())
	psql := component.NeedProgram(t, component.Psql, "psql")
	r, err := record.Run(t.Context(), record.Config{Command: []string{psql, "-Xqv", "ON_ERROR_STOP=1", "-f", file}, Major: 17})
	if err != nil || r.Failed != nil {
		t.Fatalf("record the schemas: %v; the command: %v", err, r.Failed)
	}
	return r.Workload
}

// A recording whose schemas were folded is judged as one of the schema that took their place, and the report says so.
func TestFoldedSchemas(t *testing.T) {
	t.Parallel()
	w := recordSchemas(t, "jobs_1", "jobs_2", "jobs_3", "jobs_4", "jobs_5")
	cfg := on(repository(t, "CREATE SCHEMA jobs; CREATE TABLE jobs.job (id bigint, name text);", "ALTER TABLE jobs.job DROP COLUMN name;"), 17)
	cfg.Old = []*verify.Workload{w}
	r := run(t, cfg)
	if n := r.Verification.Old; n.Queries != 3 || n.Unfit != 0 || n.Broken != 2 || n.Unjudged != 0 || n.Calls != 15 {
		t.Errorf("the counts are %+v, want 3 queries of 15 calls, 2 broken", n)
	}
	if !slices.Contains(r.Verification.Notes, "the recording counts 5 schemas as jobs: their names are like jobs_*, and the recording lists them") {
		t.Errorf("no note says that 5 schemas count as jobs: %q", r.Verification.Notes)
	}
}

// If the deployed schema has schemas that a recording folded, one of them may break alone: queries on them are not judged.
func TestFoldedShards(t *testing.T) {
	t.Parallel()
	w := recordSchemas(t, "shard_1", "shard_2", "shard_3")
	base := ""
	for _, s := range []string{"shard_1", "shard_2", "shard_3"} {
		base += fmt.Sprintf("CREATE SCHEMA %s; CREATE TABLE %[1]s.job (id bigint, name text);\n", s)
	}
	cfg := on(repository(t, base, "ALTER TABLE shard_2.job DROP COLUMN name;"), 17)
	cfg.Old = []*verify.Workload{w}
	r := run(t, cfg)
	if n := r.Verification.Old; n.Unjudged != 3 || n.Unfit != 0 || n.Untouched != 0 || n.Checked != 0 {
		t.Errorf("the counts are %+v, want 3 queries without a judgment", n)
	}
	if list := r.Verification.NotJudged; len(list) != 3 || !strings.Contains(list[0].Reason, "--fold none") {
		t.Errorf("not judged are %+v, want 3 queries with the advice --fold none", list)
	}
}

// A query that both codes send, and that reads a wider type later, is a warning if the codes differ.
func TestSharedQuery(t *testing.T) {
	t.Parallel()
	for change, want := range map[string]onward.Severity{"bigint": onward.Warning, "text": onward.Error} {
		cfg := on(repository(t, shop, "ALTER TABLE orders ALTER COLUMN total TYPE "+change+";"), 17)
		cfg.Old = recording(query("SELECT total FROM orders"))
		cfg.New = recording(query("SELECT total FROM orders"), query("SELECT id FROM orders"))
		r := run(t, cfg)
		index := slices.IndexFunc(r.Verdicts, func(v onward.Verdict) bool { return v.Code == onward.NewCode })
		if index < 0 || r.Verdicts[index].Severity != want || r.Verification.Works != (want == onward.Warning) {
			t.Errorf("%s: works %v, %+v", change, r.Verification.Works, r.Verdicts)
		}
	}
}
