package blocking_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/rules/blocking"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// From Postgres 19 on the advice is REPACK (CONCURRENTLY), and says first what older snapshots read. Older versions, and tables that it does not take,
// keep another advice.
func TestRepackAdvice(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE t (id bigint PRIMARY KEY, n int);
CREATE INDEX t_n ON t (n);
ALTER TABLE t CLUSTER ON t_n;
CREATE TABLE keyless (n int);
CREATE INDEX keyless_n ON keyless (n);
CREATE UNLOGGED TABLE fast (id int PRIMARY KEY);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);`
	const plain, window = "let a plain VACUUM free the space", "take a window without traffic: REPACK (CONCURRENTLY) takes only"
	const pgRepack = "take it out of the migration: pg_repack"
	for _, tt := range []struct {
		sql   string
		major int
		want  string
		last  string
	}{
		{"VACUUM FULL t;", 19, "a transaction with an older snapshot (REPEATABLE READ, pg_dump, a subscriber's first copy) that reads t afterwards gets no " +
			"rows, without an error.",
			"REPACK (CONCURRENTLY) t;"},
		{"VACUUM FULL t;", 18, plain, "VACUUM (ANALYZE, TRUNCATE false) t;"},
		{"VACUUM FULL keyless;", 19, plain, "VACUUM (ANALYZE, TRUNCATE false) keyless;"},
		{"VACUUM FULL;", 19, plain, "VACUUM (ANALYZE, TRUNCATE false) t;"},
		{"CLUSTER t USING t_n;", 19, "a transaction with an older snapshot", "REPACK (CONCURRENTLY) t USING INDEX t_n;"},
		{"CLUSTER t;", 19, "a transaction with an older snapshot", "REPACK (CONCURRENTLY) t USING INDEX;"},
		{"CLUSTER t;", 18, pgRepack, ""},
		{"CLUSTER keyless USING keyless_n;", 19, window, ""},
		{"REPACK t;", 19, "a transaction with an older snapshot", "REPACK (CONCURRENTLY) t;"},
		{"REPACK t USING INDEX;", 19, "a transaction with an older snapshot", "REPACK (CONCURRENTLY) t USING INDEX;"},
		{"REPACK fast;", 19, window, ""},
		{"REPACK (CONCURRENTLY) t;", 19, "let onward apply or onward guard run it", ""},
	} {
		build := func(sql string) *script.Script {
			s, err := script.BuildScript(script.Source{Text: sql, Parts: []script.Part{{SQL: sql}}, Mode: onward.TransactionNone})
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		engine := rule.NewEngine(rule.Config{Rules: []*rule.Rule{blocking.TableCluster, blocking.TableVacuumFull}, Versions: []int{tt.major}}, nil)
		engine.FoldDeployed(build(schema))
		engine.JudgeMigration(&rule.Migration{ID: "m", Path: "m.sql", Mode: onward.TransactionNone, Script: build(tt.sql)})
		findings, _ := engine.Finish()
		if len(findings) != 1 || !strings.HasPrefix(findings[0].Instead, tt.want) || !strings.HasSuffix(findings[0].Instead, tt.last) {
			t.Errorf("%s on %d: %+v", tt.sql, tt.major, findings)
		}
	}
}
