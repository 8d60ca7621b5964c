package preflight_test

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/preflight"
)

func TestMain(m *testing.M) { os.Exit(pgservertest.Main(m)) }

// flight asks a database by itself, with no repository.
func flight(t *testing.T, url string, more ...func(*preflight.Config)) *onward.Preflight {
	t.Helper()
	c := preflight.Config{Config: audit.Config{Deployed: audit.Deployed{DB: url}, Settings: config.Default()}, Alone: true}
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

// open connects to a database, to be closed with the test.
func open(t *testing.T, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(context.Background(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func run(t *testing.T, c *pgx.Conn, sql ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for _, s := range sql {
		if _, err := c.Exec(ctx, s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// TestHealthy holds that a fresh server of each version has no error, and few warnings.
func TestHealthy(t *testing.T) {
	t.Parallel()
	for _, major := range pgservertest.Majors() {
		t.Run("", func(t *testing.T) {
			t.Parallel()
			url := pgservertest.Database(t, major)
			run(t, open(t, url), "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE)", "INSERT INTO users (email) VALUES ('a')")
			r := flight(t, url)
			for _, f := range r.Findings {
				if f.Severity == onward.Error || f.Severity == onward.Warning && f.Rule != "archiver-off" {
					t.Errorf("%d: %s %s: %s", major, f.Severity, f.Rule, f.Fact)
				}
			}
			for _, o := range r.Opaque {
				t.Logf("%d: not seen: %+v", major, o)
			}
		})
	}
}
