package rehearse_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/fill"
	"github.com/onward-sql/onward/internal/pgserver"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/rules/release"
	"github.com/onward-sql/onward/rehearse"
)

// Before 16, a role that may create others may give itself the right to start
// programs; from then on it may not.
func TestCreatesRoles(t *testing.T) {
	t.Parallel()
	dir := branch(t, shopBase+"-- "+t.Name()+"\n", []txtar.File{step("CREATE ROLE made_by_release;\nCREATE TABLE n (id int PRIMARY KEY);\n" +
		"ALTER TABLE n OWNER TO made_by_release;")})
	for major, refused := range map[int]bool{15: true, 16: false} {
		s := pgservertest.Server(t, major)
		roleFor(t, sessionOn(t, s), "maker LOGIN CREATEDB CREATEROLE")
		cfg := on(dir)
		cfg.Server = s.URLAs("maker", "postgres")
		_, err := rehearse.Run(t.Context(), cfg)
		var input *config.InputError
		if wasRefused := errors.As(err, &input) && strings.Contains(err.Error(), "has the rights of maker"); wasRefused != refused || !refused && err != nil {
			t.Errorf("Postgres %d: Run as a role that may create roles: %v, want a refusal: %t", major, err, refused)
		}
	}
}

// What migrations make of roles on somebody's server goes with their databases;
// what others made stays.
func TestRolesGo(t *testing.T) {
	t.Parallel()
	const base = shopBase + `DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'shop_reader') THEN CREATE ROLE shop_reader; END IF; END $$;
CREATE FUNCTION member(name) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE format('CREATE ROLE %I IN ROLE shop_reader', $1); END $$;
GRANT SELECT ON users TO shop_reader, theirs;
-- `
	const writerRole = `CREATE ROLE shop_writer NOLOGIN;
CREATE INDEX CONCURRENTLY users_email_idx ON users (email);
SELECT member('shop_member');
CREATE TABLE notes (id bigint PRIMARY KEY);
GRANT shop_writer TO CURRENT_USER;
GRANT CREATE ON SCHEMA public TO shop_writer;
ALTER TABLE notes OWNER TO shop_writer;
GRANT shop_writer TO shop_member;
DO $$ BEGIN EXECUTE 'CREATE ROLE dyn' || 'amic'; EXECUTE 'DROP ROLE IF EXISTS never' || 'made'; END $$;
-- +goose Down
DROP TABLE notes;
DROP INDEX users_email_idx;
REVOKE CREATE ON SCHEMA public FROM shop_writer;
DROP ROLE shop_writer, shop_member;
DROP ROLE IF EXISTS dynamic;`
	// In one transaction, in which a question of ours that fails would be the end.
	more := txtar.File{
		Name: "00003_more.sql",
		Data: []byte("-- +goose Up\nDO $$ BEGIN PERFORM 1; END $$;\nSELECT count(*) FROM users;\nCREATE ROLE shop_late;\n-- +goose Down\nDROP ROLE shop_late;\n"),
	}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := pgservertest.Server(t, major)
		c := sessionOn(t, s)
		roleFor(t, c, "go_maker LOGIN CREATEDB CREATEROLE")
		roleFor(t, c, "theirs")
		pgservertest.Exec(t, c, "COMMENT ON ROLE theirs IS 'onward_0123456789ab_1: ours'")
		dir := branch(t, base+t.Name()+"\n", []txtar.File{bare(writerRole), more})
		cfg := on(dir)
		cfg.Server, cfg.Down, cfg.Superuser = s.URLAs("go_maker", "postgres"), true, major < 16
		for range 2 {
			r, err := rehearse.Run(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			// The retry of a migration that committed its first half is the only thing that meets a role.
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "rehearsal-") && f.Rule != release.RehearsalFailsAgain {
					t.Errorf("the rehearsal has the finding %s: %s", f.Rule, f.Fact)
				}
			}
			if notes := strings.Join(r.Rehearsals[0].Notes, "\n"); strings.Contains(notes, "left on the server") {
				t.Errorf("a role was left on the server:\n%s", notes)
			}
		}
		if diff := cmp.Diff([]string{"theirs"}, rolesOf(t, c, "^(shop_|theirs|dynamic)")); diff != "" {
			t.Errorf("roles afterwards: %s", diff)
		}
	})
}

