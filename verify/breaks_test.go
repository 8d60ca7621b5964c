package verify_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/gitrange/gittest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// repository has a base and a release, a migration each.
func repository(t testing.TB, base string, release ...string) string {
	t.Helper()
	step := func(number int) string { return fmt.Sprintf("migrations/%05d_step.sql", number) }
	files := map[string]string{}
	for i, sql := range release {
		files[step(i+2)] = "-- +goose Up\n" + sql + "\n"
	}
	return gittest.Commits(t, map[string]string{step(1): "-- +goose Up\n" + base + "\n"}, files)
}

func on(dir string, major int) verify.Config {
	return verify.Config{Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}, Majors: []int{major}}}
}

// recording is a workload of queries, with an id and a sender for each.
func recording(list ...workload.Query) []*workload.Workload {
	load := &workload.Workload{Schema: workload.Schema}
	for i, q := range list {
		q.ID, q.Calls = cmp.Or(q.ID, fmt.Sprintf("%016x", i+1)), cmp.Or(q.Calls, 10)
		q.Kind = cmp.Or(q.Kind, workload.Select)
		if q.Senders == nil {
			q.Senders = []workload.Sender{{Application: "shop", Place: "orders#show", Calls: q.Calls}}
		}
		load.Queries = append(load.Queries, q)
	}
	return []*workload.Workload{load}
}

// with are the breakages that a major has.
func with(major int) (list []breakage, queries []workload.Query, base string) {
	base = "DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'verify_app') THEN CREATE ROLE verify_app; END IF; END $$;\n"
	base = "-- +goose StatementBegin\n" + base + "-- +goose StatementEnd\n"
	for _, b := range breakages {
		if b.since > major {
			continue
		}
		b.query.ID = fmt.Sprintf("%016x", len(list)+1)
		list, queries, base = append(list, b), append(queries, b.query), base+b.base+"\n"
	}
	return list, queries, base
}

func sizes(t testing.TB) string {
	t.Helper()
	text, err := json.Marshal(onward.Stats{
		Schema:    onward.StatsSchema,
		Taken:     "2026-03-01T12:00:00Z",
		Postgres:  "17.5",
		Major:     17,
		Relations: []onward.RelationStats{{Name: "public.i_events", Kind: "table", Rows: 5_000_000, HeapBytes: 1 << 30}},
	})
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "stats.json")
	if err := os.WriteFile(name, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

// A release breaks deployed code in every way. Each query is reported at its own migration and statement, with
// its kind, its SQLSTATE and the server's words, and nothing else is. The same release in its safe form breaks
// nothing.
func TestPredicts(t *testing.T) {
	t.Parallel()
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		list, queries, base := with(major)
		var breaks, safe []string
		for _, b := range list {
			breaks, safe = append(breaks, b.breaks), append(safe, b.safe)
		}
		cfg := on(repository(t, base, breaks...), major)
		cfg.Old, cfg.Stats = recording(queries...), sizes(t)
		r, err := verify.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		byID := map[string][]onward.Verdict{}
		for _, v := range r.Verdicts {
			byID[v.ID] = append(byID[v.ID], v)
		}
		for i, b := range list {
			got := byID[b.query.ID]
			if len(got) != 1 {
				t.Errorf("%s: %d verdicts: %+v", b.name, len(got), got)
				continue
			}
			line := 2 + strings.Count(b.breaks[:strings.Index(b.breaks, "-- here\n")], "\n") + 1
			v := got[0]
			if v.Kind != b.kind || v.SQLState != b.state || v.Severity != b.severity || !strings.HasPrefix(v.Message, b.says) {
				t.Errorf("%s: %s %s %s %q\nwant %s %s %s %q", b.name, v.Kind, v.SQLState, v.Severity, v.Message, b.kind, b.state, b.severity, b.says)
			}
			if want := fmt.Sprintf("migrations/%05d_step.sql", i+2); v.After.Path != want || v.After.Line != line || v.Point != i+1 {
				t.Errorf("%s: after %+v, want %s:%d", b.name, v.After, want, line)
			}
			if v.Sender != "shop · orders#show" || v.Calls != 10 || v.Code != onward.OldCode {
				t.Errorf("%s: the verdict is %+v, want 10 calls of the old code by shop · orders#show", b.name, v)
			}
		}
		if n := r.Verification.Old; n.Unfit != 0 || n.Queries != len(list) || n.Broken+n.Warned != len(list) {
			t.Errorf("the counts are %+v, want %d queries that all break or warn; notes: %q", n, len(list), r.Verification.Notes)
		}
		if r.Summary.State != onward.StateNotSafe || verify.FirstBreaking(r) == nil {
			t.Errorf("the summary is %+v, want not safe", r.Summary)
		}

		cfg = on(repository(t, base, safe...), major)
		cfg.Old, cfg.New, cfg.Stats = recording(queries...), recording(queries...), sizes(t)
		if r, err = verify.Run(t.Context(), cfg); err != nil {
			t.Fatal(err)
		}
		for _, v := range r.Verdicts {
			t.Errorf("the safe form: %+v", v)
		}
		if r.Verification.Stopped != nil || len(r.Verification.Points) != len(list)+1 || verify.FirstBreaking(r) != nil || !r.Verification.Works {
			t.Errorf("the verification of the safe form is %+v, want it to work at %d points", r.Verification, len(list)+1)
		}
	})
}

