package preflight_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/dbchecks"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

func TestMain(m *testing.M) {
	code := pgservertest.Main(m)
	special.Range(func(_, start any) bool {
		if s, err := start.(func() (*pgserver.Server, error))(); err == nil {
			_ = s.Stop()
		}
		return true
	})
	os.Exit(code)
}

// flight asks a database by itself, with no repository.
func flight(t *testing.T, url string, more ...func(*preflight.Config)) *onward.Preflight {
	t.Helper()
	c := preflight.Config{Config: audit.Config{Deployed: audit.Deployed{DB: url}, Settings: new(config.Config)}, Alone: true}
	for _, f := range more {
		f(&c)
	}
	r, err := preflight.Run(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// found are the findings of a check, a line each: severity, object, fact.
func found(r *onward.Preflight, rule string) []string {
	var out []string
	for _, f := range r.Findings {
		if f.Harm == "" || f.Instead == "" || f.Scope == "" {
			panic("a finding without its parts: " + f.Rule)
		}
		if f.Rule == rule {
			out = append(out, f.Severity.String()+" "+f.Object+": "+f.Fact)
		}
	}
	return out
}

// want holds that a check found one thing, whose line has some words.
func want(t *testing.T, r *onward.Preflight, rule string, words ...string) {
	t.Helper()
	list := found(r, rule)
	if !slices.ContainsFunc(list, func(line string) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(line, w) })
	}) {
		t.Errorf("%s found %q, want words %q", rule, list, words)
	}
}

// wantNone holds that a check found nothing, and saw it.
func wantNone(t *testing.T, r *onward.Preflight, rule string) {
	t.Helper()
	if list := found(r, rule); len(list) > 0 {
		t.Errorf("%s found %q, want nothing", rule, list)
	}
	if list := unseen(r, rule); len(list) > 0 {
		t.Errorf("%s did not see %q", rule, list)
	}
}

func unseen(r *onward.Preflight, rule string) []string {
	var out []string
	for _, o := range r.Opaque {
		if o.Rule == rule {
			out = append(out, o.What+": "+o.Why)
		}
	}
	return out
}

func run(t *testing.T, c *pgx.Conn, sql ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	for _, s := range sql {
		if _, err := c.Exec(ctx, s); err != nil {
			t.Fatalf("run %s: %v", s, err)
		}
	}
}

// TestHealthy holds that a fresh server of each version has no error and no warning but that
// it archives nothing, that all is seen, and that a server does not tell its backups.
func TestHealthy(t *testing.T) {
	t.Parallel()
	pgservertest.EachMajor(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		run(t, pgservertest.Connect(t, url),
			"CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE)", "INSERT INTO users (email) VALUES ('a')")
		r := flight(t, url, asks("SELECT 1e12", ""))
		for _, f := range r.Findings {
			if f.Severity > onward.Info && f.Rule != "archiver-off" {
				t.Errorf("Postgres %d: a healthy server has the finding %s %s: %s", major, f.Severity, f.Rule, f.Fact)
			}
		}
		for _, o := range r.Opaque {
			if o.Rule != "backup-old" {
				t.Errorf("%d: not seen: %+v", major, o)
			}
		}
		if r.Summary.Checks != len(dbchecks.All()) || r.Summary.Errors != 0 {
			t.Errorf("Postgres %d: the summary is %+v, want all %d checks and no error", major, r.Summary, len(dbchecks.All()))
		}
	})
}

// asks sets the queries of onward.yaml.
func asks(disk, backup string) func(*preflight.Config) {
	return func(c *preflight.Config) { c.Settings.Preflight.Disk, c.Settings.Preflight.Backup = disk, backup }
}

// special are servers with settings that other tests' servers lack, one for each major
// version.
var special sync.Map

// specialServer is a server with two-phase commits, slots and an archive that can be stopped.
func specialServer(t *testing.T, major int) *pgserver.Server {
	t.Helper()
	start, _ := special.LoadOrStore(major, sync.OnceValues(func() (*pgserver.Server, error) {
		return pgserver.Start(context.Background(), pgserver.Config{Major: major, Small: true, Unconfined: true, Settings: map[string]string{
			"archive_mode": "on", "archive_command": "/bin/true", "wal_level": "logical", "max_prepared_transactions": "10", "max_connections": "60", "max_locks_per_transaction": "30",
		}})
	}))
	s, err := start.(func() (*pgserver.Server, error))()
	if err != nil {
		pgservertest.SkipOrFail(t, err)
	}
	return s
}

// specialDatabase is a fresh database on a special server.
func specialDatabase(t *testing.T, major int) string {
	t.Helper()
	s := specialServer(t, major)
	name, err := s.NewDatabase(context.Background(), "")
	if err != nil {
		t.Fatal(err)
	}
	return s.URL(name)
}
