package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/internal/workload"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
	"github.com/onward-sql/onward/verify"
)

// asked is a recording of queries on public.t.
func asked(list ...workload.Query) *workload.Workload {
	w := &workload.Workload{Schema: workload.Schema, Sources: []string{"record"}, Queries: list}
	for i := range w.Queries {
		q := &w.Queries[i]
		q.ID, q.Calls = "0123456789abcde"+string(rune('0'+i)), 7
		if q.Resolved == "" {
			q.Resolved = "server"
		}
	}
	return w
}

// query is one on public.t.
func query(kind workload.Kind, sql string, writes ...string) workload.Query {
	return workload.Query{Kind: kind, SQL: sql, Uses: []workload.Use{{Relation: "public.t", Reads: []string{"id"}, Writes: writes}}}
}

// A direction of a sync is left out only where a recording is known to have all, and has no write.
func TestUsesDecide(t *testing.T) {
	t.Parallel()
	reads := query(workload.Select, "SELECT id FROM t")
	text := query(workload.Select, "SELECT id FROM t")
	text.Resolved = "text"
	noted, logged := asked(reads), asked(reads)
	noted.Notes, logged.Sources = []string{"of 3 queries the server was not asked what they use"}, []string{"csvlog"}
	const table = "CREATE TABLE o (id bigint PRIMARY KEY); CREATE TABLE t (id bigint PRIMARY KEY, a text DEFAULT 'd', o bigint); "
	const function = "\n-- +goose StatementBegin\nCREATE FUNCTION f() RETURNS %s LANGUAGE plpgsql AS $$ BEGIN %s END $$;\n-- +goose StatementEnd\n"
	body := func(returns, text string) string {
		return strings.Replace(strings.Replace(function, "%s", returns, 1), "%s", text, 1)
	}
	const forth, back, both = "NEW.b := NEW.a", "NEW.a := NEW.b", "both"
	for name, c := range map[string]struct {
		old, fresh    *workload.Workload
		base, release string
		want          string // what an UPDATE sets
	}{
		"new code reads": {
			nil,
			asked(reads, query(workload.Update, "UPDATE t SET o = $1 WHERE id = $2", "o"), query(workload.Delete, "DELETE FROM t WHERE id = $1")),
			"", "", forth,
		},
		"deployed code reads": {asked(reads), asked(reads, query(workload.Update, "UPDATE t SET b = $1 WHERE id = $2", "b")), "", "", both},
		"both read":           {asked(reads), asked(reads), "", "", forth},
		"both write": {
			asked(query(workload.Insert, "INSERT INTO t (id, a) VALUES ($1, $2)", "a", "id")),
			asked(query(workload.Update, "UPDATE t SET b = $1", "b")), "", "", both,
		},
		"nothing is known": {nil, nil, "", "", both},
		"not of the table": {
			nil,
			asked(workload.Query{Kind: workload.Select, SQL: "SELECT id FROM o", Uses: []workload.Use{{Relation: "public.o"}}}),
			"", "", both,
		},
		"not all was recorded": {nil, noted, "", "", both},
		"a log":                {nil, logged, "", "", both},
		"not told by a server": {nil, asked(text), "", "", both},
		"columns not known":    {nil, asked(reads, query(workload.Insert, "INSERT INTO t DEFAULT VALUES")), "", "", both},
		"a call":               {nil, asked(reads, workload.Query{Kind: workload.Call, SQL: "CALL p()"}), "", "", both},
		"a trigger": {
			nil, asked(reads),
			body("trigger", "RETURN NEW;") + "CREATE TRIGGER x BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION f();", "",
			both,
		},
		"a function":               {nil, asked(reads), body("void", "UPDATE t SET o = 1;"), "", both},
		"a function that composes": {nil, asked(reads), body("void", "EXECUTE 'UPDATE ' || 't';"), "", both},
		"another function":         {nil, asked(reads), body("void", "DELETE FROM o;"), "", forth},
		"a foreign key":            {nil, asked(reads), "", "ALTER TABLE t RENAME COLUMN o TO b;", both},
		"a new type, too":          {nil, asked(reads), "", "ALTER TABLE t RENAME COLUMN a TO b; ALTER TABLE t ALTER COLUMN b TYPE varchar(2000);", both},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			base, release := table+c.base, c.release
			if release == "" {
				release = "ALTER TABLE t RENAME COLUMN a TO b;"
			}
			if name == "a foreign key" {
				base += "ALTER TABLE t ADD FOREIGN KEY (o) REFERENCES o ON DELETE SET NULL;"
			}
			conf := plan.Config{Sketch: true, Config: rehearse.Config{Config: audit.Config{Dir: repository(t, base, release), Base: "main", Head: "feature"}}}
			if c.old != nil {
				conf.Old = []*verify.Workload{c.old}
			}
			if c.fresh != nil {
				conf.New = []*verify.Workload{c.fresh}
			}
			p := makePlan(t, conf)
			sql := told(p)
			_, update, _ := strings.Cut(sql, "END IF;\n  ELSIF")
			update, _, _ = strings.Cut(update, "END\n$onward$")
			f, b := strings.Contains(update, forth), strings.Contains(update, back)
			if name == "a foreign key" {
				f, b = strings.Contains(update, "NEW.b := NEW.o"), strings.Contains(update, "NEW.o := NEW.b")
			}
			if name == "a new type, too" {
				f = strings.Contains(update, "NEW.b := ")
			}
			if f != (c.want != back) || b != (c.want != forth) {
				t.Errorf("an update copies a to b: %t, b to a: %t, want %q (empty: both):\n%s", f, b, c.want, sql)
			}
			if hasEvidence := strings.Contains(sql, "recorded calls"); hasEvidence != (c.want != both) {
				t.Errorf("the evidence is not said, or is none: %s", sql)
			}
		})
	}
}

