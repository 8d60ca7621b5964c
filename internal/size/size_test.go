package size_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/size"
	"github.com/onward-sql/onward/onward"
)

const schema = `
CREATE TABLE users (id bigint PRIMARY KEY, name text, email text, at timestamp);
CREATE INDEX users_at_idx ON users (at);
CREATE INDEX users_email_idx ON users (email);
CREATE TABLE event (at int) PARTITION BY RANGE (at);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (0) TO (10);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE event_2a PARTITION OF event_2 FOR VALUES FROM (10) TO (15);
CREATE TABLE country (id int);`

var stats = &onward.Stats{Schema: onward.StatsSchema, Relations: []onward.RelationStats{
	{Name: "public.users", Kind: "table", Rows: 1_000_000, HeapBytes: 200e6, ToastBytes: 100e6, Indexes: []onward.IndexStats{
		{Name: "public.users_pkey", Bytes: 10e6}, {Name: "public.users_at_idx", Bytes: 20e6}, {Name: "public.users_email_idx", Bytes: 30e6},
	}},
	{Name: "public.event", Kind: "partitioned table", Rows: 7},
	{Name: "public.event_1", Kind: "table", Parent: "public.event", Rows: 100, HeapBytes: 1e6},
	{Name: "public.event_2", Kind: "partitioned table", Parent: "public.event", Rows: -1},
	{Name: "public.event_2a", Kind: "table", Parent: "public.event_2", Rows: 200, HeapBytes: 2e6, Indexes: []onward.IndexStats{{Name: "public.x", Bytes: 5}}},
	{Name: "public.country", Kind: "table", Rows: -1, HeapBytes: 8192},
}}

func fold(t *testing.T, c *catalog.Catalog, sql string) (*catalog.Catalog, *pgparse.Node) {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range f.Stmts {
		c, _ = c.Apply(s.Node, sql[s.Start:s.End])
	}
	return c, f.Stmts[0].Node
}

func name(n string) catalog.Name { return catalog.Name{Schema: "public", Name: n} }

func TestTable(t *testing.T) {
	t.Parallel()
	m := size.NewModel(stats, onward.Throughput{})
	for want, table := range map[int64]string{300: "users", 100: "event_1", 200: "event_2", 301: "event"} {
		got, ok := m.TableSize(name(table))
		switch {
		case !ok:
			t.Errorf("%s is not known", table)
		case table == "users" && (got.DataBytes() != 300e6 || got.TotalBytes() != 360e6 || got.Rows != 1_000_000):
			t.Errorf("users: %+v", got)
		case table == "event" && (got.Rows != 300 || got.Heap != 3e6 || got.Index != 5):
			t.Errorf("the partitions of event do not add up: %+v", got)
		case table != "users" && table != "event" && got.Rows != want:
			t.Errorf("%s has %d rows, want %d", table, got.Rows, want)
		}
	}
	if _, ok := m.TableSize(name("missing")); ok {
		t.Error("a table that nobody measured is known")
	}
	var none *size.Model
	if _, ok := none.TableSize(name("users")); ok || none.TablesBelow(1e9) != nil {
		t.Error("no model knows something")
	}
}

func TestBelow(t *testing.T) {
	t.Parallel()
	m := size.NewModel(stats, onward.Throughput{})
	for limit, want := range map[int64][]string{
		0: nil, 8192: nil, 8193: {"public.country"}, 2.1e6: {"public.country", "public.event_1", "public.event_2", "public.event_2a"},
	} {
		got := m.TablesBelow(limit)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("below %d (-want +got):\n%s", limit, d)
		}
	}
}

