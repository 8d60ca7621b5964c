package plan_test

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
	"github.com/onward-sql/onward/plan"
	"github.com/onward-sql/onward/rehearse"
)

// Sessions keep the types with which PL/pgSQL compiled a function. After a step that changes the type of a column, a
// function that reads it from a record fails in them for good, unless the step makes them compile it again.
func TestCompiledFunctions(t *testing.T) {
	t.Parallel()
	const schema = `CREATE TABLE priced (id integer PRIMARY KEY, code varchar(20), price integer, size varchar(10));
-- +goose StatementBegin
CREATE FUNCTION check_price() RETURNS trigger LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN IF NEW.price > 5 AND NEW.code <> 'x' THEN RAISE DEBUG 'dear'; END IF; RETURN NEW; END $$;
-- +goose StatementEnd
CREATE TRIGGER checked BEFORE INSERT OR UPDATE ON priced FOR EACH ROW EXECUTE FUNCTION check_price();
-- +goose StatementBegin
CREATE FUNCTION check_id() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN IF NEW.id > 5 AND OLD.size = NEW.size THEN RAISE DEBUG 'high'; END IF; RETURN NEW; END $$;
-- +goose StatementEnd
CREATE TRIGGER of_id BEFORE UPDATE ON priced FOR EACH ROW EXECUTE FUNCTION check_id();
-- +goose StatementBegin
CREATE FUNCTION most("to" bigint, OUT code text, OUT price text) LANGUAGE plpgsql AS $$
DECLARE r priced; BEGIN SELECT * INTO r FROM priced WHERE id < "to" LIMIT 1; code := r.code || 'x'; price := r.price + 1; END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE PROCEDURE work() LANGUAGE plpgsql AS $$
DECLARE r record; BEGIN FOR r IN SELECT price, code FROM Priced LOOP IF r.price > 7 OR r.code = 'y' THEN NULL; END IF; END LOOP; END $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION other() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN 1; END $$;
-- +goose StatementEnd
`
	for name, c := range map[string]struct {
		release string
		phase   onward.PlanPhase // "": no function is compiled again
	}{
		"in place":      {"ALTER TABLE priced ALTER COLUMN code TYPE text;", onward.Expand},
		"replaced":      {"ALTER TABLE priced ALTER COLUMN price TYPE bigint;", onward.Contract},
		"only a length": {"ALTER TABLE priced ALTER COLUMN size TYPE varchar(30);", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, major := range []int{onward.OldestMajor, onward.NewestMajor} {
				p := makePlan(t, plan.Config{Config: rehearse.Config{
					Config: audit.Config{Dir: repository(t, schema, c.release), Base: "main", Head: "feature"}, Majors: []int{major},
				}})
				if !p.Proof.Proven {
					t.Errorf("the plan for Postgres %d is not proven:\n%s", major, told(p))
				}
				url := pgservertest.Database(t, major)
				admin, code := pgservertest.Connect(t, url), pgservertest.Connect(t, url)
				pgservertest.Exec(t, admin, schema)
				call := func(label string) {
					for _, query := range []string{
						"INSERT INTO priced (id, code, price) SELECT coalesce(max(id), 0) + 1, 'a', 9 FROM priced",
						"UPDATE priced SET price = 8 WHERE id = 1", "SELECT * FROM most(100)", "CALL work()",
					} {
						// The simple protocol has no prepared statement of the client.
						if _, err := code.PgConn().Exec(t.Context(), query).ReadAll(); err != nil {
							t.Errorf("Postgres %d refuses %s %s: %v", major, query, label, err)
						}
					}
				}
				call("at the base")
				for i := range p.Steps {
					s := &p.Steps[i]
					isRecompiled := strings.Contains(s.SQL, "ALTER ROUTINE")
					if wanted := s.Phase == c.phase && (c.phase == onward.Expand || strings.Contains(s.SQL, "RENAME COLUMN")); isRecompiled != wanted {
						t.Errorf("%d: %s: functions are compiled again: %t, want %t:\n%s", major, s.ID, isRecompiled, wanted, s.SQL)
					}
					if strings.Contains(s.SQL, "other()") || strings.Contains(s.SQL, "check_id()") {
						t.Errorf("the step for Postgres %d names other() or check_id(), which need no new compilation:\n%s", major, s.SQL)
					}
					runStep(t, admin, s)
					call("after " + s.ID)
				}
				for i := len(p.Steps) - 1; i >= 0 && c.phase != onward.Contract; i-- {
					pgservertest.Exec(t, admin, p.Steps[i].Undo)
					call("after the undo of " + p.Steps[i].ID)
				}
			}
		})
	}
}
