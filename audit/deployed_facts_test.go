package audit

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const stats = `{"schema": "onward.stats/1", "taken": "2026-03-01T12:00:00Z", "postgres": "17.5", "major": 17, "relations": [
	{"name": "public.users", "kind": "table", "rows": 81000000, "heap_bytes": 24000000000, "indexes": [{"name": "public.users_pkey", "bytes": 1000}]},
	{"name": "public.country", "kind": "table", "rows": 240, "heap_bytes": 16384, "indexes": []}]}`

// effects returns the effects in a report by relation, the last statement's first.
func effects(r *onward.Report) map[string]onward.Effect {
	out := map[string]onward.Effect{}
	for _, m := range r.Migrations {
		for _, s := range m.Statements {
			for _, e := range s.Effects {
				if e.Work != onward.NoWork {
					out[e.Relation] = e
				}
			}
		}
	}
	return out
}

// TestStats: what grows with a table gets an estimate, under the name that the
// table has before the release.
func TestStats(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"stats.json": stats, "0.sql": "CREATE TABLE users (id bigint PRIMARY KEY, name text);",
		"1.sql": "ALTER TABLE users ALTER COLUMN name SET NOT NULL;",
		"2.sql": "ALTER TABLE users RENAME TO people; ALTER TABLE people ADD CHECK (name <> ''); CREATE TABLE users (id bigint); " +
			"ALTER TABLE users ADD CHECK (id > 0);",
	})
	c := CheckConfig{Dir: dir, Applied: []string{"0.sql"}, Paths: []string{"1.sql"}, Deployed: Deployed{Stats: filepath.Join(dir, "stats.json")}}
	r := check(t, c)
	want := onward.Effect{Relation: "public.users", Lock: onward.AccessExclusiveLock, Work: onward.Scan, Rows: 81e6, Bytes: 24e9, EstimateMS: 120_000}
	if got := effects(r)["public.users"]; got.Rows != want.Rows || got.Bytes != want.Bytes || got.EstimateMS != want.EstimateMS {
		t.Errorf("%+v, want %+v", got, want)
	}
	if r.Sizes == nil || r.Sizes.ReadPerSecond != 200e6 || r.Sizes.Taken != "2026-03-01T12:00:00Z" {
		t.Errorf("sizes: %+v", r.Sizes)
	}
	c.Settings = &config.Config{Throughput: onward.Throughput{Read: 1e9}}
	if got := effects(check(t, c))["public.users"].EstimateMS; got != 24_000 {
		t.Errorf("%d ms at 1 GB/s, want 24000", got)
	}
	c.Paths = []string{"2.sql"}
	if got := effects(check(t, c)); got["public.people"].EstimateMS != 24_000 || got["public.users"].Rows != 0 {
		t.Errorf("the renamed table and the new one of its name: %+v", got)
	}
	c.Deployed = Deployed{}
	if r := check(t, c); r.Sizes != nil || effects(r)["public.people"].Rows != 0 {
		t.Error("sizes that nobody gave")
	}
}

// TestSmallBelow: findings about work on small tables go, findings about who
// breaks stay; a table of unknown size is never small.
func TestSmallBelow(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{"stats.json": stats, "small.json": `{"schema": "onward.stats/1", "relations": [
  {"name": "public.users", "kind": "table", "rows": 3, "heap_bytes": 8192}, {"name": "public.country", "kind": "table", "rows": 3, "heap_bytes": 8192}]}`, "1.sql": `SET lock_timeout = '1s';
CREATE INDEX a ON users (name);
CREATE INDEX b ON country (name);
CREATE INDEX c ON other (name);
ALTER TABLE country DROP COLUMN code;`})
	run := func(limit config.Bytes, stats string) string {
		r := check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{Stats: stats}, Settings: &config.Config{SmallBelow: limit}})
		var rules []string
		for _, f := range found(r) {
			if _, rule, _ := strings.Cut(f, " "); strings.HasPrefix(rule, "index-create-blocking") || strings.HasPrefix(rule, "column-drop") {
				rules = append(rules, rule)
			}
		}
		return strings.Join(rules, ", ")
	}
	path := filepath.Join(dir, "stats.json")
	all := "index-create-blocking 1.sql:2, index-create-blocking 1.sql:3, index-create-blocking 1.sql:4, column-drop 1.sql:5"
	small := filepath.Join(dir, "small.json")
	for name, got := range map[string]string{
		"switched off": run(-1, path), "without sizes": run(10e6, ""), "below all": run(100, path),
		"by default, in a database of small tables": run(0, small),
	} {
		if got != all {
			t.Errorf("%s: %s\nwant %s", name, got, all)
		}
	}
	for _, limit := range []config.Bytes{0, 10e6} {
		if got, want := run(limit, path), strings.Replace(all, "index-create-blocking 1.sql:3, ", "", 1); got != want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}

