package apply_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/apply"
	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
	"github.com/onward-sql/onward/onward"
)

const accountsBase = `
CREATE TABLE users (id bigint PRIMARY KEY, tenant text NOT NULL, email text, points int);
CREATE TABLE secrets (id bigint PRIMARY KEY, value text);
`

const accountsRelease = `
ALTER TABLE users RENAME TO accounts;
ALTER TABLE secrets RENAME TO vault;
`

// makeRoles creates the roles of a test, whose names are the server's, and returns a function that writes their names into SQL.
func makeRoles(t *testing.T, url string, names ...string) func(sql string) string {
	t.Helper()
	suffix := content(t, url, "SELECT current_database()")[0]
	var pairs []string
	for _, name := range names {
		pairs = append(pairs, "@"+name, name+"_"+suffix)
		run(t, url, "CREATE ROLE "+name+"_"+suffix)
	}
	replacer := strings.NewReplacer(pairs...)
	t.Cleanup(func() {
		conn, err := pgx.Connect(context.Background(), url)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close(context.Background())
		for _, name := range names {
			if _, err := conn.Exec(context.Background(), "DROP OWNED BY "+name+"_"+suffix+" CASCADE; DROP ROLE "+name+"_"+suffix); err != nil {
				t.Error(err)
			}
		}
	})
	return replacer.Replace
}

// visible is how many rows of a relation a role sees; the server's words if it may not.
func visible(t *testing.T, url, role, relation string) string {
	t.Helper()
	conn := pgservertest.Connect(t, url)
	defer conn.Close(t.Context())
	pgservertest.Exec(t, conn, "SET ROLE "+role)
	var count int
	if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM "+relation).Scan(&count); err != nil {
		return err.Error()
	}
	return fmt.Sprint(count)
}

// A renamed table's old name shows each role what the table showed it: by the policies and privileges that only this
// database has. Before 15 no view can do that, and the plan is refused before its first step.
func TestRenamedTableKeepsAccess(t *testing.T) {
	t.Parallel()
	p := planned(t, accountsBase, accountsRelease)
	const secured = `ALTER TABLE users ENABLE ROW LEVEL SECURITY; CREATE POLICY own_rows ON users TO @tenant USING (tenant = 'a');`
	for _, major := range []int{14, onward.NewestMajor} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			t.Parallel()
			if major == 14 {
				pgservertest.NeedMajor(t, major, "from 15 on a view can show each role what the table does")
			}
			url := pgservertest.Database(t, major)
			run(t, url, accountsBase, `INSERT INTO users SELECT n, CASE WHEN n % 2 = 0 THEN 'a' ELSE 'b' END, 'e', n FROM generate_series(1, 100) n; INSERT INTO secrets VALUES (1, 'x');`)
			sql := makeRoles(t, url, "owner", "tenant", "reporting", "clerk")
			run(t, url, sql(`GRANT SELECT, UPDATE ON users TO @tenant WITH GRANT OPTION; GRANT SELECT (id), UPDATE (id) ON secrets TO @clerk;
				GRANT USAGE, CREATE ON SCHEMA public TO @owner; ALTER TABLE users OWNER TO @owner; COMMENT ON TABLE users IS 'who signs in'; COMMENT ON COLUMN users.email IS 'as typed';
				GRANT SELECT ON secrets TO @tenant; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO @reporting;`))
			run(t, url, sql(secured), sql("GRANT SELECT (id) ON users TO @clerk"))
			_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p})
			if refused := new(apply.RefusedError); !errors.As(err, &refused) ||
				major >= 15 && !strings.Contains(err.Error(), "a role has privileges on some of its columns only") {
				t.Fatalf("apply beside a privilege on one column = %v, want a refusal", err)
			}
			run(t, url, sql("REVOKE SELECT (id) ON users FROM @clerk"))
			if major < 15 {
				_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p})
				refused := new(apply.RefusedError)
				if !errors.As(err, &refused) || !strings.Contains(err.Error(), "users has row-level security: before Postgres 15") {
					t.Fatalf("apply beside row-level security = %v, want a refusal", err)
				}
				if got := content(t, url, "SELECT relname::text FROM pg_class WHERE relname IN ('users', 'accounts', 'vault')"); !cmp.Equal(got, []string{"users"}) {
					t.Errorf("something was changed: %v", got)
				}
				run(t, url, `ALTER TABLE users DISABLE ROW LEVEL SECURITY; DROP POLICY own_rows ON users;`)
			}
			before := map[string]string{}
			for _, role := range []string{"@tenant", "@reporting", "@clerk"} {
				for _, relation := range []string{"users", "secrets", "(SELECT id FROM secrets) s"} {
					before[role+" "+relation] = visible(t, url, sql(role), relation)
				}
			}
			var events teller
			runPlan(t, apply.Config{DB: url, Plan: p, Tell: events.tell})
			after := map[string]string{}
			for key := range before {
				role, relation, _ := strings.Cut(key, " ")
				after[key] = strings.ReplaceAll(visible(t, url, sql(role), relation), "for view", "for table")
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("the old names show roles something else (-before +after):\n%s", diff)
			}
			if want := map[int]string{
				14:                 "100",
				onward.NewestMajor: "50",
			}[major]; after["@tenant users"] != want || !strings.Contains(after["@reporting secrets"], "permission denied") ||
				after["@clerk (SELECT id FROM secrets) s"] != "1" {
				t.Errorf("the roles see %v, want %s users for tenant, 1 secret for clerk and none for reporting", after, want)
			}
			got := content(t, url, `SELECT concat_ws('|', obj_description(oid, 'pg_class'), col_description(oid, 3), pg_get_userbyid(relowner) = pg_get_userbyid((SELECT relowner FROM pg_class WHERE oid = 'accounts'::regclass)),
				has_table_privilege('`+sql("@tenant")+`', oid, 'UPDATE WITH GRANT OPTION')) FROM pg_class WHERE oid = 'users'::regclass`)
			if !cmp.Equal(got, []string{"who signs in|as typed|t|t"}) {
				t.Errorf("the view has %v", got)
			}
			if !events.has(apply.Carried, "COMMENT ON VIEW public.users") ||
				len(content(t, url, "SELECT detail FROM onward_ledger.log WHERE event = 'carried over'")) != 1 { // privileges are the step's own
				t.Error("nobody was told what was carried over")
			}
		})
	}
}

