package catalog_test

import (
	"testing"

	"github.com/onward-sql/onward/internal/catalog"
)

// TestManager: the calls and storage parameters that give a table to an extension.
func TestManager(t *testing.T) {
	t.Parallel()
	const tables = "CREATE TABLE t (id bigint, at timestamptz); CREATE SCHEMA app; CREATE TABLE app.t (id bigint);"
	for sql, want := range map[string][2]catalog.Manager{
		"SELECT create_hypertable('t', 'at');":                                                {catalog.Hypertable, 0},
		"SELECT create_hypertable('app.t'::regclass, by_range('id'));":                        {0, catalog.Hypertable},
		"SELECT public.create_hypertable(time_column_name => 'id', relation => 'app.\"t\"');": {0, catalog.Hypertable},
		"ALTER TABLE t SET (timescaledb.compress, timescaledb.compress_segmentby = 'id');":    {catalog.CompressedHypertable, 0},
		"ALTER TABLE t SET (timescaledb.compress = false);":                                   {},
		"SELECT create_distributed_table('t', 'id'); SELECT create_reference_table('app.t');": {catalog.Distributed, catalog.Distributed},
		"SELECT create_distributed_table('t', 'id'); SELECT undistribute_table('t');":         {},
		"SELECT partman.create_parent(p_parent_table := 'app.t', p_control := 'id');":         {0, catalog.PartmanParent},
		"SELECT create_hypertable(name) FROM tables; SELECT create_hypertable('nowhere');":    {},
		"DROP TABLE t; CREATE TABLE t (id int) WITH (tsdb.hypertable, tsdb.columnstore=off);": {catalog.Hypertable, 0},
	} {
		c, _ := apply(t, catalog.New(), tables+sql)
		got := [2]catalog.Manager{c.Lookup("public", "t").Manager, c.Lookup("app", "t").Manager}
		if got != want {
			t.Errorf("%s: %v, want %v", sql, got, want)
		}
	}
}
