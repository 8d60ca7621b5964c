package effect_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

func one(t testing.TB, sql string) *pgparse.Node {
	t.Helper()
	f, err := pgparse.SplitText(sql)
	if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
		t.Fatalf("%s does not parse", sql)
	}
	return f.Stmts[0].Node
}

// describe lists effects: "public.t AccessExclusiveLock rewrite unsure".
func describe(r effect.Result) []string {
	out := []string{}
	for i := range r.Effects {
		out = append(out, describeEffect(&r.Effects[i]))
	}
	return out
}

func describeEffect(e *effect.Effect) string {
	words := []string{e.Name.Qualified(), e.Lock.String(), e.HeaviestWork().String()}
	for _, f := range []struct {
		on   bool
		name string
	}{{e.Created, "created"}, {e.Dropped, "dropped"}, {e.Rows, "rows"}, {e.RowLocks, "row locks"},
		{e.Instant, "instant"}, {e.Waits, "waits"}, {e.AtEnd, "at the end"}} {
		if f.on {
			words = append(words, f.name)
		}
	}
	if e.Unsure {
		words = append(words, "unsure: "+e.Why)
	} else if e.Why != "" {
		words = append(words, "because: "+e.Why)
	}
	return strings.Join(words, " ")
}

// TestUnknown checks the effects on tables, columns and functions that no statement
// created: the general case, marked if it is a guess.
func TestUnknown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, setup, sql string
		want             []string
	}{
		{"add column", "", "ALTER TABLE t ADD COLUMN x int", []string{"public.t AccessExclusiveLock none"}},
		{"other schema", "", "ALTER TABLE s.t ADD COLUMN x int", []string{"s.t AccessExclusiveLock none"}},
		{"type", "", "ALTER TABLE t ALTER x TYPE bigint", []string{"public.t AccessExclusiveLock rewrite unsure: the old type is not known"}},
		{"type to text", "", "ALTER TABLE t ALTER x TYPE text", []string{"public.t AccessExclusiveLock rewrite unsure: the old type is not known"}},
		{"type of an inferred column", "CREATE INDEX ON t (x)", "ALTER TABLE t ALTER x TYPE bigint",
			[]string{"public.t AccessExclusiveLock rewrite unsure: the old type is not known", "public.t_x_idx AccessExclusiveLock index because: index on x"}},
		{"not null", "", "ALTER TABLE t ALTER x SET NOT NULL",
			[]string{"public.t AccessExclusiveLock scan unsure: whether a constraint proves that x has no NULL is not known"}},
		{"not null, proved", "ALTER TABLE t ADD CONSTRAINT c CHECK (x IS NOT NULL)", "ALTER TABLE t ALTER x SET NOT NULL",
			[]string{"public.t AccessExclusiveLock none"}},
		{"validate", "", "ALTER TABLE t VALIDATE CONSTRAINT c", []string{"public.t ShareUpdateExclusiveLock scan unsure: what the constraint is, is not known"}},
		{"drop constraint", "", "ALTER TABLE t DROP CONSTRAINT c",
			[]string{"public.t AccessExclusiveLock none unsure: a foreign key also locks the table it references"}},
		{"unknown function", "", "ALTER TABLE t ADD COLUMN x int DEFAULT app.mystery()",
			[]string{"public.t AccessExclusiveLock rewrite unsure: whether mystery() is volatile is not known"}},
		{"foreign key", "", "ALTER TABLE t ADD FOREIGN KEY (x) REFERENCES r", []string{
			"public.t ShareRowExclusiveLock scan because: rows are looked up in the referenced table",
			"public.r ShareRowExclusiveLock scan because: referenced by t"}},
		{"drop if exists", "", "DROP TABLE IF EXISTS t", []string{"public.t AccessExclusiveLock none dropped unsure: it may not exist"}},
		{"index", "", "CREATE INDEX CONCURRENTLY i ON t (x)", []string{"public.t ShareUpdateExclusiveLock index waits", "public.i AccessExclusiveLock none created"}},
		{"update", "", "UPDATE t SET x = 1 WHERE y = 2", []string{"public.t RowExclusiveLock none rows row locks"}},
		{"update all", "", "UPDATE t SET x = 1", []string{"public.t RowExclusiveLock scan row locks"}},
		{"truncate", "", "TRUNCATE t", []string{"public.t AccessExclusiveLock rewrite instant"}},
		{"using index", "", "ALTER TABLE t ADD PRIMARY KEY USING INDEX i",
			[]string{"public.t AccessExclusiveLock scan unsure: whether the key's columns are NOT NULL is not known", "public.i AccessShareLock none"}},
		{"unlogged", "", "ALTER TABLE t SET UNLOGGED", []string{"public.t AccessExclusiveLock rewrite unsure: whether it is unlogged is not known"}},
		{"system catalogs", "", "SELECT * FROM pg_class c, information_schema.tables", []string{}},
		{"temporary table", "", "CREATE TEMP TABLE x (id int)", []string{"pg_temp.x AccessExclusiveLock none created"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := fold(t, catalog.New(), tc.setup)
			got := effect.EffectOf(one(t, tc.sql), c, effect.NewVersion(17), effect.Inputs{})
			if diff := cmp.Diff(tc.want, describe(got)); diff != "" {
				t.Errorf("%s: effects differ (-want +got):\n%s", tc.sql, diff)
			}
			if got.Refused != nil {
				t.Errorf("%s: refused on a schema that is not known: %s", tc.sql, got.Refused.Message())
			}
		})
	}
}