// A column and a table that take the place of others have what only this database knows of the old ones; what nobody can
// give them is named before the first step.
func TestReplacementKeepsProperties(t *testing.T) {
	t.Parallel()
	const was = `CREATE TABLE staff (id bigint PRIMARY KEY, email text, salary int); CREATE TABLE visits (id bigint PRIMARY KEY, at timestamptz NOT NULL, what text);`
	p := planned(t, was, `ALTER TABLE staff RENAME COLUMN email TO mail;
ALTER TABLE staff ALTER COLUMN salary TYPE bigint;
ALTER TABLE visits RENAME TO visits_old;
CREATE TABLE visits (id bigint NOT NULL, at timestamptz NOT NULL, what text, PRIMARY KEY (at, id)) PARTITION BY RANGE (at);
CREATE TABLE visits_rest PARTITION OF visits DEFAULT;
INSERT INTO visits SELECT * FROM visits_old;
DROP TABLE visits_old;`)
	url := pgservertest.Database(t, onward.NewestMajor)
	sql := makeRoles(t, url, "owner", "clerk", "reporting")
	run(t, url, was, sql(`INSERT INTO staff SELECT n, 'e' || n, n FROM generate_series(1, 10) n; INSERT INTO visits SELECT n, now(), 'v' FROM generate_series(1, 10) n;
		GRANT SELECT (id, salary), UPDATE (email) ON staff TO @clerk; COMMENT ON COLUMN staff.salary IS 'per month';
		ALTER TABLE staff ALTER salary SET STATISTICS 321, ALTER salary SET (n_distinct = 7);
		GRANT USAGE, CREATE ON SCHEMA public TO @owner; ALTER TABLE visits OWNER TO @owner; GRANT SELECT ON visits TO @clerk; GRANT SELECT (what) ON visits TO @reporting;
		COMMENT ON TABLE visits IS 'who came'; ALTER TABLE visits ALTER what SET STATISTICS 123; ALTER TABLE visits SET (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.01);
		ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT INSERT ON TABLES TO @reporting;`))
	refusals := []struct{ make, undo, words string }{
		{"CREATE POLICY few ON staff USING (email <> '')", "DROP POLICY few ON staff", "policy few of staff reads email of staff"},
		{"ALTER TABLE visits ENABLE ROW LEVEL SECURITY", "ALTER TABLE visits DISABLE ROW LEVEL SECURITY", "visits has row-level security"},
		{"CREATE STATISTICS pair ON id, what FROM visits", "DROP STATISTICS pair", "statistics object pair of visits would be lost"},
		{"CREATE VIEW salaries AS SELECT salary FROM staff", "DROP VIEW salaries", "view salaries reads salary of staff"},
		{
			"CREATE TRIGGER same BEFORE UPDATE ON visits FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
			"DROP TRIGGER same ON visits", "trigger same of visits would be lost",
		},
	}
	for _, r := range refusals {
		run(t, url, r.make)
		_, err := apply.Run(t.Context(), apply.Config{DB: url, Plan: p})
		if refused := new(apply.RefusedError); !errors.As(err, &refused) || !strings.Contains(err.Error(), r.words) {
			t.Errorf("after %s apply.Run = %v, want a refusal with %q", r.make, err, r.words)
		}
		run(t, url, r.undo)
	}
	if n := content(t, url, "SELECT count(*)::text FROM onward_ledger.plan"); n[0] != "0" {
		t.Fatal("a refused plan was begun")
	}
	runPlan(t, apply.Config{DB: url, Plan: p})
	run(t, url, sql("GRANT UPDATE (salary) ON staff TO @clerk")) // on the old column, meanwhile
	finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
	got := content(t, url, sql(`SELECT concat_ws('|', attname, nullif(attstattarget, -1), attoptions, col_description(attrelid, attnum), has_column_privilege('@clerk', attrelid, attnum, 'SELECT'), has_column_privilege('@clerk', attrelid, attnum, 'UPDATE'))
		FROM pg_attribute WHERE attrelid = 'staff'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attname`))
	if diff := cmp.Diff([]string{"id|t|f", "mail|f|t", "salary|321|{n_distinct=7}|per month|t|t"}, got); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	got = content(t, url, sql(`SELECT concat_ws('|', relname, pg_get_userbyid(relowner) = '@owner', reloptions, obj_description(c.oid, 'pg_class'), (SELECT attstattarget FROM pg_attribute WHERE attrelid = c.oid AND attname = 'what'),
		has_table_privilege('@clerk', c.oid, 'SELECT'), has_column_privilege('@reporting', c.oid, 'what', 'SELECT'), has_table_privilege('@reporting', c.oid, 'INSERT')) FROM pg_class c WHERE relname = 'visits'`))
	if diff := cmp.Diff([]string{"visits|t|who came|123|t|t|f"}, got); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	if got = content(t, url, "SELECT array_to_string(reloptions, ',') FROM pg_class WHERE relname = 'visits_rest'"); !cmp.Equal(got,
		[]string{"autovacuum_vacuum_scale_factor=0.01,fillfactor=70"}) {
		t.Errorf("the partition's settings: %v", got)
	}
}

