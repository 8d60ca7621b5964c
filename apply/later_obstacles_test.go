package apply_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

// What would stop a later step refuses the plan before its first one.
func TestLaterObstacles(t *testing.T) {
	t.Parallel()
	const stamp = `CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.amount := NEW.amount; RETURN NEW; END$$;
CREATE TRIGGER stamp BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION stamp();`
	p := planned(t, base+stamp, "ALTER TABLE orders RENAME COLUMN note TO remark; ALTER TABLE orders ALTER COLUMN amount TYPE bigint;")
	for _, c := range []struct{ name, sql, undo, want string }{
		{
			"a function of another role", "ALTER FUNCTION stamp() OWNER TO CURRENT_USER", "ALTER FUNCTION stamp() OWNER TO @role",
			"functions again that the role @role does not own: public.stamp() of ",
		},
		{
			"the owner's own policies", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders FORCE ROW LEVEL SECURITY",
			"ALTER TABLE orders NO FORCE ROW LEVEL SECURITY", "orders has row-level security (FORCE ROW LEVEL SECURITY), which may hide rows from the role @role",
		},
		{
			"policies for others", "ALTER TABLE orders ENABLE ROW LEVEL SECURITY; ALTER TABLE orders OWNER TO CURRENT_USER; GRANT ALL ON orders TO @role",
			"ALTER TABLE orders OWNER TO @role", "orders has row-level security (ENABLE ROW LEVEL SECURITY)",
		},
		{
			"a session that ends too early", "ALTER DATABASE @database SET idle_session_timeout = '3s'", "ALTER DATABASE @database RESET idle_session_timeout",
			"idle_session_timeout is 3s for this role or this database",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			db := pgservertest.Database(t, onward.NewestMajor)
			role := "steps_" + nameOf(db)
			fill := strings.NewReplacer("@role", role, "@database", pgx.Identifier{nameOf(db)}.Sanitize()).Replace
			run(t, db, base, rows, stamp, "CREATE ROLE "+role, "ALTER FUNCTION stamp() OWNER TO "+role, "ALTER TABLE orders OWNER TO "+role, "ALTER TABLE customers OWNER TO "+role, "GRANT USAGE, CREATE ON SCHEMA public TO "+
				role, "GRANT CREATE ON DATABASE "+pgx.Identifier{nameOf(db)}.Sanitize()+" TO "+role)
			dropAtEnd(t, db, role)
			run(t, db, fill(c.sql))
			config := apply.Config{DB: db, Plan: p, Role: role, AsSuperuser: true}
			refused := new(apply.RefusedError)
			if _, err := apply.Run(t.Context(), config); !errors.As(err, &refused) || !strings.Contains(refused.Text, fill(c.want)) {
				t.Fatal(err)
			}
			if list := content(t, db, "SELECT attname::text FROM pg_attribute WHERE attrelid = 'orders'::regclass AND attname = 'remark'"); len(list) > 0 {
				t.Error("a step was done")
			}
			run(t, db, fill(c.undo))
			runPlan(t, config)
		})
	}
}

// An event trigger says why the database refuses a statement, and its words are printed. The words of other functions may quote rows.
func TestEventTriggerMessage(t *testing.T) {
	t.Parallel()
	p := planned(t, base, "ALTER TABLE orders RENAME COLUMN note TO remark;")
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		db := pgservertest.Database(t, major)
		run(t, db, base, rows, `CREATE SCHEMA "Audit"`, `CREATE FUNCTION "Audit"."no changes"() RETURNS event_trigger LANGUAGE plpgsql AS
			$$BEGIN IF tg_tag = 'ALTER TABLE' THEN RAISE EXCEPTION 'the schema is frozen until Monday' USING HINT = 'ask the DBA'; END IF; END$$`,
			`CREATE EVENT TRIGGER frozen ON ddl_command_start EXECUTE FUNCTION "Audit"."no changes"()`)
		stuck := new(apply.UnfinishedError)
		if _, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p}); !errors.As(err, &stuck) ||
			stuck.Why != "the event trigger frozen refuses it: the schema is frozen until Monday (ask the DBA) (SQLSTATE P0001)" {
			t.Error(err)
		}
		run(t, db, "DROP EVENT TRIGGER frozen")
		run(t, db, `CREATE FUNCTION quotes() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF NEW.id = 17 THEN RAISE EXCEPTION 'the secret is %', NEW.note; END IF; RETURN NEW; END$$`,
			"CREATE TRIGGER quotes BEFORE UPDATE ON orders FOR EACH ROW EXECUTE FUNCTION quotes()")
		_, err := apply.Run(t.Context(), apply.Config{DB: db, Plan: p})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
	})
}
