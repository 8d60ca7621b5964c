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
		r := effect.EffectOf(node, before, effect.NewVersion(17), effect.Session{})
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
	r := effect.EffectOf(node, c, effect.NewVersion(17), effect.Session{})
	m := size.NewModel(stats, size.Default)
	if got := m.EstimateWork(&r, func(*effect.Effect) catalog.Name { return name("users") }); got[0] != 1000 {
		t.Errorf("%v, want 1000 first", got)
	}
}
