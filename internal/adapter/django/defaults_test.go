package django

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// A default that asks the database is a value that nobody knows here, and
// nothing more: the statement is rendered with another one of its type, which
// a server takes.
func TestDefaults(t *testing.T) {
	t.Parallel()
	for _, env := range []string{"django-4.2-psycopg2", "django-5.2-psycopg", "django-5.2-none"} {
		t.Run(env, func(t *testing.T) {
			t.Parallel()
			m := render(t, Config{Dir: project(t, "rough"), Python: venv(t, env)}).find(t, "lookup.0001_initial")
			types := 0
			for _, op := range m.Operations {
				want := []Default(nil)
				switch op.Field {
				case "domain", "size":
					want = []Default{{op.Field, "first"}}
				case "count":
					want = []Default{{"count", "first"}}
				case "caught":
					want = []Default{{"caught", "or_none"}}
				case "token", "drawn", "handle", "dashed": // by chance: the same each time
					if digits := strings.Trim(strings.SplitN(op.SQL[0], "DEFAULT ", 2)[1], "-'0:uid NOTLU"); digits != "" {
						t.Errorf("%s: the default of %q is random, want zeros", op.Field, op.SQL[0])
					}
				case "shape":
					if !strings.HasPrefix(op.Opaque, "asks the database: SELECT id FROM lookup_domain") || op.Failed || len(op.SQL) > 0 {
						t.Errorf("a type that nobody knows: %+v", op)
					}
					continue
				default:
					if strings.HasPrefix(op.Field, "t") {
						want, types = []Default{{op.Field, "first"}}, types+1
					}
				}
				if op.Opaque != "" || len(op.SQL) == 0 {
					t.Errorf("%s %s: opaque %q, SQL %q", op.Class, op.Field, op.Opaque, op.SQL)
				}
				if diff := cmp.Diff(want, op.Defaults); diff != "" && len(want)+len(op.Defaults) > 0 {
					t.Errorf("defaults of %s %s (-want +got):\n%s", op.Class, op.Field, diff)
				}
			}
			if types < 40 {
				t.Errorf("only %d types", types)
			}
			execute(t, m)
		})
	}
}

// execute runs migrations on a server.
func execute(t *testing.T, list ...*Migration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), pgservertest.Database(t, 17))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, m := range list {
		for _, s := range m.Statements {
			if _, err := conn.Exec(t.Context(), s.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Errorf("execute %q: %v", s.SQL, err)
			}
		}
	}
}

// The report names them, and hides nothing for them.
func TestDefaultsAreOpaque(t *testing.T) {
	t.Parallel()
	dir := project(t, "rough")
	_, byID := load(t, &Adapter{Home: dir, Python: venv(t, "django-5.2-none"), CacheDir: "-"}, adaptertest.Disk(t, dir))
	var got []string
	for _, o := range byID["lookup.0001_initial"].Opaque[:5] {
		if o.Line == 0 || o.Failed {
			t.Errorf("opaque place %+v, want one with a line that has not failed", o)
		}
		got = append(got, o.What)
	}
	want := []string{"default first of domain", "default first of count", "default or_none of caught", "default first of size", "AddField"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