// What an administrator changes on a replaced column, or takes from it, while both columns are there, holds for the new one after the contract.
func TestReplacedColumnFollowsOld(t *testing.T) {
	t.Parallel()
	const base = `CREATE TABLE parcels (id bigint PRIMARY KEY, weight int, note varchar(20));`
	p := planned(t, base, `ALTER TABLE parcels ALTER COLUMN weight TYPE bigint; ALTER TABLE parcels ALTER COLUMN note TYPE varchar(10) USING left(note, 10);`)
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		url := pgservertest.Database(t, major)
		sql := makeRoles(t, url, "reader", "writer")
		run(t, url, base, "INSERT INTO parcels SELECT n, n, 'x' FROM generate_series(1, 50) AS n",
			sql(`GRANT SELECT (weight), UPDATE (weight, note) ON parcels TO @reader WITH GRANT OPTION; GRANT SELECT (note) ON parcels TO PUBLIC, @writer;
				COMMENT ON COLUMN parcels.weight IS 'kg'; COMMENT ON COLUMN parcels.note IS 'n';
				ALTER TABLE parcels ALTER weight SET STATISTICS 300, ALTER note SET STATISTICS 300, ALTER weight SET (n_distinct = 7, n_distinct_inherited = 8);
				ALTER TABLE parcels ALTER note SET STORAGE EXTERNAL`))
		runPlan(t, apply.Config{DB: url, Plan: p})
		run(t, url, sql(`REVOKE SELECT (weight) ON parcels FROM @reader; REVOKE GRANT OPTION FOR UPDATE (weight) ON parcels FROM @reader;
			REVOKE SELECT (note) ON parcels FROM PUBLIC; GRANT SELECT (weight) ON parcels TO @writer;
			COMMENT ON COLUMN parcels.weight IS NULL; COMMENT ON COLUMN parcels.note IS 'other';
			ALTER TABLE parcels ALTER weight SET STATISTICS -1, ALTER note SET STATISTICS 400, ALTER weight RESET (n_distinct), ALTER weight SET (n_distinct_inherited = 9);
			ALTER TABLE parcels ALTER note SET STORAGE EXTENDED`))
		finishPlan(t, apply.Config{DB: url, Plan: p, Through: onward.Contract})
		got := content(t, url, `SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), nullif(attstattarget, -1), attoptions, attstorage,
			col_description(attrelid, attnum), (SELECT string_agg(CASE grantee WHEN 0 THEN 'PUBLIC' ELSE grantee::regrole::text END || ' ' || privilege_type || is_grantable, ', '
			ORDER BY grantee, privilege_type) FROM aclexplode(attacl)))
			FROM pg_attribute WHERE attrelid = 'parcels'::regclass AND attname IN ('weight', 'note') ORDER BY 1`)
		want := []string{
			sql("note character varying(10) 400 x other @reader UPDATEtrue, @writer SELECTfalse"),
			sql("weight bigint {n_distinct_inherited=9} p @reader UPDATEfalse, @writer SELECTfalse"),
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Postgres %d (-want +got):\n%s", major, diff)
		}
	})
}
