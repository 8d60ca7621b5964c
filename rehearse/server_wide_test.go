package rehearse_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"golang.org/x/tools/txtar"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/rehearse"
)

// What no rehearsal can put back on somebody's server is not run there: other databases, tablespaces, and settings of
// the server or of a role's sessions. A note names it.
func TestServerWideStatements(t *testing.T) {
	t.Parallel()
	const alone = `CREATE DATABASE wide_other;
ALTER DATABASE wide_theirs SET work_mem = '5MB';
DROP DATABASE IF EXISTS wide_theirs;
`
	const settings = `ALTER ROLE CURRENT_USER SET lock_timeout = '5s';
ALTER ROLE wide IN DATABASE wide_theirs SET work_mem = '6MB';
ALTER USER wide SET work_mem = '7MB';
CREATE TABLE after_all (id bigint PRIMARY KEY);
`
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		s := pgservertest.Server(t, major)
		c := sessionOn(t, s)
		roleFor(t, c, "wide LOGIN CREATEDB")
		pgservertest.Exec(t, c, "CREATE DATABASE wide_theirs OWNER wide")
		dir := branch(t, shopBase+"ALTER ROLE wide SET work_mem = '8MB';\n-- "+t.Name()+"\n", []txtar.File{
			{Name: "00002_alone.sql", Data: []byte("-- +goose NO TRANSACTION\n-- +goose Up\n" + alone)},
			{Name: "00003_settings.sql", Data: []byte("-- +goose Up\n" + settings)},
		})
		cfg := on(dir)
		cfg.Server = s.URLAs("wide", "postgres")
		r, err := rehearse.Run(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range r.Findings {
			if strings.HasPrefix(f.Rule, "rehearsal-") {
				t.Errorf("the rehearsal has the finding %s: %s", f.Rule, f.Fact)
			}
		}
		rehearsal := &r.Rehearsals[0]
		left := slices.DeleteFunc(slices.Clone(rehearsal.Notes), func(n string) bool {
			return !strings.Contains(n, "would stay on the server")
		})
		if len(left) != 7 || !slices.ContainsFunc(left, func(n string) bool { return strings.Contains(n, "CREATE DATABASE wide_other") }) {
			t.Errorf("the notes on server-wide objects are %q, want 7, one on CREATE DATABASE wide_other", left)
		}
		if n := len(rehearsal.Statements); n == 0 {
			t.Errorf("the rehearsal ran the statements %+v, want some", rehearsal.Statements)
		}
		rows, err := c.Query(t.Context(), `SELECT datname::text FROM pg_database WHERE datname ~ '^wide_'
			UNION ALL SELECT array_to_string(setconfig, ' ') FROM pg_db_role_setting WHERE setrole = 'wide'::regrole`)
		if err != nil {
			t.Fatal(err)
		}
		stays, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"wide_theirs"}, stays); diff != "" {
			t.Errorf("on the server afterwards (-want +got):\n%s", diff)
		}
		pgservertest.Exec(t, c, "DROP DATABASE wide_theirs")
	})
}
