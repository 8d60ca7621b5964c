package catalog_test

import (
	"fmt"
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// history is the statements of n files as a long-lived service has them: new
// tables with keys, indexes, foreign keys, and changes of older tables.
func history(tb testing.TB, n int) []step {
	var out []step
	add := func(format string, args ...any) { out = append(out, steps(tb, fmt.Sprintf(format, args...))...) }
	for i := 0; len(out) < n; i++ {
		add("CREATE TABLE t%d (id bigserial PRIMARY KEY, a int NOT NULL DEFAULT 0, b text, c timestamptz DEFAULT now(), CHECK (a > 0))", i)
		add("CREATE INDEX t%d_b ON t%d (b)", i, i)
		add("ALTER TABLE t%d ADD COLUMN other_id bigint REFERENCES t%d (id)", i, max(0, i-7))
		add("ALTER TABLE t%d ADD COLUMN d varchar(20)", i/2)
		add("ALTER TABLE t%d ALTER COLUMN d SET NOT NULL", i/2)
		add("ALTER TABLE t%d DROP COLUMN d", i/2)
		add("INSERT INTO t%d (a) VALUES (1)", i)
		add("ALTER TABLE t%d ALTER COLUMN b TYPE varchar(100)", i)
	}
	return out[:n]
}

// BenchmarkFold folds 25,000 statements, parsing excluded.
func BenchmarkFold(b *testing.B) {
	list := history(b, 25_000)
	b.ReportAllocs()
	for b.Loop() {
		c := catalog.New()
		for _, s := range list {
			c, _ = c.Apply(s.node, s.sql)
		}
	}
}

// BenchmarkDiff tells what the last ten of 25,000 statements changed.
func BenchmarkDiff(b *testing.B) {
	list := history(b, 25_000)
	c := catalog.New()
	var before *catalog.Catalog
	for i, s := range list {
		if i == len(list)-10 {
			before = c
		}
		c, _ = c.Apply(s.node, s.sql)
	}
	b.ReportAllocs()
	for b.Loop() {
		catalog.Diff(before, c)
	}
}