// TestCreateView checks that CREATE VIEW locks the relations its query names, and no relation below them.
// Its cost does not grow with the chain of views below. The server says the same: view-and-table in prove.
func TestCreateView(t *testing.T) {
	setup := "CREATE TABLE v0 (a int); CREATE VIEW v1 AS SELECT a FROM v0;"
	c := fold(t, catalog.New(), setup)
	got := effect.EffectOf(one(t, "CREATE VIEW w AS SELECT v1.a FROM v1 JOIN v0 USING (a)"), c, effect.NewVersion(17), effect.Inputs{})
	want := []string{"public.w AccessExclusiveLock none created", "public.v1 AccessShareLock none", "public.v0 AccessShareLock none"}
	if diff := cmp.Diff(want, describe(got)); diff != "" {
		t.Errorf("effects differ (-want +got):\n%s", diff)
	}
	allocations := func(views int) float64 {
		var b strings.Builder
		b.WriteString(setup)
		for i := range views {
			fmt.Fprintf(&b, "CREATE VIEW v%d AS SELECT a FROM v%d;", i+2, i+1)
		}
		c := fold(t, catalog.New(), b.String())
		node := one(t, fmt.Sprintf("CREATE VIEW w AS SELECT a FROM v%d", views+1))
		return testing.AllocsPerRun(10, func() { effect.EffectOf(node, c, effect.NewVersion(17), effect.Inputs{}) })
	}
	if few, many := allocations(4), allocations(400); many > few+10 {
		t.Errorf("a view over 400 views takes %.0f allocations, over 4 views %.0f", many, few)
	}
}

// TestConsulted holds that the version is asked only where it matters: what
// did not ask is computed once for all versions.
func TestConsulted(t *testing.T) {
	t.Parallel()
	c := fold(t, catalog.New(), "CREATE TABLE t (id int PRIMARY KEY, x int, y text); CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id)")
	for sql, want := range map[string]bool{
		"CREATE TABLE n (id bigint PRIMARY KEY, t_id int REFERENCES t)": false,
		"ALTER TABLE t ADD COLUMN z int DEFAULT 1":                      false,
		"ALTER TABLE t ADD COLUMN z timestamptz DEFAULT now()":          false,
		"ALTER TABLE t ALTER x TYPE bigint":                             false,
		"CREATE INDEX ON t (x)":                                         false,
		"ALTER TABLE t ALTER x SET NOT NULL":                            false,
		"DROP TABLE t":                                                  false,
		"UPDATE t SET x = 1":                                            false,
		"GRANT SELECT ON t TO PUBLIC":                                   true,
		"ALTER TABLE t ADD COLUMN z uuid DEFAULT uuidv7()":              true,
		"ALTER TABLE p ADD UNIQUE (id)":                                 false,
		"CREATE INDEX CONCURRENTLY ON t (x)":                            false,
		"MERGE INTO t USING p ON p.id = t.id WHEN MATCHED THEN DELETE":  true,
	} {
		v := effect.NewVersion(16)
		effect.EffectOf(one(t, sql), c, v, effect.Inputs{})
		if v.WasConsulted() != want {
			t.Errorf("%s: asked for the version: %v, want %v", sql, v.WasConsulted(), want)
		}
	}
}

