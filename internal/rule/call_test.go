package rule

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

// The statements in a function are judged where the function is called.
func TestCalls(t *testing.T) {
	t.Parallel()
	const before = `
CREATE TABLE t (id int, a int, b int);
CREATE FUNCTION drops() RETURNS void LANGUAGE plpgsql AS $$ BEGIN ALTER TABLE t DROP COLUMN a; EXECUTE 'ALTER TABLE t DROP COLUMN b'; END $$;
CREATE FUNCTION outer_one(x int) RETURNS void LANGUAGE plpgsql AS $$ BEGIN IF x > 0 THEN PERFORM drops(); END IF; END $$;
CREATE FUNCTION pure() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION in_sql() RETURNS void LANGUAGE sql AS 'UPDATE t SET a = 1; DELETE FROM t';
CREATE FUNCTION again() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM again(); UPDATE t SET a = 2; END $$;
CREATE FUNCTION ping() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pong(); END $$;
CREATE FUNCTION pong() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM ping(); END $$;
CREATE FUNCTION dynamic(n text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'DROP TABLE ' || n; END $$;
CREATE FUNCTION in_c() RETURNS void LANGUAGE c AS 'lib', 'f';
CREATE FUNCTION two(int) RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION two(text) RETURNS void LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE p() LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET a = 3; COMMIT; END $$;`
	for _, tt := range []struct {
		sql, opaque string
		want        []string
	}{
		{"SELECT drops()", "", []string{"SELECT drops()", "ALTER TABLE t DROP COLUMN a [drops 0]", "ALTER TABLE t DROP COLUMN b [drops 0]"}},
		{"SELECT * FROM drops()", "", []string{"SELECT * FROM drops()", "ALTER TABLE t DROP COLUMN a [drops 0]", "ALTER TABLE t DROP COLUMN b [drops 0]"}},
		{"SELECT 1; SELECT outer_one(1); SELECT 2", "", []string{
			"SELECT 1", "SELECT outer_one(1)", "SELECT drops() [outer_one 1]", "ALTER TABLE t DROP COLUMN a [drops 1]", "ALTER TABLE t DROP COLUMN b [drops 1]", "SELECT 2",
		}},
		{"DO $$ BEGIN PERFORM in_sql(); END $$", "", []string{
			"DO $$ BEGIN PERFORM in_sql(); END $$", "SELECT in_sql()", "UPDATE t SET a = 1 [in_sql 0]", "DELETE FROM t [in_sql 0]",
		}},
		{"CALL p()", "", []string{"CALL p()", "UPDATE t SET a = 3 [p 0]", "COMMIT [p 0]"}},
		{"SELECT again()", "", []string{"SELECT again()", "SELECT again() [again 0]", "UPDATE t SET a = 2 [again 0]"}},
		{"SELECT ping()", "", []string{"SELECT ping()", "SELECT pong() [ping 0]", "SELECT ping() [pong 0]"}},
		{"SELECT dynamic('t')", "EXECUTE of 'DROP TABLE ' || n in dynamic()", []string{"SELECT dynamic('t')"}},
		{"SELECT pure(), now(), setval('s', 1), pg_catalog.pg_sleep(1)", "", []string{"SELECT pure(), now(), setval('s', 1), pg_catalog.pg_sleep(1)"}},
		{"SELECT create_hypertable('t', 'a')", "call of create_hypertable()", []string{"SELECT create_hypertable('t', 'a')"}},
		{"SELECT st_srid(a) FROM t", "", []string{"SELECT st_srid(a) FROM t"}},
		{"SELECT in_c(), two(1)", "call of in_c(), a function in c, call of two()", []string{"SELECT in_c(), two(1)"}},
		{"UPDATE t SET a = drops()", "", []string{"UPDATE t SET a = drops()", "ALTER TABLE t DROP COLUMN a [drops 0]", "ALTER TABLE t DROP COLUMN b [drops 0]"}},
	} {
		_, m := judged(t, Config{}, before, tt.sql, onward.TransactionNone)
		var got []string
		opaque := ""
		for i, s := range m.Statements {
			line := s.SQL
			if s.In != "" {
				line += fmt.Sprintf(" [%s %d]", s.In, s.Parent)
			}
			got = append(got, line)
			if s.Opaque != "" && opaque == "" {
				opaque = s.Opaque
			}
			if s.Index != i || s.Parent >= i || s.Parent >= 0 && s.Tx != m.Statements[s.Parent].Tx {
				t.Errorf("%s: %q has index %d, not %d, and parent %d", tt.sql, s.SQL, s.Index, i, s.Parent)
			}
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || opaque != tt.opaque {
			t.Errorf("%s: opaque %q, want %q (-want +got):\n%s", tt.sql, opaque, tt.opaque, diff)
		}
	}
}

// A call in the history changes the deployed schema.
func TestDeployedCalls(t *testing.T) {
	t.Parallel()
	e := NewEngine(Config{Versions: versions}, nil)
	e.FoldDeployed(build(t, "CREATE FUNCTION make() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CREATE TABLE made (id int); END $$; SELECT make()",
		onward.TransactionNone))
	if e.Catalog().Lookup("", "made") == nil {
		t.Error("the table that the function makes is not there")
	}
}
