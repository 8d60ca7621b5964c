package audit

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/onward"
)

// TestManagedAdvice: the advice for a table that an extension manages fits it, or says that it is not known, and nothing is pasted.
func TestManagedAdvice(t *testing.T) {
	t.Parallel()
	const tables = "CREATE TABLE t (id bigint NOT NULL, at timestamptz NOT NULL, note text);\n"
	for _, c := range []struct{ base, release, rule, instead string }{
		{
			"SELECT create_hypertable('t', 'at');", "CREATE INDEX t_note ON t (note) WHERE id > 5;", "index-create-blocking",
			"CREATE INDEX t_note ON t (note) WITH (timescaledb.transaction_per_chunk) WHERE id > 5;",
		},
		{
			"SELECT create_hypertable('t', 'at');", "CREATE UNIQUE INDEX t_note ON t (note, at);", "index-create-blocking",
			"not known: t is a hypertable of TimescaleDB",
		},
		{
			"SELECT create_hypertable('t', 'at');", "CREATE INDEX CONCURRENTLY t_note ON t (note);",
			"index-concurrent-hypertable", "\nCREATE INDEX t_note ON t (note) WITH (timescaledb.transaction_per_chunk);",
		},
		{"SELECT create_hypertable('t', 'at');", "CREATE INDEX t_note ON t (note) WITH (timescaledb.transaction_per_chunk);", "", ""},
		{
			"SELECT create_distributed_table('t', 'id');", "ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0);",
			"constraint-check-validating", "not known: t is a table that Citus distributes",
		},
		{
			"SELECT partman.create_parent('public.t', 'at');", "CREATE INDEX t_note ON t (note);", "index-create-blocking",
			"pg_partman makes and drops partitions of t that no migration names",
		},
	} {
		var found []onward.Finding
		dir := gittest.Commits(t, map[string]string{"migrations/001_a.sql": tables + c.base}, map[string]string{"migrations/002_b.sql": c.release})
		report, err := Changelog(t.Context(), Config{Dir: dir, Base: "main", Head: "feature"})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range report.Findings {
			if f.Category == onward.Locking && f.Rule != "transaction-lock-timeout-missing" {
				found = append(found, f)
			}
		}
		switch {
		case c.rule == "" && len(found) > 0:
			t.Errorf("%s: the findings are %+v, want none", c.release, found)
		case c.rule != "" && (len(found) != 1 || found[0].Rule != c.rule || !strings.Contains(found[0].Instead, c.instead) || len(found[0].Fix) > 0):
			t.Errorf("%s: the findings are %+v, want %s with %q and without a fix", c.release, found, c.rule, c.instead)
		}
	}
}