func TestStatsBadInput(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"empty.json": "", "other.json": `{"schema": "onward.report/1"}`, "list.json": "[]", "next.json": `{"schema": "onward.stats/2"}`,
		"negative.json": `{"schema": "onward.stats/1", "relations": [{"name": "public.t", "rows": 1, "heap_bytes": -5}]}`, "1.sql": "SELECT 1",
	})
	for _, name := range []string{"missing.json", "empty.json", "other.json", "list.json", "next.json", "negative.json"} {
		_, err := Check(context.Background(), CheckConfig{Dir: dir, Deployed: Deployed{Stats: filepath.Join(dir, name)}})
		var input *config.InputError
		if !errors.As(err, &input) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v, want an InputError that names it", name, err)
		}
	}
	_, err := Check(context.Background(), CheckConfig{Dir: dir, Deployed: Deployed{Schema: "a", DB: "b"}})
	var input *config.InputError
	if !errors.As(err, &input) {
		t.Errorf("two schemas: %v", err)
	}
}

// TestDB: a server tells the deployed schema, the version and the sizes.
func TestDB(t *testing.T) {
	t.Parallel()
	url := pgservertest.Database(t, 16)
	ctx := t.Context()
	conn := pgservertest.Connect(t, url)
	pgservertest.Exec(t, conn, `CREATE TABLE users (id int PRIMARY KEY, name text CONSTRAINT named CHECK (name IS NOT NULL), note text);
INSERT INTO users SELECT n, repeat('x', 900) FROM generate_series(1, 20000) n; ANALYZE users`)
	dir := t.TempDir()
	gittest.WriteFiles(t, dir, map[string]string{
		"1.sql": "SET lock_timeout = '1s'; ALTER TABLE users ALTER COLUMN name SET NOT NULL;",
		"2.sql": "SET lock_timeout = '1s'; ALTER TABLE users ALTER COLUMN note SET NOT NULL;\nALTER TABLE gone ADD COLUMN x int;",
	})
	r := check(t, CheckConfig{Dir: dir, Paths: []string{"1.sql"}, Deployed: Deployed{DB: url}})
	if got := strings.Join(found(r), " "); strings.Contains(got, "column-set-not-null-scan") {
		t.Errorf("the server's CHECK proves it: %s", got)
	}
	if len(r.Postgres) != 1 || r.Postgres[0] != 16 {
		t.Errorf("judged for %v, not for the server's version", r.Postgres)
	}
	r = check(t, CheckConfig{Dir: dir, Paths: []string{"2.sql"}, Deployed: Deployed{DB: url}, Settings: &config.Config{Postgres: []int{13, 14}}})
	got := strings.Join(found(r), " ")
	if !strings.Contains(got, "column-set-not-null-scan") || !strings.Contains(got, "release-statement-fails") {
		t.Errorf("a scan, and a table that the server does not have: %s", got)
	}
	if e := effects(r)["public.users"]; e.Rows != 20000 || e.Bytes < 10e6 || e.EstimateMS < 50 {
		t.Errorf("the effect on users is %+v, want 20000 rows, 10 MB and 50 ms or more", e)
	}
	if len(r.Postgres) != 2 {
		t.Errorf("configured versions count more than the server's: %v", r.Postgres)
	}
	locks, err := Locks(ctx, LocksConfig{SQL: "ALTER TABLE users ADD CHECK (id > 0)", Deployed: Deployed{DB: url}})
	if err != nil || len(locks) != 1 || len(locks[0].Variants) != 1 || locks[0].Variants[0].Effects[0].Rows != 20000 || locks[0].Effects[0].EstimateMS == 0 {
		t.Errorf("Locks = %+v, %v, want 1 statement with 20000 rows and an estimate", locks, err)
	}
}