// What verify predicts happens: the deployed code, through its driver, works on the base,
// fails on what breaks it with that SQLSTATE, and works on the safe form.
func TestHappens(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 18} {
		list, _, base := with(major)
		for _, b := range list {
			t.Run(fmt.Sprintf("%d/%s", major, b.name), func(t *testing.T) {
				t.Parallel()
				role, _, _ := strings.Cut(base, "-- +goose StatementEnd")
				for _, migration := range []string{b.breaks, b.safe} {
					url := pgservertest.Database(t, major)
					admin, app := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
					// Tests beside this one make the role, too.
					_, _ = admin.Exec(t.Context(), role, pgx.QueryExecModeSimpleProtocol)
					script(t, admin, b.base)
					if b.kind == onward.VerdictLostIndex {
						script(t, admin, "INSERT INTO i_events SELECT i, i FROM generate_series(1, 20000) i; ANALYZE i_events")
					}
					if err := b.run(t.Context(), app); err != nil {
						t.Fatalf("on the base: %v", err)
					}
					if migration == b.breaks && b.kind == onward.VerdictRequired && !strings.Contains(migration, "CHECK") {
						script(t, admin, "DELETE FROM "+table(b.base)) // NOT NULL without a default needs an empty table
					}
					if strings.Contains(migration, "SET NOT NULL") || strings.Contains(migration, "UNIQUE INDEX f_") {
						script(t, admin, "TRUNCATE "+table(b.base))
					}
					for _, sql := range strings.Split(migration, ";\n") {
						script(t, admin, sql)
					}
					if b.between != "" {
						script(t, admin, b.between)
					}
					if b.kind == onward.VerdictLostIndex {
						script(t, admin, "ANALYZE i_events")
					}
					if b.kind == onward.VerdictUnreadable && migration == b.breaks {
						script(t, admin, "INSERT INTO g_people VALUES (2, 'meh')")
					}
					run := b.run
					if b.name == "new NOT NULL" {
						run = sends("INSERT INTO f_mails (id, subject) VALUES ($1, $2)", 1, nil)
						if migration == b.safe {
							run = b.run
						}
					}
					err := run(t.Context(), app)
					if migration == b.safe {
						if err != nil {
							t.Errorf("on the safe form: %v", err)
						}
						continue
					}
					var pg *pgconn.PgError
					switch {
					case b.state != "" && (!errors.As(err, &pg) || pg.Code != b.state):
						t.Errorf("the server says %v, want %s", err, b.state)
					case b.kind == onward.VerdictUnreadable && !errors.Is(err, errScan), b.kind == onward.VerdictLostIndex && !errors.Is(err, errWhole):
						t.Errorf("got %v", err)
					}
				}
			})
		}
	}
}

// table is the last one that a script makes.
func table(sql string) string {
	_, rest, _ := strings.Cut(sql[strings.LastIndex(sql, "CREATE TABLE"):], "CREATE TABLE ")
	name, _, _ := strings.Cut(rest, " ")
	return name
}

func script(t testing.TB, c *pgx.Conn, sql string) {
	t.Helper()
	if _, err := c.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("run a script: %v: %s", err, sql)
	}
}
