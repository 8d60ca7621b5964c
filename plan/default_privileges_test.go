package plan_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/onward-sql/onward/internal/pgserver/pgservertest"
)

// Default privileges of each kind, of the database and of a schema, reach nothing that a plan creates, at any of its steps.
func TestDefaultPrivileges(t *testing.T) {
	t.Parallel()
	const deployed = `CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE TABLE named (id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text, size text, feels mood);
CREATE TABLE computed (id bigint PRIMARY KEY, v text);
CREATE TABLE divided (id bigint PRIMARY KEY, v text);
CREATE TABLE renamed (id bigint PRIMARY KEY, v text);
CREATE TABLE seen (id bigint PRIMARY KEY, v text);
CREATE VIEW look AS SELECT id, v FROM seen;
`
	const release = `ALTER TABLE named RENAME COLUMN name TO full_name;
ALTER TABLE named ALTER COLUMN size TYPE integer USING size::integer;
ALTER TABLE computed ADD COLUMN upper text GENERATED ALWAYS AS (upper(v)) STORED;
ALTER TABLE divided RENAME TO divided_old;
CREATE TABLE divided (id bigint PRIMARY KEY, v text) PARTITION BY HASH (id);
CREATE TABLE divided_0 PARTITION OF divided FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE divided_1 PARTITION OF divided FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO divided SELECT id, v FROM divided_old;
DROP TABLE divided_old;
ALTER TABLE renamed RENAME TO renamed_now;
DROP VIEW look;
ALTER TABLE seen ALTER COLUMN v TYPE varchar(50);
CREATE VIEW look AS SELECT id, v FROM seen;
ALTER TYPE mood RENAME TO mood_old;
CREATE TYPE mood AS ENUM ('sad', 'fine');
ALTER TABLE named ALTER COLUMN feels TYPE mood USING feels::text::mood;
DROP TYPE mood_old;`
	const defaults = `ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO pg_monitor, PUBLIC; ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO pg_monitor, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON FUNCTIONS TO pg_monitor; ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO pg_monitor;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO pg_monitor; ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO pg_read_all_stats;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON SEQUENCES TO pg_read_all_stats;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON FUNCTIONS TO pg_read_all_stats;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TYPES TO pg_read_all_stats;`
	// PUBLIC may use each type, and so the new form of an enum.
	const granted = `SELECT name || ' to ' || a.grantee::regrole FROM (
	SELECT relname AS name, relowner AS owner, relacl AS acl, 'r' AS kind FROM pg_class
	WHERE relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN ('public', 'onward'))
	UNION ALL SELECT proname, proowner, coalesce(proacl, acldefault('f', proowner)), 'f' FROM pg_proc WHERE pronamespace = 'public'::regnamespace
	UNION ALL SELECT typname, typowner, typacl, 'T' FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype = 'e'
	UNION ALL SELECT nspname, nspowner, nspacl, 'n' FROM pg_namespace WHERE nspname = 'onward') AS o, aclexplode(acl) AS a
	WHERE a.grantee <> owner AND NOT (kind = 'T' AND a.grantee = 0) ORDER BY 1`
	p := sketchRelease(t, repository(t, deployed, release))
	pgservertest.EachEnd(t, func(t *testing.T, major int) {
		_, conn := pgservertest.ConnectNew(t, major)
		for _, sql := range []string{deployed, "INSERT INTO named (name, size, feels) VALUES ('a', '1', 'sad')", defaults} {
			if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		}
		for _, s := range p.Steps {
			if _, err := conn.Exec(t.Context(), s.SQL, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatalf("run the step %s: %v\n%s", s.ID, err, s.SQL)
			}
			if got := pgservertest.ReadTexts(t, conn, granted); len(got) > 0 {
				t.Errorf("after %s others have privileges: %v\n%s", s.ID, got, s.SQL)
			}
		}
	})
}