// TestNoTransaction holds the names that the server gives to what it refuses
// inside a transaction block.
func TestNoTransaction(t *testing.T) {
	t.Parallel()
	c := fold(t, catalog.New(), "CREATE TABLE t (id int PRIMARY KEY)")
	for sql, want := range map[string]string{
		"CREATE INDEX CONCURRENTLY ON t (id)":               "CREATE INDEX CONCURRENTLY",
		"DROP INDEX CONCURRENTLY t_pkey":                    "DROP INDEX CONCURRENTLY",
		"REINDEX TABLE CONCURRENTLY t":                      "REINDEX CONCURRENTLY",
		"VACUUM t":                                          "VACUUM",
		"ANALYZE t":                                         "",
		"CLUSTER":                                           "CLUSTER",
		"CLUSTER t USING t_pkey":                            "",
		"ALTER SYSTEM SET work_mem = '1MB'":                 "ALTER SYSTEM",
		"CREATE DATABASE d":                                 "CREATE DATABASE",
		"ALTER TYPE mood ADD VALUE 'x'":                     "",
		"REFRESH MATERIALIZED VIEW CONCURRENTLY m":          "",
		"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p": "CREATE SUBSCRIPTION ... WITH (create_slot = true)",
		"CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p WITH (connect = false)": "",
		"ALTER SUBSCRIPTION s REFRESH PUBLICATION":                                 "ALTER SUBSCRIPTION ... REFRESH",
		"DISCARD ALL":   "DISCARD ALL",
		"DISCARD PLANS": "",
	} {
		got := effect.EffectOf(one(t, sql), c, effect.NewVersion(17), effect.Inputs{})
		if got.NoTransaction != want {
			t.Errorf("%s: refused in a transaction as %q, want %q", sql, got.NoTransaction, want)
		}
	}
}

func TestOnward(t *testing.T) {
	t.Parallel()
	c := fold(t, catalog.New(), "CREATE TABLE t (id int PRIMARY KEY, x int)")
	got := effect.EffectOf(one(t, "CREATE INDEX i ON t (x)"), c, effect.NewVersion(17), effect.Inputs{}).PublicEffects()
	want := []onward.Effect{
		{Relation: "public.t", Lock: onward.ShareLock, Work: onward.IndexWork, Blocks: []string{"write"}},
		{Relation: "public.i", Lock: onward.AccessExclusiveLock, Blocks: []string{"read", "write"}, New: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("effects differ (-want +got):\n%s", diff)
	}
}

// FuzzOf holds that no statement on no schema makes the model panic.
func FuzzOf(f *testing.F) {
	for _, s := range []string{
		"CREATE TABLE a (id int PRIMARY KEY) PARTITION BY RANGE (id); CREATE TABLE b PARTITION OF a DEFAULT; ALTER TABLE a ATTACH PARTITION b DEFAULT",
		"CREATE TABLE a () INHERITS (a); ALTER TABLE a INHERIT a; DROP TABLE a CASCADE",
		"CREATE VIEW v AS SELECT * FROM v; DROP VIEW v CASCADE; LOCK TABLE v",
		"CREATE DOMAIN d AS d; ALTER TABLE t ADD COLUMN x d; ALTER TABLE t ALTER x TYPE d; ALTER DOMAIN d SET NOT NULL",
		"CREATE TABLE t (id int REFERENCES t); TRUNCATE t CASCADE; DELETE FROM t; ALTER TABLE t DROP COLUMN id CASCADE",
		"CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT f()'; ALTER TABLE t ADD COLUMN x int DEFAULT f()",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		if len(sql) > 2000 {
			t.Skip()
		}
		file, err := pgparse.SplitText(sql)
		if err != nil {
			t.Skip()
		}
		c := catalog.New()
		for _, s := range file.Stmts {
			if s.Node == nil {
				continue
			}
			for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
				effect.EffectOf(s.Node, c, effect.NewVersion(major), effect.Inputs{TimeZone: "UTC"}).PublicEffects()
			}
			c, _ = c.Apply(s.Node, file.Src[s.Start:s.End])
		}
	})
}
