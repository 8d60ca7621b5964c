package verify_test

import (
	"fmt"
	"strings"
)

// handmades are the cases, each with names of its own: ~ stands for their beginning.
var handmades = func() []handmade {
	list := []handmade{
		// Columns.
		{name: "column dropped", base: "CREATE TABLE ~t (id int, a int); INSERT INTO ~t VALUES (1, 2)", sql: "SELECT a FROM ~t", release: "ALTER TABLE ~t DROP COLUMN a", want: "error 42703", truth: "42703"},
		{name: "another column dropped", base: "CREATE TABLE ~t (id int, a int)", sql: "SELECT id FROM ~t", release: "ALTER TABLE ~t DROP COLUMN a", want: "ok", truth: "ok"},
		{name: "column renamed", base: "CREATE TABLE ~t (id int, a int)", sql: "UPDATE ~t SET a = $1", args: []any{1}, release: "ALTER TABLE ~t RENAME a TO b", want: "error 42703", truth: "42703"},
		{name: "column added under a star", base: "CREATE TABLE ~t (id int)", sql: "SELECT * FROM ~t WHERE id > $1", args: []any{1}, release: "ALTER TABLE ~t ADD COLUMN b int", want: "warning 0A000", truth: "0A000"},
		{name: "column required", base: "CREATE TABLE ~t (id int, a int)", sql: "INSERT INTO ~t (id) VALUES (1)", release: "DELETE FROM ~t;\nALTER TABLE ~t ALTER COLUMN a SET NOT NULL", want: "error 23502", truth: "23502"},
		{name: "required column added", base: "CREATE TABLE ~t (id int)", sql: "INSERT INTO ~t (id) VALUES ($1)", args: []any{1}, release: "DELETE FROM ~t;\nALTER TABLE ~t ADD COLUMN b int NOT NULL", want: "error 23502", truth: "23502"},
		{name: "column with a default added", base: "CREATE TABLE ~t (id int)", sql: "INSERT INTO ~t (id) VALUES ($1)", args: []any{1}, release: "ALTER TABLE ~t ADD COLUMN b int NOT NULL DEFAULT 0", want: "ok", truth: "ok"},
		{name: "default dropped", base: "CREATE TABLE ~t (id int, a int NOT NULL DEFAULT 1)", sql: "INSERT INTO ~t (id) VALUES ($1)", args: []any{1}, release: "ALTER TABLE ~t ALTER COLUMN a DROP DEFAULT", want: "error 23502", truth: "23502"},
		{name: "column generated", base: "CREATE TABLE ~t (id int, a int)", sql: "INSERT INTO ~t (id, a) VALUES ($1, $2)", args: []any{1, 2}, release: "ALTER TABLE ~t DROP COLUMN a;\nALTER TABLE ~t ADD COLUMN a int GENERATED ALWAYS AS (id) STORED", want: "error 428C9", truth: "428C9"},
		{name: "table renamed", base: "CREATE TABLE ~t (id int)", sql: "SELECT id FROM ~t", release: "ALTER TABLE ~t RENAME TO ~u", want: "error 42P01", truth: "42P01"},
		{
			name:    "column of a function's rows dropped",
			base:    "CREATE TABLE ~t (id int, a int); INSERT INTO ~t VALUES (1, 2); CREATE FUNCTION ~f() RETURNS SETOF ~t LANGUAGE plpgsql AS 'BEGIN RETURN QUERY SELECT * FROM ~t; END'",
			sql:     "SELECT * FROM ~f()",
			release: "ALTER TABLE ~t DROP COLUMN a",
			want:    "error result-shape",
			truth:   "shape",
		},
		{
			name:    "column taken from a function's row dropped",
			base:    "CREATE TABLE ~t (id int, a int); CREATE FUNCTION ~f() RETURNS ~t LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
			sql:     "SELECT (~f()).a",
			release: "ALTER TABLE ~t DROP COLUMN a",
			want:    "error 42703",
			truth:   "42703",
		},
		{
			name:    "column of a row dropped",
			base:    "CREATE TABLE ~t (id int, a int)",
			sql:     "SELECT x FROM ~t x",
			release: "ALTER TABLE ~t DROP COLUMN a",
			want:    "warning result-shape",
			truth:   "shape",
		},
		{
			name:    "column of a function's row added",
			base:    "CREATE TABLE ~t (id int); CREATE FUNCTION ~f() RETURNS ~t LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
			sql:     "SELECT ~f()",
			release: "ALTER TABLE ~t ADD COLUMN a int",
			want:    "warning result-shape",
			truth:   "shape",
		},
		{
			name:    "column added to the table of a row nobody reads",
			base:    "CREATE TABLE ~t (id int)",
			sql:     "SELECT count(x) FROM ~t x",
			release: "ALTER TABLE ~t ADD COLUMN a int",
			want:    "ok",
			truth:   "ok",
		},
		{
			name:    "attribute of a composite type dropped",
			base:    "CREATE TYPE ~c AS (street text, city text); CREATE TABLE ~t (a ~c)",
			sql:     "SELECT a FROM ~t",
			release: "ALTER TYPE ~c DROP ATTRIBUTE city",
			want:    "warning result-shape",
			truth:   "shape",
		},
		{
			name:    "attribute in an array of a composite type dropped",
			base:    "CREATE TYPE ~c AS (street text, city text); CREATE TABLE ~t (a ~c[])",
			sql:     "SELECT a FROM ~t",
			release: "ALTER TYPE ~c DROP ATTRIBUTE city",
			want:    "warning result-shape",
			truth:   "shape",
		},
		{
			name:    "table becomes a view with the same columns",
			base:    "CREATE TABLE ~t (id int PRIMARY KEY)",
			sql:     "SELECT id FROM ~t",
			release: "ALTER TABLE ~t RENAME TO ~u;\nCREATE VIEW ~t AS SELECT id FROM ~u",
			want:    "ok",
			truth:   "ok",
		},
		// Types.
		{name: "type widened under a name", base: "CREATE TABLE ~t (id int, a int)", sql: "SELECT a FROM ~t WHERE id = $1", args: []any{1}, release: "ALTER TABLE ~t ALTER COLUMN a TYPE bigint", want: "error 0A000", truth: "0A000"},
		{name: "type widened", base: "CREATE TABLE ~t (id int, a int)", sql: "SELECT a FROM ~t", release: "ALTER TABLE ~t ALTER COLUMN a TYPE bigint", want: "error result-shape", truth: "shape"},
		{name: "length reduced", base: "CREATE TABLE ~t (a text)", sql: "INSERT INTO ~t (a) VALUES ($1)", args: []any{"abcdef"}, release: "DELETE FROM ~t;\nALTER TABLE ~t ALTER COLUMN a TYPE varchar(3)", want: "warning 22001", truth: "22001"},
		{name: "number narrowed", base: "CREATE TABLE ~t (a bigint)", sql: "INSERT INTO ~t (a) SELECT 3000000000 WHERE NOT EXISTS (SELECT FROM ~t WHERE a = 0)", release: "DELETE FROM ~t;\nALTER TABLE ~t ALTER COLUMN a TYPE int", want: "warning 22003", truth: "22003"},
		{name: "text becomes a number", base: "CREATE TABLE ~t (a text)", sql: "SELECT a FROM ~t WHERE a LIKE 'x%'", release: "ALTER TABLE ~t ALTER COLUMN a TYPE int USING a::int", want: "error 42883", truth: "42883"},
		{name: "function dropped", base: "CREATE FUNCTION ~f(int) RETURNS int LANGUAGE sql AS 'SELECT $1'", sql: "SELECT ~f(1)", release: "DROP FUNCTION ~f(int)", want: "error 42883", truth: "42883"},
		{name: "type of a cast dropped", base: "CREATE TYPE ~m AS ENUM ('a', 'b')", sql: "SELECT 'a'::~m", release: "DROP TYPE ~m", want: "error 42704", truth: "42704"},
		{name: "type named by a literal dropped", base: "CREATE TYPE ~m AS ENUM ('a', 'b')", sql: "SELECT '~m'::regtype", release: "DROP TYPE ~m", want: "error 42704", truth: "42704"},
		// Labels.
		{name: "label in WHERE renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "SELECT count(*) FROM ~t WHERE m = 'paid'", release: "ALTER TYPE ~m RENAME VALUE 'paid' TO 'settled'", want: "error 22P02", truth: "22P02"},
		{name: "another label renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "SELECT count(*) FROM ~t WHERE m = 'paid'", release: "ALTER TYPE ~m RENAME VALUE 'new' TO 'fresh'", want: "ok", truth: "ok"},
		{name: "label in a list renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid', 'lost'); CREATE TABLE ~t (m ~m)", sql: "SELECT count(*) FROM ~t WHERE m IN ('new', 'paid')", release: "ALTER TYPE ~m RENAME VALUE 'paid' TO 'settled'", want: "error 22P02", truth: "22P02"},
		{name: "label in INSERT renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "INSERT INTO ~t VALUES ('new')", release: "ALTER TYPE ~m RENAME VALUE 'new' TO 'fresh'", want: "error 22P02", truth: "22P02"},
		{name: "label in an array renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "SELECT count(*) FROM ~t WHERE m = ANY ('{new,paid}')", release: "ALTER TYPE ~m RENAME VALUE 'new' TO 'fresh'", want: "error 22P02", truth: "22P02"},
		{name: "label as a parameter renamed", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "SELECT count(*) FROM ~t WHERE m = $1", args: []any{"paid"}, release: "ALTER TYPE ~m RENAME VALUE 'paid' TO 'settled'", want: "warning 22P02", truth: "22P02"},
		{name: "label added", base: "CREATE TYPE ~m AS ENUM ('new', 'paid'); CREATE TABLE ~t (m ~m)", sql: "INSERT INTO ~t VALUES ('paid')", release: "ALTER TYPE ~m ADD VALUE 'lost'", want: "ok", truth: "ok"},
		{name: "text becomes an enum", base: "CREATE TABLE ~t (a text)", sql: "INSERT INTO ~t (a) VALUES ($1)", args: []any{"odd"}, release: "DELETE FROM ~t;\nCREATE TYPE ~m AS ENUM ('new');\nALTER TABLE ~t ALTER COLUMN a TYPE ~m USING a::~m", want: "error 42804", truth: "42804"},
		// Constraints.
		{name: "check added", base: "CREATE TABLE ~t (a int)", sql: "INSERT INTO ~t (a) VALUES (0)", release: "ALTER TABLE ~t ADD CHECK (a > 0) NOT VALID", want: "warning 23514", truth: "23514"},
		{name: "unique added", base: "CREATE TABLE ~t (a int)", sql: "INSERT INTO ~t (a) VALUES (1)", release: "DELETE FROM ~t;\nINSERT INTO ~t VALUES (1);\nCREATE UNIQUE INDEX ON ~t (a)", want: "warning 23505", truth: "23505"},
		{name: "foreign key added", base: "CREATE TABLE ~p (id int PRIMARY KEY); CREATE TABLE ~t (p int)", sql: "INSERT INTO ~t (p) VALUES (7)", release: "ALTER TABLE ~t ADD FOREIGN KEY (p) REFERENCES ~p NOT VALID", want: "warning 23503", truth: "23503"},
		{name: "foreign key to it added", base: "CREATE TABLE ~p (id int PRIMARY KEY); CREATE TABLE ~c (p int); INSERT INTO ~p VALUES (1)", sql: "DELETE FROM ~p WHERE id = 2", release: "ALTER TABLE ~c ADD FOREIGN KEY (p) REFERENCES ~p", after: "INSERT INTO ~p VALUES (2); INSERT INTO ~c VALUES (2)", want: "warning 23503", truth: "23503"},
		{name: "arbiter dropped", base: "CREATE TABLE ~t (a int, CONSTRAINT ~k UNIQUE (a))", sql: "INSERT INTO ~t (a) VALUES (1) ON CONFLICT (a) DO NOTHING", release: "ALTER TABLE ~t DROP CONSTRAINT ~k", want: "error 42P10", truth: "42P10"},
		{name: "named arbiter renamed", base: "CREATE TABLE ~t (a int, CONSTRAINT ~k UNIQUE (a))", sql: "INSERT INTO ~t (a) VALUES (1) ON CONFLICT ON CONSTRAINT ~k DO NOTHING", release: "ALTER TABLE ~t RENAME CONSTRAINT ~k TO ~l", want: "error 42704", truth: "42704"},
		{name: "check of a domain added", base: "CREATE DOMAIN ~d AS text; CREATE TABLE ~t (a ~d)", sql: "INSERT INTO ~t (a) VALUES ('x')", release: "ALTER DOMAIN ~d ADD CHECK (length(VALUE) > 1) NOT VALID", want: "warning 23514", truth: "23514"},
		// Privileges.
		{name: "SELECT revoked", base: "CREATE TABLE ~t (a int); GRANT SELECT ON ~t TO @", role: handmadeRole, sql: "SELECT a FROM ~t", release: "REVOKE SELECT ON ~t FROM @", want: "error 42501", truth: "42501"},
		{name: "SELECT of one column left", base: "CREATE TABLE ~t (a int, b int); GRANT SELECT ON ~t TO @", role: handmadeRole, sql: "SELECT a FROM ~t", release: "REVOKE SELECT ON ~t FROM @;\nGRANT SELECT (a) ON ~t TO @", want: "ok", truth: "ok"},
		{name: "INSERT revoked", base: "CREATE TABLE ~t (a int); GRANT INSERT ON ~t TO @", role: handmadeRole, sql: "INSERT INTO ~t VALUES ($1)", args: []any{1}, release: "REVOKE INSERT ON ~t FROM @", want: "error 42501", truth: "42501"},
		{name: "EXECUTE revoked", base: "CREATE FUNCTION ~f(int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN $1; END'", role: handmadeRole, sql: "SELECT ~f(1)", release: "REVOKE EXECUTE ON FUNCTION ~f(int) FROM PUBLIC", want: "error 42501", truth: "42501"},
		{name: "USAGE of a schema revoked", base: "CREATE SCHEMA ~s; GRANT USAGE ON SCHEMA ~s TO @; CREATE TABLE ~s.t (a int); GRANT SELECT ON ~s.t TO @", role: handmadeRole, sql: "SELECT a FROM ~s.t", release: "REVOKE USAGE ON SCHEMA ~s FROM @", want: "error 42501", truth: "42501"},
		{name: "privilege lost as the table is recreated", base: "CREATE TABLE ~t (a int); GRANT SELECT ON ~t TO @", role: handmadeRole, sql: "SELECT a FROM ~t", release: "DROP TABLE ~t;\nCREATE TABLE ~t (a int)", want: "error 42501", truth: "42501"},
		{name: "owner asks after a REVOKE", base: "CREATE TABLE ~t (a int); GRANT SELECT ON ~t TO @", sql: "SELECT a FROM ~t", release: "REVOKE SELECT ON ~t FROM @", want: "ok", truth: "ok"},
		// Policies.
		{name: "policy hides rows", base: "CREATE TABLE ~t (a int); INSERT INTO ~t VALUES (1); GRANT SELECT ON ~t TO @", role: handmadeRole, sql: "SELECT a FROM ~t", release: "ALTER TABLE ~t ENABLE ROW LEVEL SECURITY", want: "warning hidden-rows", truth: "rows"},
		{name: "policy refuses a row", base: "CREATE TABLE ~t (a int); GRANT INSERT ON ~t TO @", role: handmadeRole, sql: "INSERT INTO ~t VALUES (1)", release: "CREATE POLICY ~p ON ~t USING (a > 1);\nALTER TABLE ~t ENABLE ROW LEVEL SECURITY", want: "warning 42501", truth: "42501"},
		{name: "policy narrowed", base: "CREATE TABLE ~t (a int); INSERT INTO ~t VALUES (1); GRANT SELECT ON ~t TO @; CREATE POLICY ~p ON ~t USING (true); ALTER TABLE ~t ENABLE ROW LEVEL SECURITY", role: handmadeRole, sql: "SELECT a FROM ~t", release: "ALTER POLICY ~p ON ~t USING (a > 1)", want: "warning hidden-rows", truth: "rows"},
		{name: "policy for the owner", base: "CREATE TABLE ~t (a int); INSERT INTO ~t VALUES (1)", sql: "SELECT a FROM ~t", release: "ALTER TABLE ~t ENABLE ROW LEVEL SECURITY", want: "ok", truth: "ok"},
		// Triggers.
		{name: "trigger that raises", base: "CREATE TABLE ~t (a int)", sql: "INSERT INTO ~t VALUES (0)", release: "CREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a < 1 THEN RAISE EXCEPTION 'too small'; END IF; RETURN NEW; END $$;\nCREATE TRIGGER ~g BEFORE INSERT ON ~t FOR EACH ROW EXECUTE FUNCTION ~f()", want: "warning P0001", truth: "P0001"},
		{name: "trigger that raises, and a required column", base: "CREATE TABLE ~t (a int, b int)", sql: "INSERT INTO ~t (a) VALUES (5)", release: "DELETE FROM ~t;\nALTER TABLE ~t ALTER COLUMN b SET NOT NULL;\nCREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a < 1 THEN RAISE EXCEPTION 'too small'; END IF; RETURN NEW; END $$;\nCREATE TRIGGER ~g BEFORE INSERT ON ~t FOR EACH ROW EXECUTE FUNCTION ~f()", want: "error 23502", truth: "23502"},
		{name: "trigger's function raises now", base: "CREATE TABLE ~t (a int); CREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER ~g BEFORE UPDATE ON ~t FOR EACH ROW EXECUTE FUNCTION ~f(); INSERT INTO ~t VALUES (1)", sql: "UPDATE ~t SET a = 0", release: "CREATE OR REPLACE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.a < 1 THEN RAISE EXCEPTION 'too small'; END IF; RETURN NEW; END $$", want: "warning P0001", truth: "P0001"},
		{name: "trigger that runs a query", base: "CREATE TABLE ~t (a int)", sql: "INSERT INTO ~t VALUES (1)", release: "CREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO nowhere VALUES (1); RETURN NEW; END';\nCREATE TRIGGER ~g AFTER INSERT ON ~t FOR EACH ROW EXECUTE FUNCTION ~f()", want: "not judged", truth: "42P01"},
		{name: "trigger that sets a column", base: "CREATE TABLE ~t (a int, at timestamptz)", sql: "INSERT INTO ~t (a) VALUES (1)", release: "CREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';\nCREATE TRIGGER ~g BEFORE INSERT ON ~t FOR EACH ROW EXECUTE FUNCTION ~f()", want: "ok", truth: "ok"},
		{name: "trigger on another event", base: "CREATE TABLE ~t (a int)", sql: "SELECT a FROM ~t", release: "CREATE FUNCTION ~f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;\nCREATE TRIGGER ~g BEFORE INSERT ON ~t FOR EACH ROW EXECUTE FUNCTION ~f()", want: "ok", truth: "ok"},
		// Views.
		{name: "view loses a column", base: "CREATE TABLE ~t (a int, b int); CREATE VIEW ~v AS SELECT a, b FROM ~t", sql: "SELECT b FROM ~v", release: "DROP VIEW ~v;\nCREATE VIEW ~v AS SELECT a FROM ~t", want: "error 42703", truth: "42703"},
		{name: "view groups under FOR UPDATE", base: "CREATE TABLE ~t (a int); CREATE VIEW ~v AS SELECT a FROM ~t", sql: "SELECT a FROM ~v FOR UPDATE", release: "CREATE OR REPLACE VIEW ~v AS SELECT a FROM ~t GROUP BY a", want: "error 0A000", truth: "0A000"},
		{name: "view groups under UPDATE", base: "CREATE TABLE ~t (a int); CREATE VIEW ~v AS SELECT a FROM ~t", sql: "UPDATE ~v SET a = 1", release: "CREATE OR REPLACE VIEW ~v AS SELECT a FROM ~t GROUP BY a", want: "error 55000", truth: "55000"},
		{name: "materialised view without data", base: "CREATE TABLE ~t (a int); CREATE MATERIALIZED VIEW ~v AS SELECT a FROM ~t", sql: "SELECT a FROM ~v", release: "DROP MATERIALIZED VIEW ~v;\nCREATE MATERIALIZED VIEW ~v AS SELECT a FROM ~t WITH NO DATA", want: "error 55000", truth: "55000"},
		{name: "materialised view with data", base: "CREATE TABLE ~t (a int); CREATE MATERIALIZED VIEW ~v AS SELECT a FROM ~t", sql: "SELECT a FROM ~v", release: "DROP MATERIALIZED VIEW ~v;\nCREATE MATERIALIZED VIEW ~v AS SELECT a FROM ~t", want: "ok", truth: "ok"},
		// Sequences.
		{name: "sequence renamed", base: "CREATE SEQUENCE ~s", sql: "SELECT nextval('~s')", release: "ALTER SEQUENCE ~s RENAME TO ~r", want: "error 42P01", truth: "42P01"},
		{name: "sequence dropped before setval", base: "CREATE SEQUENCE ~s", sql: "SELECT setval('~s', 5)", release: "DROP SEQUENCE ~s", want: "error 42P01", truth: "42P01"},
		{name: "sequence of a default revoked", base: "CREATE TABLE ~t (id serial, a int); GRANT INSERT ON ~t TO @; GRANT USAGE ON SEQUENCE ~t_id_seq TO @", role: handmadeRole, sql: "INSERT INTO ~t (a) VALUES (1)", release: "REVOKE USAGE ON SEQUENCE ~t_id_seq FROM @", want: "error 42501", truth: "42501"},
		{name: "sequence of a default revoked, value given", base: "CREATE TABLE ~t (id serial, a int); GRANT INSERT ON ~t TO @; GRANT USAGE ON SEQUENCE ~t_id_seq TO @", role: handmadeRole, sql: "INSERT INTO ~t (id, a) VALUES (1, 1)", release: "REVOKE USAGE ON SEQUENCE ~t_id_seq FROM @", want: "ok", truth: "ok"},
		{name: "sequence revoked", base: "CREATE SEQUENCE ~s; GRANT USAGE ON SEQUENCE ~s TO @", role: handmadeRole, sql: "SELECT nextval('~s')", release: "REVOKE USAGE ON SEQUENCE ~s FROM @", want: "error 42501", truth: "42501"},
		{name: "serial column renamed", base: "CREATE TABLE ~t (id serial)", sql: "SELECT pg_get_serial_sequence('~t', 'id')", release: "ALTER TABLE ~t RENAME id TO key", want: "error 42703", truth: "42703"},
		{name: "configuration of text search dropped", base: "CREATE TEXT SEARCH CONFIGURATION ~c (COPY = simple)", sql: "SELECT to_tsvector('~c', 'a word')", release: "DROP TEXT SEARCH CONFIGURATION ~c", want: "error 42704", truth: "42704"},
		// Partitions.
		{name: "partition detached", base: "CREATE TABLE ~t (a int) PARTITION BY RANGE (a); CREATE TABLE ~t1 PARTITION OF ~t FOR VALUES FROM (0) TO (10)", sql: "INSERT INTO ~t VALUES ($1)", args: []any{5}, release: "ALTER TABLE ~t DETACH PARTITION ~t1", want: "warning 23514", truth: "23514"},
		{name: "row outside of a partition", base: "CREATE TABLE ~t (a int) PARTITION BY RANGE (a); CREATE TABLE ~u (a int)", sql: "INSERT INTO ~u VALUES (50)", release: "DELETE FROM ~u;\nALTER TABLE ~t ATTACH PARTITION ~u FOR VALUES FROM (0) TO (10)", want: "warning 23514", truth: "23514"},
		{name: "partition detached beside a default one", base: "CREATE TABLE ~t (a int) PARTITION BY RANGE (a); CREATE TABLE ~t1 PARTITION OF ~t FOR VALUES FROM (0) TO (10); CREATE TABLE ~t2 PARTITION OF ~t DEFAULT", sql: "INSERT INTO ~t VALUES ($1)", args: []any{5}, release: "ALTER TABLE ~t DETACH PARTITION ~t1", want: "ok", truth: "ok"},
	}
	for i := range list {
		h := &list[i]
		r := strings.NewReplacer("~", fmt.Sprintf("h%02d_", i+1), "@", handmadeRole)
		h.base, h.sql, h.release, h.after = r.Replace(h.base), r.Replace(h.sql), r.Replace(h.release), r.Replace(h.after)
	}
	return list
}()
