package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// From Postgres 19 on a table is written anew while others use it, with the same schema, rows and mark of its order. The abort restores the mark.
func TestRepackIsProven(t *testing.T) {
	t.Parallel()
	pgservertest.Server(t, onward.PreviewMajor) // the test is left out without it
	for name, tc := range map[string]struct {
		base, release string
		steps         []string
	}{
		"vacuum":        {"", "VACUUM (FULL, ANALYZE, VERBOSE) orders;", []string{"REPACK (CONCURRENTLY, VERBOSE, ANALYZE) orders;\n"}},
		"two tables":    {"", "VACUUM FULL orders, customers;", []string{"REPACK (CONCURRENTLY) orders;\n", "REPACK (CONCURRENTLY) customers;\n"}},
		"cluster":       {"", "CLUSTER orders USING orders_pkey;", []string{"REPACK (CONCURRENTLY) orders USING INDEX orders_pkey;\n"}},
		"cluster again": {"ALTER TABLE orders CLUSTER ON orders_pkey;", "CLUSTER orders;", []string{"REPACK (CONCURRENTLY) orders USING INDEX;\n"}},
		"another order": {"ALTER TABLE orders CLUSTER ON orders_pkey;", "REPACK orders USING INDEX orders_total;",
			[]string{"REPACK (CONCURRENTLY) orders USING INDEX orders_total;\n"}},
		"as it was said": {"", "REPACK (CONCURRENTLY, ANALYZE) orders (total);", []string{"REPACK (CONCURRENTLY, ANALYZE) orders (total);\n"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := planned(t, repackBase+tc.base, "-- +goose NO TRANSACTION\n"+tc.release, onward.PreviewMajor, &config.Config{Postgres: []int{onward.PreviewMajor}}, true)
			var got []string
			for i := range p.Steps {
				got = append(got, p.Steps[i].SQL)
			}
			if strings.Join(got, "") != strings.Join(tc.steps, "") || !p.Proof.Proven {
				t.Errorf("%q %v", got, p.Proof.Missing)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, "gets no rows, without an error") ||
				!strings.Contains(notes, "meanwhile is not protected") {
				t.Error(notes)
			}
		})
	}
}

const repackBase = `CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, total int);
CREATE INDEX orders_total ON orders (total);
`
