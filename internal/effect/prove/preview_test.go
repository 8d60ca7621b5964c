package prove

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/internal/catalog"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// unreadBodies have a form that no version has, as a form of a newer version looks to this release.
var unreadBodies = []string{
	"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'SELECT 1; FROBNICATE orders'",
	"CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'UPDATE orders SET n = = 1'",
	"CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN FROBNICATE orders; END'",
	"CREATE FUNCTION f(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN IF a > 1 THEN RETURN a; END IF; UPDATE orders SET n = = a; END'",
}

// Up to the version whose grammar the parser has, a body that it refuses is refused by the server with the same words. Beyond it nobody can tell: the
// body is not judged.
func TestUnreadBodies(t *testing.T) {
	t.Parallel()
	schema := read(t, "preview.sql")
	base := fold(t, catalog.New(), schema)
	base.Complete = true
	_, conn := pgservertest.ConnectNew(t, pgparse.GrammarMajor, schema)
	for _, sql := range unreadBodies {
		node := pgparse.ParseStatement(sql)
		_, problems := base.Judge(node, sql, false)
		comparePreview(t, conn, sql, effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor), effect.Inputs{Problems: problems}))
		unknown := effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor+1), effect.Inputs{Problems: problems})
		if unknown.Refused != nil || !strings.HasPrefix(unknown.Unmodelled, "the body has a form that this release does not know: syntax error at or near") {
			t.Errorf("%s: refused: %v, unmodelled: %q", sql, unknown.Refused, unknown.Unmodelled)
		}
		pgservertest.Exec(t, conn, "SET check_function_bodies = off")
		comparePreview(t, conn, sql, effect.EffectOf(node, base, effect.NewVersion(pgparse.GrammarMajor), effect.Inputs{Problems: problems, UncheckedBodies: true}))
		pgservertest.Exec(t, conn, "RESET check_function_bodies")
	}
}

// The model and a server of 19 agree on publications that name what they leave out.
func TestPreviewPublications(t *testing.T) {
	t.Parallel()
	_, conn := pgservertest.ConnectNew(t, onward.PreviewMajor, read(t, "publications.sql"))
	compareForms(t, conn, onward.PreviewMajor, "publications")
}

// The model and servers of 18 and 19 agree on new forms: on the refusal, whether a transaction block is refused, and the strongest
// lock on each table that is read or rewritten.
func TestPreviewForms(t *testing.T) {
	t.Parallel()
	eachNewest(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major, read(t, "preview.sql"))
		compareForms(t, conn, major, "preview")
	})
}

// compareForms compares what the model and a server say of each form of a group, in its schema, which the server has.
func compareForms(t *testing.T, conn *pgx.Conn, major int, name string) {
	t.Helper()
	groups, err := ListGroups()
	if err != nil {
		t.Fatal(err)
	}
	group := groups[slices.IndexFunc(groups, func(g Group) bool { return g.Name == name })]
	base := fold(t, catalog.New(), group.Schema)
	base.Complete = true
	for _, form := range group.Forms {
		sql := form.SQL
		f, err := pgparse.SplitText(sql)
		if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Node == nil {
			t.Errorf("%s: not read", sql)
			continue
		}
		_, problems := base.Judge(f.Stmts[0].Node, sql, true)
		r := effect.EffectOf(f.Stmts[0].Node, base, effect.NewVersion(major), effect.Inputs{Problems: problems})
		comparePreview(t, conn, sql, r)
	}
}

// comparePreview runs a form in a transaction that is rolled back. One that the server refuses there is only compared with what the
// model says of transactions.
func comparePreview(t *testing.T, conn *pgx.Conn, sql string, r effect.Result) {
	t.Helper()
	ctx := t.Context()
	pgservertest.Exec(t, conn, "BEGIN")
	_, err := conn.PgConn().Exec(ctx, sql).ReadAll()
	var pg *pgconn.PgError
	_ = errors.As(err, &pg)
	if pg != nil && pg.Code == "25001" {
		if r.NoTransaction == "" {
			t.Errorf("%s: the server says %q, and the model allows a transaction", sql, pg.Message)
		}
		pgservertest.Exec(t, conn, "ROLLBACK")
		return
	}
	want := ""
	if pg != nil {
		want = pg.Code + " " + pg.Message
	}
	got := ""
	if r.Refused != nil {
		got = r.Refused.SQLSTATE + " " + r.Refused.Message()
	}
	if got != want {
		t.Errorf("%s: the model says %q, the server %q", sql, got, want)
	}
	if pg == nil && r.NoTransaction != "" {
		t.Errorf("%s: the model says that it runs in no transaction (%s), and it did", sql, r.NoTransaction)
	}
	if pg == nil && want == got {
		locks := map[string]onward.Lock{}
		rows, err := conn.Query(ctx, `SELECT c.relname::text, l.mode FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
WHERE l.pid = pg_backend_pid() AND c.relkind IN ('r', 'p', 'm') AND c.relnamespace = 'public'::regnamespace`)
		if err != nil {
			t.Fatal(err)
		}
		var name, mode string
		if _, err := pgx.ForEachRow(rows, []any{&name, &mode}, func() error {
			var lock onward.Lock
			err := lock.UnmarshalText([]byte(mode))
			locks[name] = max(locks[name], lock)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := range r.Effects {
			if e := &r.Effects[i]; slices.Contains([]catalog.Kind{catalog.Table, catalog.PartitionedTable, catalog.MaterializedView}, e.Kind) {
				if locks[e.Name.Name] != e.Lock {
					t.Errorf("%s: the model locks %s with %v, the server with %v", sql, e.Name.Name, e.Lock, locks[e.Name.Name])
				}
				delete(locks, e.Name.Name)
			}
		}
		if len(locks) > 0 {
			t.Errorf("%s: the server also locks %v", sql, locks)
		}
	}
	pgservertest.Exec(t, conn, "ROLLBACK")
}
