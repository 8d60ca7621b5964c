package recipe_test

import (
	"strings"
	"testing"
)

// A table is written anew concurrently only if each version has REPACK, and if the server can decode the table's changes.
func TestTableRepack(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE orders (id bigint PRIMARY KEY, total int);
CREATE INDEX orders_total ON orders (total);
CREATE TABLE keyless (n int);
CREATE TABLE indexed (n int NOT NULL);
CREATE UNIQUE INDEX indexed_n ON indexed (n);
ALTER TABLE indexed REPLICA IDENTITY USING INDEX indexed_n;
CREATE TABLE whole (id int PRIMARY KEY);
ALTER TABLE whole REPLICA IDENTITY FULL;
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE);
CREATE UNLOGGED TABLE fast (id int PRIMARY KEY);
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE MATERIALIZED VIEW mv AS SELECT id FROM orders;`
	on19, mixed := []int{19}, []int{13, 14, 15, 16, 17, 18, 19}
	for _, tt := range []struct {
		sql      string
		versions []int
		want     string
		undo     string
	}{
		{"VACUUM FULL orders", on19, "REPACK (CONCURRENTLY) orders", ""},
		{"VACUUM FULL orders", mixed, "VACUUM FULL orders", ""},
		{"VACUUM FULL orders", []int{18}, "VACUUM FULL orders", ""},
		{"VACUUM (FULL, ANALYZE) orders (total, id)", on19, "REPACK (CONCURRENTLY, ANALYZE) orders (total, id)", ""},
		{"VACUUM orders", on19, "VACUUM orders", ""},
		{"VACUUM FULL", on19, "VACUUM FULL", ""},
		{"VACUUM FULL orders, keyless", on19, "VACUUM FULL orders, keyless", ""},
		{"VACUUM FULL keyless", on19, "VACUUM FULL keyless", ""},
		{"VACUUM FULL indexed", on19, "REPACK (CONCURRENTLY) indexed", ""},
		{"VACUUM FULL whole", on19, "VACUUM FULL whole", ""},
		{"VACUUM FULL late", on19, "VACUUM FULL late", ""},
		{"VACUUM FULL fast", on19, "VACUUM FULL fast", ""},
		{"VACUUM FULL mv", on19, "VACUUM FULL mv", ""},
		{"VACUUM FULL parts_1", on19, "REPACK (CONCURRENTLY) parts_1", ""},
		{"CLUSTER orders USING orders_total", on19, "REPACK (CONCURRENTLY) orders USING INDEX orders_total", "ALTER TABLE orders SET WITHOUT CLUSTER"},
		{"CLUSTER VERBOSE orders USING orders_total", on19, "REPACK (CONCURRENTLY, VERBOSE) orders USING INDEX orders_total",
			"ALTER TABLE orders SET WITHOUT CLUSTER"},
		{"CLUSTER orders USING orders_total", mixed, "CLUSTER orders USING orders_total", ""},
		{"REPACK orders", on19, "REPACK (CONCURRENTLY) orders", ""},
		{"REPACK parts", on19, "REPACK parts", ""},
		{"REPACK", on19, "REPACK", ""},
		{"REPACK (CONCURRENTLY) orders", on19, "REPACK (CONCURRENTLY) orders", ""},
		{"CREATE TABLE fresh (id int PRIMARY KEY); VACUUM FULL fresh", on19, "CREATE TABLE fresh (id int PRIMARY KEY); VACUUM FULL fresh", ""},
	} {
		var got, undo []string
		for _, r := range planChangesOn(t, tt.versions, buildScript(t, schema), tt.sql) {
			for _, step := range r.Steps {
				got = append(got, step.SQL...)
				if strings.Contains(step.SQL[0], "REPACK (") {
					undo = append(undo, step.Undo...)
				}
			}
		}
		if sql := strings.Join(got, "; "); sql != tt.want || strings.Join(undo, "; ") != tt.undo {
			t.Errorf("%s on %v: %s, undone by %q", tt.sql, tt.versions, sql, undo)
		}
	}
}
