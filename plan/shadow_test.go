package plan_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/onward-sql/onward/onward"
)

// denyTriggerFunctions fails if a role may use the plan's functions, which have their owner's rights, for triggers of its own.
func (st *stage) denyTriggerFunctions(role string) {
	st.t.Helper()
	const functions = "FROM pg_proc WHERE prosecdef AND proname ILIKE 'onward%'"
	st.none("functions are there", "SELECT 1 WHERE NOT EXISTS (SELECT "+functions+")")
	st.none("nobody may use them", "SELECT "+functions+" AND has_function_privilege('"+role+"', oid, 'EXECUTE')")
}

// A transaction with an old snapshot does not see rows copied since then. It is refused if it deletes or
// moves such a row, because the copy would stay. TRUNCATE and changes of a subscription are applied to the
// shadow table too. A role that may write the table needs no privilege on the shadow table.
func TestShadowSnapshots(t *testing.T) {
	t.Parallel()
	s := scene{
		old: columnA, typ: "text", values: texts, base: "CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);",
		release: "ALTER TABLE t ADD COLUMN b text GENERATED ALWAYS AS (upper(a)) STORED;",
	}
	steps := s.steps(t)
	st := newStage(t, &s, steps, 1)
	index := 0
	for ; steps[index].Class != onward.StepBackfill; index++ {
		st.step(&steps[index], false)
	}
	const same = "SELECT FROM (SELECT id, other, a FROM t) AS t FULL JOIN t_onward AS s USING (id, " +
		"other) WHERE t.a IS DISTINCT FROM s.a OR s.b IS DISTINCT FROM upper(t.a)"
	begin := func() *pgx.Conn {
		conn := st.connect()
		st.exec(conn, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT FROM t")
		return conn
	}
	st.exec(begin(), "DELETE FROM t WHERE id = 1; UPDATE t SET id = -2, a = 'x' WHERE id = 2; UPDATE t SET a = 'y' WHERE id = 3; COMMIT")
	writes := []string{"DELETE FROM t WHERE id = 4", "UPDATE t SET id = -5 WHERE id = 5", "UPDATE t SET a = 'z' WHERE id = 6"}
	var before []*pgx.Conn
	for range writes {
		before = append(before, begin())
	}
	st.step(&steps[index], false)
	st.none("both tables are the same", same)
	for i, sql := range writes {
		failed := new(pgconn.PgError)
		if _, err := before[i].Exec(t.Context(), sql); !errors.As(err, &failed) || failed.Code != "40001" {
			t.Errorf("%s in an older snapshot ends with %v, want a serialization failure (40001)", sql, err)
		}
		st.exec(before[i], "ROLLBACK")
		st.exec(begin(), sql+"; COMMIT")
	}
	st.none("both tables are the same", same)
	late := st.connect()
	st.exec(late, "SET session_replication_role = replica; DELETE FROM t WHERE id = 7; INSERT INTO t VALUES (7, 7, 'of a subscription')")
	st.none("both tables are the same", same)
	st.exec(st.admin, "CREATE ROLE writer_of_t; GRANT SELECT, INSERT, UPDATE, DELETE ON t TO writer_of_t")
	st.exec(st.admin, "SET ROLE writer_of_t; UPDATE t SET a = 'mine' WHERE id = 8; DELETE FROM t WHERE id = 9; INSERT INTO t VALUES (9, 9, 'mine'); RESET ROLE")
	st.none("both tables are the same", same)
	st.denyTriggerFunctions("writer_of_t")
	st.exec(st.admin, "TRUNCATE t")
	st.none("both tables are empty", "SELECT FROM t_onward")
}

// An AFTER trigger that changes the row again comes after the plan's trigger, whatever its name. Otherwise the row that is copied last
// would be the older one.
func TestCopiesBeforeOtherTriggers(t *testing.T) {
	t.Parallel()
	const touching = `CREATE TABLE t (id bigint PRIMARY KEY, other integer, a text);
-- +goose StatementBegin
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN UPDATE t SET other = 99 WHERE id = NEW.id; RETURN NULL; END $$;
-- +goose StatementEnd
CREATE TRIGGER "{trigger}" AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION touch();`
	for name, release := range map[string]string{
		"shadow": "ALTER TABLE t RENAME TO t_old; " +
			"CREATE TABLE t (id bigint, other integer, a text, CONSTRAINT t_key PRIMARY KEY (id)) PARTITION BY HASH (id); " +
			"CREATE TABLE t_0 PARTITION OF t FOR VALUES WITH (MODULUS 1, REMAINDER 0); INSERT INTO t SELECT * FROM t_old; DROP TABLE t_old;",
		"copy": "CREATE TABLE t_onward (id bigint PRIMARY KEY, other int, a text); INSERT INTO t_onward SELECT * FROM t;",
	} {
		for _, trigger := range []string{"a_touch", "A_touch", "!ONWARD"} {
			t.Run(name+" "+trigger, func(t *testing.T) {
				t.Parallel()
				s := scene{old: columnA, typ: "text", values: texts, base: strings.Replace(touching, "{trigger}", trigger, 1), release: release}
				steps := s.steps(t)
				st := newStage(t, &s, steps, 1)
				for i := 0; steps[i].Phase == onward.Expand; i++ {
					st.step(&steps[i], false)
				}
				st.exec(st.admin, "INSERT INTO t VALUES (9000, 1, 'x')")
				st.none("the copy is the last state", "SELECT * FROM t WHERE id = 9000 AND other = 99 EXCEPT SELECT * FROM t_onward")
				st.none("the trigger has changed the row", "SELECT FROM t WHERE id = 9000 AND other = 1")
			})
		}
	}
}
