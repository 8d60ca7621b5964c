package apply_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// pageScript is the script in a page of docs below a heading, with the names of a test's database and roles.
func pageScript(t testing.TB, name, heading string, names *strings.Replacer) string {
	t.Helper()
	page, err := os.ReadFile("../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(page), "\n"+heading+"\n")
	_, script, hasScript := strings.Cut(section, "```sql\n")
	script, _, ended := strings.Cut(script, "```")
	if !found || !hasScript || !ended {
		t.Fatalf("docs/%s has no script below %q", name, heading)
	}
	return names.Replace(script)
}

func runScript(t testing.TB, db, script string) {
	t.Helper()
	conn := pgservertest.Connect(t, db)
	defer conn.Close(context.Background())
	if _, err := conn.Exec(t.Context(), script, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Errorf("run the script: %v\n%s", err, script)
	}
}

// rightsStage is a database whose tables belong to an owner, and a role that has what docs/rights.md grants.
type rightsStage struct {
	db, as string // the address of a superuser, and of that role
	owner  string
	names  *strings.Replacer
}

func newRightsStage(t *testing.T, major int, purpose string) *rightsStage {
	t.Helper()
	s := &rightsStage{db: pgservertest.Database(t, major)}
	u, err := url.Parse(s.db)
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimPrefix(u.Path, "/")
	role := fmt.Sprintf("rights_%s_%d_%d", purpose, major, os.Getpid())
	s.owner = role + "_owner"
	s.as = pgservertest.Server(t, major).URLAs(role, name)
	s.names = strings.NewReplacer("app_owner", s.owner, "onward_apply", role, "DATABASE app", "DATABASE "+name)
	run(t, s.db, "CREATE ROLE "+s.owner, base, rows, "ALTER TABLE customers OWNER TO "+s.owner, "ALTER TABLE orders OWNER TO "+s.owner)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), s.db)
		if err == nil {
			_, err = conn.Exec(context.Background(), "DROP OWNED BY "+s.owner+"; DROP ROLE "+s.owner, pgx.QueryExecModeSimpleProtocol)
			_ = conn.Close(context.Background())
		}
		if err != nil {
			t.Error(err)
		}
	})
	runScript(t, s.db, pageScript(t, "rights.md", "## For apply, backfill, contract and abort", s.names))
	return s
}

// nothingLeft runs the script that removes onward, and looks for what is left.
func (s *rightsStage) nothingLeft(t *testing.T) {
	t.Helper()
	runScript(t, s.db, pageScript(t, "stored.md", "## Remove it", s.names))
	role := s.names.Replace("onward_apply")
	if left := content(t, s.db, "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'onward%' UNION ALL SELECT tgname::text FROM pg_trigger WHERE "+
		"tgname LIKE '%onward%'"+
		" UNION ALL SELECT proname::text FROM pg_proc WHERE proname LIKE '%onward%' UNION ALL SELECT rolname::text FROM pg_roles WHERE rolname = '"+role+"'"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	if owners := content(t, s.db, "SELECT relname || ' ' || pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND "+
		"pg_get_userbyid(relowner) <> '"+s.owner+"'"); len(owners) > 0 {
		t.Errorf("of another owner: %v", owners)
	}
}

// A role that is no superuser carries plans out with the rights that docs/rights.md grants; the script of
// docs/stored.md leaves nothing.
func TestRightsOfThePage(t *testing.T) {
	t.Parallel()
	p := planned(t, base, release)
	for _, major := range pgservertest.Ends() {
		t.Run(fmt.Sprint(major, " contract"), func(t *testing.T) {
			t.Parallel()
			s := newRightsStage(t, major, "contract")
			want := pgservertest.Database(t, major)
			run(t, want, base, rows, release)
			c := apply.Config{DB: s.as, Plan: p, Role: s.owner, Through: onward.Expand}
			if r, err := apply.Run(t.Context(), c); err != nil || r.State != onward.ApplyRunning {
				t.Fatalf("expand: %+v %v", r, err)
			}
			if list, err := apply.Continue(t.Context(), apply.Config{DB: s.as, Through: onward.Backfill}, ""); err != nil || len(list) != 1 {
				t.Fatalf("backfill: %+v %v", list, err)
			}
			if list, err := apply.Continue(t.Context(), apply.Config{
				DB:      s.as,
				Through: onward.Contract,
			}, ""); err != nil || len(list) != 1 || list[0].State != onward.ApplyDone {
				t.Fatalf("contract: %+v %v", list, err)
			}
			if list, err := apply.Status(t.Context(), s.as); err != nil || len(list) != 1 {
				t.Errorf("status: %+v %v", list, err)
			}
			s.nothingLeft(t)
			if diff := cmp.Diff(withoutGrants(schema(t, want)), withoutGrants(schema(t, s.db))); diff != "" {
				t.Errorf("schema (-release +plan):\n%s", diff)
			}
			if diff := cmp.Diff(content(t, want, ordered), content(t, s.db, ordered)); diff != "" {
				t.Errorf("rows (-release +plan):\n%s", diff)
			}
		})
		t.Run(fmt.Sprint(major, " abort"), func(t *testing.T) {
			t.Parallel()
			s := newRightsStage(t, major, "abort")
			before := schema(t, s.db)
			if r, err := apply.Run(t.Context(), apply.Config{DB: s.as, Plan: p, Role: s.owner}); err != nil || r.State != onward.ApplyRunning {
				t.Fatalf("apply: %+v %v", r, err)
			}
			if r, err := apply.Abort(t.Context(), apply.Config{DB: s.as}, ""); err != nil || r.State != onward.ApplyAbandoned {
				t.Fatalf("abort: %+v %v", r, err)
			}
			s.nothingLeft(t)
			if diff := cmp.Diff(withoutGrants(before), withoutGrants(schema(t, s.db))); diff != "" {
				t.Errorf("schema (-before +after):\n%s", diff)
			}
		})
	}
}

// withoutGrants leaves out the statements that differ by the owner alone.
func withoutGrants(list []string) (out []string) {
	for _, sql := range list {
		if !strings.HasPrefix(sql, "CREATE ROLE ") && !strings.HasPrefix(sql, "GRANT ") && !strings.HasPrefix(sql, "REVOKE ") &&
			!strings.Contains(sql, " OWNER TO ") {
			out = append(out, sql)
		}
	}
	return out
}