// The same goes for a column that is split: of all its parts it must be known.
func TestUsesDecideSplit(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE t (id bigint PRIMARY KEY, a text NOT NULL); COMMENT ON COLUMN t.a IS 'onward: " +
		"deprecated, split into b = left(a, 1), c = substr(a, 2), joined as b || c';"
	reads := query(workload.Select, "SELECT id FROM t")
	writes := query(workload.Update, "UPDATE t SET c = $1", "c")
	for _, c := range []struct {
		name       string
		old, fresh *workload.Workload
		sql, want  string // what is sent, and what the row is then
	}{
		{"forward", asked(reads), asked(reads), "UPDATE t SET a = 'xyz'; UPDATE t SET b = 'B'", "xyz B yz"},
		{"not backward", asked(reads), asked(reads, writes), "UPDATE t SET c = 'CC'; UPDATE t SET a = 'xyz'", "xyz x yz"},
		{"both", nil, asked(reads, writes), "UPDATE t SET a = 'xyz'; UPDATE t SET c = 'CC'", "xCC x CC"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sketchFor(t, repository(t, base, "ALTER TABLE t ADD COLUMN b text, ADD COLUMN c text; ALTER TABLE t DROP COLUMN a;"), c.old, c.fresh)
			conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
			sql := base + "INSERT INTO t VALUES (1, 'abc');"
			for _, s := range p.Steps[:p.Contract()] {
				sql += s.SQL
			}
			pgservertest.Exec(t, conn, sql+c.sql)
			var got string
			if err := conn.QueryRow(t.Context(), "SELECT concat_ws(' ', a, b, c) FROM t").Scan(&got); err != nil || got != c.want ||
				strings.Contains(told(p), "recorded calls") != (c.name == "forward") {
				t.Errorf("%q, want %q: %v\n%s", got, c.want, err, told(p))
			}
		})
	}
}

// sketchFor plans a release without a proof, with recordings of the old code, unless it is nil, and of the new code.
func sketchFor(t *testing.T, dir string, old, fresh *verify.Workload) *onward.Plan {
	t.Helper()
	c := plan.Config{Sketch: true, New: []*verify.Workload{fresh}, Config: rehearse.Config{Config: audit.Config{Dir: dir, Base: "main", Head: "feature"}}}
	if old != nil {
		c.Old = []*verify.Workload{old}
	}
	return makePlan(t, c)
}

// What is written against the evidence stays, and the last step's check finds it.
func TestUsesDecideWrong(t *testing.T) {
	t.Parallel()
	const base = "CREATE TABLE t (id bigint PRIMARY KEY, a text DEFAULT 'd');"
	reads := asked(query(workload.Select, "SELECT id FROM t"))
	for _, c := range []struct {
		name       string
		old, fresh *workload.Workload
		right      string // is followed
		wrong      string // is found
	}{
		{"forward", nil, reads, "a", "b"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := sketchFor(t, repository(t, base, "ALTER TABLE t RENAME COLUMN a TO b;"), c.old, c.fresh)
			conn := pgservertest.Connect(t, pgservertest.Database(t, 17))
			run := func(sql string) {
				t.Helper()
				if _, err := conn.Exec(t.Context(), sql); err != nil {
					t.Fatalf("run %s: %v", sql, err)
				}
			}
			unlike := func(want int64) {
				t.Helper()
				last := p.Steps[len(p.Steps)-2]
				if tag, err := conn.Exec(t.Context(), last.Check); err != nil || tag.RowsAffected() != want {
					t.Errorf("%s finds %d rows, want %d: %v", last.Check, tag.RowsAffected(), want, err)
				}
			}
			run(base + "INSERT INTO t SELECT i, i::text FROM generate_series(1, 50) i")
			for _, s := range p.Steps[:p.Contract()] {
				if s.Phase == onward.Backfill {
					run("UPDATE t SET " + c.right + " = 'early' WHERE id = 1; INSERT INTO t (id) VALUES (100), (101)")
				}
				run(s.SQL)
			}
			run("UPDATE t SET " + c.right + " = 'x' WHERE id < 10; UPDATE t SET " + c.right +
				" = NULL WHERE id = 11; INSERT INTO t (id) VALUES (51); INSERT INTO t (id, a) VALUES (52, 'a'), (53, NULL); INSERT INTO t (id, b) VALUES (54, 'b')")
			unlike(0)
			run("UPDATE t SET " + c.wrong + " = 'y' WHERE id = 30")
			unlike(1)
		})
	}
}