// TestEstimate checks the arithmetic at 200 MB/s read and 100 MB/s written.
func TestEstimate(t *testing.T) {
	t.Parallel()
	before, _ := fold(t, catalog.New(), schema)
	m := size.NewModel(stats, onward.Throughput{Read: 200e6, Write: 100e6})
	for sql, want := range map[string]map[string]int64{
		// Read once.
		"ALTER TABLE users ALTER COLUMN name SET NOT NULL":      {"users": 1000},
		"ALTER TABLE users ADD CONSTRAINT c CHECK (name <> '')": {"users": 1000},
		"ALTER TABLE users ADD COLUMN n int":                    {},
		"ALTER TABLE missing ALTER COLUMN name SET NOT NULL":    {},
		"ALTER TABLE event ADD CONSTRAINT c CHECK (at > 0)":     {"event_1": 5, "event_2a": 10},
		"CREATE INDEX ON users (name)":                          {"users": 1000 + 200},
		"CREATE INDEX CONCURRENTLY ON users (name)":             {"users": 2000 + 200},
		"REINDEX INDEX users_at_idx":                            {"users": 1000 + 200},
		"CREATE TABLE fresh (id int PRIMARY KEY)":               {},
		"TRUNCATE users": {},
		"ALTER TABLE country ALTER COLUMN id SET NOT NULL":         {"country": 1},
		"ALTER TABLE users ALTER COLUMN at TYPE timestamptz":       {"users": 3*1000 + 1500 + 3000 + 600},
		"ALTER TABLE users ADD COLUMN r float DEFAULT random()":    {"users": 3*1000 + 1500 + 3000 + 600},
		"ALTER TABLE users ALTER email TYPE text COLLATE \"C\"":    {"users": 1000 + 300},
		"ALTER TABLE users ADD r float8 DEFAULT random() NOT NULL": {"users": 3*1000 + 1500 + 3000 + 600},
	} {
		after, node := fold(t, before, sql)
		_ = after
		r := effect.EffectOf(node, before, effect.NewVersion(17), effect.Inputs{})
		got := map[string]int64{}
		for i, ms := range m.EstimateWork(&r, func(e *effect.Effect) catalog.Name { return e.Name }) {
			if e := r.Effects[i]; ms > 0 && e.Kind != catalog.Index {
				got[e.Name.Name] = ms
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", sql, d)
		}
	}
}

// TestRenamed: a table that the release renames has its old name on the
// server.
func TestRenamed(t *testing.T) {
	t.Parallel()
	c, _ := fold(t, catalog.New(), schema)
	c, _ = fold(t, c, "ALTER TABLE users RENAME TO people")
	_, node := fold(t, c, "ALTER TABLE people ALTER COLUMN name SET NOT NULL")
	r := effect.EffectOf(node, c, effect.NewVersion(17), effect.Inputs{})
	m := size.NewModel(stats, size.Default)
	if got := m.EstimateWork(&r, func(*effect.Effect) catalog.Name { return name("users") }); got[0] != 1000 {
		t.Errorf("%v, want 1000 first", got)
	}
}

// bigStats has a table of 5 billion rows.
func bigStats(settings map[string]string) *onward.Stats {
	return &onward.Stats{Schema: onward.StatsSchema, Settings: settings, Relations: []onward.RelationStats{
		{Name: "public.orders", Kind: "table", Rows: 5e9, HeapBytes: 400e9, Indexes: []onward.IndexStats{{Name: "public.orders_pkey", Bytes: 110e9}}},
		{Name: "public.empty", Kind: "table", Rows: -1, HeapBytes: 8192},
		{Name: "public.quiet", Kind: "table", Rows: 1e6, HeapBytes: 100e6, Options: map[string]string{"autovacuum_enabled": "off"}},
		{Name: "public.eager", Kind: "table", Rows: 1e6, HeapBytes: 100e6, Options: map[string]string{"autovacuum_vacuum_scale_factor": "0.01"}},
	}}
}

func TestEstimateBackfill(t *testing.T) {
	t.Parallel()
	settings := map[string]string{
		"full_page_writes": "on", "autovacuum": "on", "autovacuum_vacuum_threshold": "50", "autovacuum_vacuum_scale_factor": "0.2",
		"checkpoint_timeout": "300s", "max_wal_size": "65536MB",
	}
	got := size.NewModel(bigStats(settings), onward.Throughput{}).EstimateBackfill(name("orders"), size.UpdateRows, 1000)
	// Each row takes 80 bytes, its new version 88. WAL: 5e9 × (88 + 165 + 74), and 510e9 of full pages.
	want := &onward.StepEstimate{
		Rows: 5e9, Runs: 5e6, WALBytes: 2_145e9, MaxWALBytes: 2_145e9 + 4*110e9,
		DiskBytes: 2*1_000_000_050*88 + 110e9, MaxDiskBytes: 550e9,
		Vacuum: &onward.VacuumEstimate{DeadRows: 5e9, Threshold: 1_000_000_050, Runs: 4},
	}
	want.MS, want.RowsPerSecond, want.MaxMS = got.MS, got.RowsPerSecond, got.MaxMS
	want.Vacuum.FirstMS, want.Vacuum.ReadBytes = got.Vacuum.FirstMS, got.Vacuum.ReadBytes
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// Time: 19 µs a row, 510 GB read at 200 MB/s, 2,695 GB written at 100 MB/s; and a quarter of it as pauses.
	if hours := float64(got.MS) / 3.6e6; hours < 43 || hours > 47 {
		t.Errorf("%.1f hours", hours)
	}
	if part := float64(got.Vacuum.FirstMS) / float64(got.MS); part < 0.19 || part > 0.21 {
		t.Errorf("autovacuum begins after %.2f of the time", part)
	}
	if read := got.Vacuum.ReadBytes; read < 189e9 || read > 191e9 {
		t.Errorf("autovacuum reads %d", read)
	}
}

// The settings and the storage parameters of the server count, and a rate that was measured.
func TestEstimateBackfillSettings(t *testing.T) {
	t.Parallel()
	estimate := func(table string, settings map[string]string, rate int64) *onward.StepEstimate {
		return size.NewModel(bigStats(settings), onward.Throughput{Rows: rate}).EstimateBackfill(name(table), size.UpdateRows, 1000)
	}
	if got := estimate("orders", nil, 2200); got.MS != 2_272_727_272 || got.RowsPerSecond != 2200 || !got.Vacuum.Assumed {
		t.Errorf("with a rate: %+v", got)
	}
	if got := estimate("orders", map[string]string{"full_page_writes": "off"}, 0); got.WALBytes != 1_635e9 || got.MaxWALBytes != got.WALBytes {
		t.Errorf("without full pages: %+v", got)
	}
	got := estimate("orders", map[string]string{"autovacuum_vacuum_max_threshold": "100000000"}, 0)
	if got.Vacuum.Threshold != 100_000_000 || got.Vacuum.Runs != 50 {
		t.Errorf("from 18 on: %+v", got.Vacuum)
	}
	if got := estimate("orders", map[string]string{"autovacuum": "off"}, 0); !got.Vacuum.Off || got.DiskBytes != got.MaxDiskBytes {
		t.Errorf("without autovacuum: %+v", got)
	}
	if got := estimate("quiet", nil, 0); !got.Vacuum.Off {
		t.Errorf("a table without autovacuum: %+v", got.Vacuum)
	}
	if got := estimate("eager", nil, 0); got.Vacuum.Threshold != 10_050 || got.Vacuum.Runs != 99 {
		t.Errorf("a table with a lower threshold: %+v", got.Vacuum)
	}
	for _, table := range []string{"empty", "unknown"} {
		if got := estimate(table, nil, 0); got != nil {
			t.Errorf("the estimate of table %s is %+v, want nil", table, got)
		}
	}
}

// Entries of an index that come in no order write nearly a full page each, unless all its pages are written between two
// checkpoints anyway.
func TestScatteredEntries(t *testing.T) {
	t.Parallel()
	estimate := func(rows int64) *onward.StepEstimate {
		stats := &onward.Stats{Relations: []onward.RelationStats{{
			Name: "public.t", Kind: "table", Rows: rows, HeapBytes: rows * 100,
			Indexes: []onward.IndexStats{{Name: "public.a", Bytes: rows * 22}, {Name: "public.b", Bytes: rows * 22}},
		}}, Settings: map[string]string{"autovacuum": "off", "max_wal_size": "65536MB"}}
		return size.NewModel(stats, onward.Throughput{}).EstimateBackfill(name("t"), size.UpdateRows, 1000)
	}
	small, large := estimate(1e6), estimate(5e9)
	if more := small.MaxWALBytes - small.WALBytes; more > 2*22*1e6 {
		t.Errorf("a small index writes %d bytes more", more)
	}
	perRow := float64(large.MaxWALBytes-large.WALBytes) / 5e9
	if perRow < 4000 || perRow > 8192 {
		t.Errorf("an entry of a large index writes %.0f bytes more", perRow)
	}
	if large.MaxMS < 2*large.MS {
		t.Errorf("from %d to %d ms", large.MS, large.MaxMS)
	}
}
