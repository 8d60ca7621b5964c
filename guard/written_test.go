package guard_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// writers are what a query may set off, for each of the cases below.
var writers = []string{
	"CREATE FUNCTION note() RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO done VALUES ('x'); RETURN 1; END$$",
	"CREATE VIEW noting AS SELECT note() AS n",
	"CREATE VIEW wide AS SELECT step FROM done",
	"CREATE FUNCTION divert() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO done VALUES (NEW.step); RETURN NULL; END$$",
	"CREATE TABLE parts (step text)",
	"CREATE TRIGGER divert BEFORE INSERT ON parts FOR EACH ROW EXECUTE FUNCTION divert()",
	"CREATE TRIGGER divert INSTEAD OF INSERT ON wide FOR EACH ROW EXECUTE FUNCTION divert()",
	"CREATE TABLE ruled (step text)",
	"CREATE RULE other AS ON DELETE TO ruled DO INSTEAD INSERT INTO done VALUES ('x')",
	"CREATE PROCEDURE noting() LANGUAGE plpgsql AS $$BEGIN PERFORM note(); COMMIT; END$$",
	"CREATE FUNCTION pure() RETURNS int LANGUAGE plpgsql VOLATILE AS $$BEGIN RETURN (SELECT count(*) FROM t); END$$",
}

// The server says if a query wrote, whatever its text and its tag are. A command that wrote is not run again.
func TestWrittenByQuery(t *testing.T) {
	t.Parallel()
	wrote := map[string][]string{
		"explain":            {"EXPLAIN ANALYZE INSERT INTO done VALUES ('x')"},
		"explain a call":     {"EXPLAIN (ANALYZE, TIMING off) SELECT note()"},
		"trigger":            {"INSERT INTO parts VALUES ('x')"},
		"view":               {"SELECT * FROM noting"},
		"trigger of a view":  {"INSERT INTO wide VALUES ('x')"},
		"no row":             {"UPDATE t SET n = 2 WHERE note() < 0"},
		"rule":               {"DELETE FROM ruled"},
		"text of a query":    {"SELECT query_to_xml('SELECT note()', true, true, '')"},
		"cursor":             {"BEGIN", "DECLARE c CURSOR FOR SELECT note()", "FETCH c", "COMMIT"},
		"cursor that stays":  {"BEGIN", "DECLARE c CURSOR WITH HOLD FOR SELECT * FROM noting", "COMMIT"},
		"savepoint":          {"BEGIN", "SAVEPOINT a", "SELECT note()", "RELEASE a", "COMMIT"},
		"block":              {"DO $$BEGIN PERFORM note(); COMMIT; END$$"},
		"procedure":          {"CALL noting()"},
		"prepared":           {"PREPARE p AS SELECT note()", "EXECUTE p"},
		"copy":               {"COPY (SELECT note()) TO STDOUT"},
		"many in one":        {"SELECT 1; SELECT note(); SELECT 2"},
		"transaction in one": {"BEGIN; SELECT note(); COMMIT"},
		"two in one":         {"BEGIN; SELECT note(); COMMIT; SELECT 1"},
	}
	harmless := map[string][]string{
		"queries":    {"SELECT count(*) FROM t", "EXPLAIN SELECT * FROM t", "SELECT pure()", "TABLE t", "VALUES (1)", "UPDATE t SET n = 2 WHERE id < 0"},
		"cursor":     {"BEGIN", "DECLARE c CURSOR FOR SELECT pure()", "FETCH c", "CLOSE c", "COMMIT"},
		"analyzed":   {"EXPLAIN ANALYZE SELECT pure()"},
		"taken back": {"BEGIN", "SELECT note()", "ROLLBACK", "SELECT 1"},
		"prepared":   {"PREPARE p AS SELECT pure()", "EXECUTE p"},
		"copy":       {"COPY t TO STDOUT"},
		"in a block": {"BEGIN", "DO $$BEGIN PERFORM pure(); END$$", "COMMIT"},
	}
	check := func(name string, committed bool, major int, extended bool, steps []string) {
		if extended {
			if name += ", extended"; len(steps) == 1 && strings.Contains(steps[0], "; SELECT") || strings.HasPrefix(name, "copy") {
				return // the driver sends them in the simple protocol
			}
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStage(t, major, append(steps, "UPDATE t SET n = 1")...)
			s.run(s.other, writers...)
			s.run(s.other, "BEGIN", "SELECT FROM t FOR UPDATE")
			if extended {
				s.c.Env = append(s.c.Env, "GUARD_TEST_EXTENDED=1")
			}
			r := s.guard("it is run again", func() { s.run(s.other, "COMMIT") })
			if r.Runs[0].Committed != committed || len(r.Runs) == 1 != committed || len(r.Runs[0].Lost) != 1 {
				t.Fatalf("the guarded run is %+v, want one lost race and committed %t\n%s", r, committed, s.out.String())
			}
			s.run(s.other, "COMMIT")
			if got, want := s.one("SELECT (count(*) > 0)::text FROM done"), map[bool]string{true: "true", false: "false"}[committed]; got != want {
				t.Errorf("rows: %s", got)
			}
		})
	}
	for i, major := range []int{onward.OldestMajor, onward.NewestMajor} {
		for name, steps := range wrote {
			check(name, true, major, i == 1, steps)
		}
		for name, steps := range harmless {
			check("not "+name, false, major, i == 1, steps)
		}
	}
}
