//go:build unix

package pgserver

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestExternal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	externalServer := server(t, Config{})
	parsed, err := url.Parse(externalServer.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	keywords := "user=postgres dbname=postgres sslmode=disable port=" + parsed.Query().Get("port") + " host=" + parsed.Query().Get("host")
	for name, base := range map[string]string{"URL": externalServer.URL("postgres"), "keywords": keywords} {
		t.Run(name, func(t *testing.T) {
			s, err := Start(ctx, Config{URL: base, Settings: map[string]string{"work_mem": "7MB", "app.quoted": `it's \ fine`}})
			if err != nil {
				t.Fatal(err)
			}
			if s.Major() != externalServer.Major() || s.Version() != externalServer.Version() {
				t.Errorf("version %q, want %q", s.Version(), externalServer.Version())
			}
			first, err := s.NewDatabase(ctx, "")
			if err != nil {
				t.Fatal(err)
			}
			second, err := s.NewDatabase(ctx, first)
			if err != nil {
				t.Fatal(err)
			}
			got := ask(t, s.URL(second), `SELECT concat_ws('|', current_database(), current_setting('work_mem'), current_setting('app.quoted'))`)
			if want := second + `|7MB|it's \ fine`; got != want {
				t.Errorf("got %q, want %q", got, want)
			}
			if s.Log() != "" || s.Err() != nil {
				t.Errorf("Log %q, Err %v", s.Log(), s.Err())
			}
			// Another user of the same server leaves the databases of one that lives alone.
			other, err := Start(ctx, Config{URL: base})
			if err != nil {
				t.Fatal(err)
			}
			if err := other.Stop(); err != nil {
				t.Error(err)
			}
			if got := ours(t, externalServer); got != "2" {
				t.Errorf("%s databases while in use, want 2", got)
			}
			// A connection that somebody forgot does not keep a database.
			conn := connect(t, s.URL(first))
			defer conn.Close(ctx)
			if err := s.Stop(); err != nil {
				t.Error(err)
			}
			if got := ours(t, externalServer); got != "0" {
				t.Errorf("%s databases after Stop", got)
			}
		})
	}
}

// ours counts the databases on a server that were made through Config.URL.
func ours(t *testing.T, s *Server) string {
	t.Helper()
	return ask(t, s.URL("postgres"), `SELECT count(*)::text FROM pg_database WHERE datname ~ '^onward_[0-9a-f]{12}_'`)
}

