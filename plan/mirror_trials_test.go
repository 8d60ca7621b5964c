package plan_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// TestMirrors: what a trigger that only the target has sets in an UPDATE which does not name it reaches the copy. A plan whose trigger asks for
// the named columns, and one whose trigger does not look at all, are not proven.
func TestMirrors(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE docs (id serial PRIMARY KEY, body json, place point, page xml, name text NOT NULL, touched timestamp);
CREATE TABLE notes (id bigint PRIMARY KEY, doc int REFERENCES docs);
CREATE VIEW seen AS SELECT id FROM notes;`
	for name, release := range map[string]string{
		"a key, with its foreign key": "ALTER TABLE docs ALTER COLUMN id TYPE bigint; ALTER TABLE notes ALTER COLUMN doc TYPE bigint;",
		"no equality": "ALTER TABLE docs RENAME COLUMN body TO content; ALTER TABLE docs RENAME COLUMN place TO spot; " +
			"ALTER TABLE docs RENAME COLUMN page TO sheet;",
		"a time":             "ALTER TABLE docs ALTER COLUMN touched TYPE timestamptz USING touched AT TIME ZONE 'UTC';",
		"a generated column": "ALTER TABLE notes ADD COLUMN twice bigint GENERATED ALWAYS AS (id * 2) STORED;",
		"another table":      "CREATE TABLE names (id bigint PRIMARY KEY, name text); INSERT INTO names SELECT id, name FROM docs;",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := mirrorCheck(t, schema, release, func(*onward.Plan) {})
			if !check.OK || !strings.HasSuffix(check.Detail, "such UPDATEs") && check.Detail != "1 such UPDATE" {
				t.Errorf("the check of the triggers = %+v", check)
			}
		})
	}
	condition := lazyregexp.New(`BEFORE UPDATE ON docs FOR EACH ROW WHEN .* EXECUTE`)
	for name, trigger := range map[string]string{
		"named columns only": "BEFORE UPDATE OF name, title ON docs FOR EACH ROW EXECUTE",
		"never":              "BEFORE UPDATE ON docs FOR EACH ROW WHEN (false) EXECUTE",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			check := mirrorCheck(t, schema, "ALTER TABLE docs RENAME COLUMN name TO title;", func(p *onward.Plan) {
				for i := range p.Steps {
					p.Steps[i].SQL = condition.ReplaceAllString(p.Steps[i].SQL, trigger)
				}
			})
			if check.OK || check.Detail != "name of docs: the copy has not the new value" {
				t.Errorf("the check of the triggers = %+v, want it to find the stale copy", check)
			}
		})
	}
}

// mirrorCheck is the check of the triggers in the proof of a release.
func mirrorCheck(t *testing.T, schema, release string, spoil func(*onward.Plan)) onward.PlanCheck {
	t.Helper()
	c := plan.Config{Config: rehearse.Config{Config: audit.Config{Dir: repository(t, schema, release), Base: "main", Head: "feature"}, Majors: []int{17}}}
	c.Spoil(spoil)
	c.Quiet()
	p := makePlan(t, c)
	i := slices.IndexFunc(p.Proof.Checks, func(c onward.PlanCheck) bool { return strings.HasPrefix(c.Name, "what a trigger of the table changes") })
	if i < 0 {
		t.Fatalf("no check of triggers:\n%s", told(p))
	}
	return p.Proof.Checks[i]
}

// TestMirrorWrites runs the triggers of a plan, as a dump restores them, beside a trigger that only the target has:
// each of the two codes writes its column, or another one.
func TestMirrorWrites(t *testing.T) {
	t.Parallel()
	const table = "CREATE TABLE t (id int PRIMARY KEY, a text, n int);"
	p := sketchRelease(t, repository(t, table, "ALTER TABLE t RENAME COLUMN a TO b;"))
	var steps strings.Builder
	for _, s := range p.Steps[:p.Contract()] {
		steps.WriteString(s.SQL + "\n")
	}
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		conn := pgservertest.Connect(t, pgservertest.Database(t, major))
		pgservertest.Exec(t, conn, table+"CREATE FUNCTION here() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.a := upper(NEW.a); RETURN NEW; END $$; "+
			"INSERT INTO t VALUES (1, 'x', 0), (2, 'y', 0); CREATE TRIGGER here BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION here();"+steps.String())
		pgservertest.Exec(t, conn, `DO $$ DECLARE printed text; BEGIN
			SET LOCAL search_path = ''; SELECT pg_get_triggerdef(oid) INTO STRICT printed FROM pg_trigger WHERE tgname = 'zzz_onward_t_a';
			DROP TRIGGER zzz_onward_t_a ON public.t; EXECUTE printed; END $$`)
		for _, w := range []struct{ sql, want string }{
			{"UPDATE t SET n = 1", "1 X X 2 Y Y"},
			{"UPDATE t SET a = 'old' WHERE id = 1", "1 OLD OLD 2 Y Y"},
			{"UPDATE t SET b = 'NEW' WHERE id = 2", "1 OLD OLD 2 NEW NEW"},
			{"INSERT INTO t (id, b) VALUES (3, 'added'); UPDATE t SET n = 2 WHERE id = 3", "1 OLD OLD 2 NEW NEW 3 ADDED ADDED"},
			{"UPDATE t SET a = NULL WHERE id < 3", "1 - - 2 - - 3 ADDED ADDED"},
		} {
			pgservertest.Exec(t, conn, w.sql)
			var got string
			const all = "SELECT string_agg(concat_ws(' ', id, coalesce(a, '-'), coalesce(b, '-')), ' ' ORDER BY id) FROM t"
			if err := conn.QueryRow(t.Context(), all).Scan(&got); err != nil || got != w.want {
				t.Errorf("after %s the rows are %q, want %q: %v", w.sql, got, w.want, err)
			}
		}
		if _, err := conn.Exec(t.Context(), "ALTER TABLE t DROP COLUMN b"); err == nil || !strings.Contains(err.Error(), "2BP01") {
			t.Errorf("DROP COLUMN of the copy = %v, want it refused, because the trigger names it", err)
		}
		pgservertest.Exec(t, conn, "ALTER TABLE t DROP COLUMN b CASCADE; INSERT INTO t VALUES (4, 'old', 1); UPDATE t SET a = 'older' WHERE id = 4")
	})
}