// Three at once wait for one another, as a role is there for all of them.
func TestRolesInTurn(t *testing.T) {
	t.Parallel()
	s := pgservertest.Server(t, 18)
	c := sessionOn(t, s)
	roleFor(t, c, "turn_maker LOGIN CREATEDB CREATEROLE")
	dir := branch(t, shopBase+"CREATE ROLE turn_reader;\n-- "+t.Name()+"\n",
		[]txtar.File{step("CREATE ROLE turn_writer IN ROLE turn_reader;\nGRANT SELECT ON users TO turn_writer;")})
	cfg := on(dir)
	cfg.Server = s.URLAs("turn_maker", "postgres")
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			r, err := rehearse.Run(t.Context(), cfg)
			if err != nil {
				t.Error(err)
				return
			}
			for _, f := range r.Findings {
				if strings.HasPrefix(f.Rule, "rehearsal-") {
					t.Errorf("the rehearsal has the finding %s: %s", f.Rule, f.Fact)
				}
			}
		})
	}
	group.Wait()
	if diff := cmp.Diff([]string{"turn_maker"}, rolesOf(t, c, "^turn_")); diff != "" {
		t.Errorf("roles afterwards: %s", diff)
	}
}

// A role whose name no migration has is another's; one that is used elsewhere
// cannot go.
func TestRolesStay(t *testing.T) {
	t.Parallel()
	s := pgservertest.Server(t, 18)
	c := sessionOn(t, s)
	dir := branch(t, shopBase+"-- "+t.Name()+"\n", []txtar.File{step("DO $$ BEGIN EXECUTE 'CREATE ROLE name' || 'less'; END $$;\nCREATE ROLE used_elsewhere;\n" +
		"GRANT CONNECT ON DATABASE postgres TO used_elsewhere;")})
	cfg := on(dir)
	cfg.Server, cfg.Superuser = s.URL("postgres"), true
	r, err := rehearse.Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	notes := strings.Join(r.Rehearsals[0].Notes, "\n")
	for _, want := range []string{
		"the role nameless appeared on the server meanwhile, and no migration names it: it stays",
		`left on the server: drop what was made: the role used_elsewhere stays: ERROR: role "used_elsewhere" cannot be dropped because some objects depend on it (SQLSTATE 2BP01)`,
	} {
		if !strings.Contains(notes, want) {
			t.Errorf("no note %q in\n%s", want, notes)
		}
	}
	if diff := cmp.Diff([]string{"nameless", "used_elsewhere"}, rolesOf(t, c, "^(nameless|used_)")); diff != "" {
		t.Errorf("roles afterwards: %s", diff)
	}
	if _, err := c.Exec(t.Context(), "DROP OWNED BY used_elsewhere; DROP ROLE nameless, used_elsewhere"); err != nil {
		t.Error(err)
	}
}

// roleFor makes a role, on a server that other tests use, for one test.
func roleFor(t *testing.T, c *pgx.Conn, role string) {
	t.Helper()
	pgservertest.Exec(t, c, "CREATE ROLE "+role)
	name, _, _ := strings.Cut(role, " ")
	t.Cleanup(func() {
		if _, err := c.Exec(context.WithoutCancel(t.Context()), "DROP ROLE "+name); err != nil {
			t.Error(err)
		}
	})
}

// sessionOn is a superuser's session until the end of the test.
func sessionOn(t *testing.T, s *pgserver.Server) *pgx.Conn {
	t.Helper()
	c, err := s.Connect(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.WithoutCancel(t.Context())) })
	return c
}

func rolesOf(t *testing.T, c *pgx.Conn, like string) []string {
	t.Helper()
	list := pgservertest.ReadTexts(t, c, "SELECT rolname::text FROM pg_roles WHERE rolname ~ $1", like)
	slices.Sort(list)
	return list
}

// On somebody's server rows meet what the release demands, too; where migrations make
// roles, which belong to the whole server, that is not looked for. Nothing is left.
func TestDemandsElsewhere(t *testing.T) {
	t.Parallel()
	s := pgservertest.Server(t, 18)
	c := sessionOn(t, s)
	roleFor(t, c, "elsewhere_maker LOGIN CREATEDB CREATEROLE")
	for sql, met := range map[string]bool{
		"ALTER TABLE users ADD CHECK (email LIKE 'x%');":                              true,
		"CREATE ROLE elsewhere_made;\nALTER TABLE users ADD CHECK (email LIKE 'x%');": false,
	} {
		cfg := on(branch(t, shopBase+"-- "+t.Name()+"\n", []txtar.File{step(sql)}))
		cfg.Server, cfg.Rows = s.URLAs("elsewhere_maker", "postgres"), fill.Plan{Touched: 200, Seed: 1}
		r, h := rehearsed(t, cfg)
		failed := 0
		for _, st := range h.Statements {
			if st.Failed != nil {
				failed++
			}
		}
		if n := len(named(r, release.RehearsalFailsWithRows)); n != 1 || met != (failed == 0) {
			t.Errorf("%s: %d findings, %d statements failed, notes %q", sql, n, failed, h.Notes)
		}
	}
	var left int
	if err := c.QueryRow(t.Context(), "SELECT count(*) FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE r.rolname = 'elsewhere_maker'").Scan(&left); err != nil || left > 0 {
		t.Errorf("%d databases left: %v", left, err)
	}
}