// What a killed process left on somebody's server is dropped by the next one.
func TestExternalLeftovers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	externalServer := server(t, Config{})
	killed, err := Start(ctx, Config{URL: externalServer.URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	db, err := killed.NewDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	// Its roles, one of them used by somebody since; and one whose comment only looks like theirs.
	c, err := externalServer.Connect(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	for _, sql := range []string{
		"CREATE ROLE left_a", "CREATE ROLE left_b IN ROLE left_a", "CREATE ROLE left_used",
		"GRANT CONNECT ON DATABASE postgres TO left_used", "CREATE ROLE left_other",
		"COMMENT ON ROLE left_other IS 'onward_0123456789ab_1'",
	} {
		if _, err := c.Exec(ctx, sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, role := range []string{"left_a", "left_b", "left_used"} {
		if err := killed.Claim(ctx, c, db, role); err != nil {
			t.Fatal(err)
		}
	}
	kill(t, killed)
	noticed(t, externalServer, killed)
	next, err := Start(ctx, Config{URL: externalServer.URL("postgres")})
	if err != nil {
		t.Fatal(err)
	}
	if got := ours(t, externalServer); got != "0" {
		t.Errorf("%s databases left", got)
	}
	if got := ask(t, externalServer.URL("postgres"), `SELECT string_agg(rolname, ' ' ORDER BY rolname) FROM pg_roles WHERE rolname ~ '^left_'`); got != "left_other left_used" {
		t.Errorf("roles left: %s", got)
	}
	if err := next.Stop(); err != nil {
		t.Error(err)
	}
}

// kill leaves of a use of a server what a killed process leaves.
func kill(t *testing.T, s *Server) {
	t.Helper()
	if err := s.external.keepAlive.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// noticed waits until a server has noticed that a process is dead.
func noticed(t *testing.T, externalServer, dead *Server) {
	t.Helper()
	for range 500 {
		if ask(t, externalServer.URL("postgres"), `SELECT count(*)::text FROM pg_stat_activity WHERE application_name = '`+dead.external.idPrefix()+`'`) == "0" {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

func TestExternalRefused(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	externalServer := server(t, Config{})
	if s, err := Start(ctx, Config{URL: externalServer.URL("postgres"), Major: externalServer.Major() - 1}); err == nil {
		t.Error("started with the wrong major", s.Stop())
	} else if !strings.Contains(err.Error(), "the server is Postgres "+externalServer.Version()) {
		t.Errorf("wrong major: %v", err)
	}
	if err := externalServer.execStatements(ctx, "CREATE ROLE weak LOGIN"); err != nil {
		t.Fatal(err)
	}
	weak := strings.Replace(externalServer.URL("postgres"), "//postgres@", "//weak@", 1)
	if s, err := Start(ctx, Config{URL: weak}); err == nil {
		t.Error("started without CREATEDB", s.Stop())
	} else if !strings.Contains(err.Error(), "may not create databases") {
		t.Errorf("no CREATEDB: %v", err)
	}
}

func TestExternalURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"postgres://u:p@h:1/x?sslmode=require&dbname=y": "postgres://u:p@h:1/a%20b?sslmode=require",
		"postgresql://h":    "postgresql://h/a%20b",
		"host=h dbname='x'": "host=h dbname='x' dbname='a b'",
	} {
		e := external{base: base}
		got := e.databaseURL("a b")
		if got != want {
			t.Errorf("%s: %s, want %s", base, got, want)
		}
		cfg, err := pgx.ParseConfig(got)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Database != "a b" {
			t.Errorf("%s: database %q", got, cfg.Database)
		}
	}
}

// Whoever is killed while he makes roles leaves none in the way of the next one, wherever that one is just then, and
// whether the role was claimed yet or not.
func TestExternalRoleMakers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	externalServer := server(t, Config{})
	start := func() *Server {
		s, err := Start(ctx, Config{URL: externalServer.URL("postgres")})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	killed := start()
	if err := killed.RoleMaker(ctx, []string{"made_a", "made_b", "made_never"}, func() { t.Error("waits for nobody") }); err != nil {
		t.Fatal(err)
	}
	db, err := killed.NewDatabase(ctx, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := externalServer.execStatements(ctx, "CREATE ROLE made_a", "CREATE ROLE made_b", "CREATE ROLE made_by_others"); err != nil {
		t.Fatal(err)
	}
	c, err := externalServer.Connect(ctx, "", "")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(ctx)
	if err := killed.Claim(ctx, c, db, "made_a"); err != nil { // and made_b not yet
		t.Fatal(err)
	}
	next := start() // the other one lives
	if got := ours(t, externalServer); got != "1" {
		t.Errorf("%s databases while the other one lives", got)
	}
	kill(t, killed)
	if err := next.RoleMaker(ctx, []string{"made_a", "made_by_others"}, func() {}); err != nil {
		t.Fatal(err)
	}
	const made = `SELECT coalesce(string_agg(rolname, ' ' ORDER BY rolname), '') FROM pg_roles WHERE rolname ~ '^made_'`
	if got := ask(t, externalServer.URL("postgres"), made); got != "made_by_others" {
		t.Errorf("roles: %s", got)
	}
	if _, err := next.NewDatabase(ctx, ""); err != nil {
		t.Fatal(err)
	}
	kill(t, next)
	noticed(t, externalServer, next)
	last := start()
	// Roles that existed before belong to others.
	if got := ask(t, externalServer.URL("postgres"), made); got != "made_by_others" {
		t.Errorf("roles: %s", got)
	}
	if got := ours(t, externalServer); got != "0" {
		t.Errorf("%s databases left", got)
	}
	if err := last.Stop(); err != nil {
		t.Error(err)
	}
}
