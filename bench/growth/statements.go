//go:build unix

package main

import "slices"

// statements are files with many statements.
func statements() []shape {
	return slices.Concat(tables(), oneTable(), rows(), programs(), objects(), transactions(), maintenance(), odd())
}

const table = "CREATE TABLE t (id bigint PRIMARY KEY, a integer, b text);\n"

// tables are many tables, known and unknown.
func tables() []shape {
	return []shape{
		many("select", 10_000, "", "SELECT 1;\n"),
		many("create", 1_000, "", "CREATE TABLE t#: (id bigint PRIMARY KEY, a integer);\n"),
		many("create-alter", 1_000, "", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\n"),
		many("create-drop", 1_000, "", "CREATE TABLE t#: (id bigint);\nDROP TABLE t#:;\n"),
		many("drop-create", 1_000, "", "DROP TABLE IF EXISTS t#:;\nCREATE TABLE t#: (id bigint);\n"),
		many("drop-unknown", 1_000, "", "DROP TABLE t#:;\n"),
		many("drop-column-unknown", 1_000, "", "ALTER TABLE t#: DROP COLUMN a;\n"),
		many("rename-unknown", 1_000, "", "ALTER TABLE t#: RENAME COLUMN a TO b;\n"),
		many("truncate-unknown", 1_000, "", "TRUNCATE t#:;\n"),
		many("retype-unknown", 1_000, "", "ALTER TABLE t#: ALTER COLUMN a TYPE bigint;\n"),
		many("add-required-unknown", 1_000, "", "ALTER TABLE t#: ADD COLUMN a integer NOT NULL;\n"),
		many("set-not-null-unknown", 1_000, "", "ALTER TABLE t#: ALTER COLUMN a SET NOT NULL;\n"),
		many("foreign-key-unknown", 1_000, "", "ALTER TABLE t#: ADD FOREIGN KEY (a) REFERENCES u#: (id);\n"),
		many("check-unknown", 1_000, "", "ALTER TABLE t#: ADD CONSTRAINT c CHECK (a > 0);\n"),
		many("unique-unknown", 1_000, "", "ALTER TABLE t#: ADD CONSTRAINT c#: UNIQUE (a);\n"),
	}
}

// oneTable are many changes of one object.
func oneTable() []shape {
	return []shape{
		many("one-table-add", 200, table, "ALTER TABLE t ADD COLUMN c#: integer;\n"),
		many("one-table-add-drop", 1_000, table, "ALTER TABLE t ADD COLUMN c integer;\nALTER TABLE t DROP COLUMN c;\n"),
		many("one-table-set-default", 1_000, table, "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;\n"),
		many("one-table-check", 200, table, "ALTER TABLE t ADD CONSTRAINT c#: CHECK (a > #:);\n"),
		many("one-table-foreign-key", 200, table+"CREATE TABLE u (id bigint PRIMARY KEY);\n", "ALTER TABLE t ADD CONSTRAINT f#: FOREIGN KEY (a) REFERENCES u (id);\n"),
		many("one-table-referenced", 200, table, "CREATE TABLE u#: (id bigint PRIMARY KEY, t bigint REFERENCES t (id));\n"),
		many("one-table-validate", 200, table, "ALTER TABLE t ADD CONSTRAINT c#: CHECK (a > #:) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c#:;\n"),
		many("one-table-index", 500, table, "CREATE INDEX i#: ON t (a);\n"),
		many("one-table-index-concurrently", 500, table, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i#: ON t (a);\n"),
		many("one-table-index-drop", 500, table, "CREATE INDEX i#: ON t (a);\nDROP INDEX i#:;\n"),
		many("one-unknown-index", 500, "", "CREATE INDEX i#: ON t (a);\n"),
		many("drop-index-unknown", 1_000, "", "DROP INDEX i#:;\n"),
		many("one-table-view", 200, table, "CREATE VIEW v#: AS SELECT id, a FROM t WHERE a > #:;\n"),
		many("one-table-trigger", 500, table+"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n", "CREATE TRIGGER g#: BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\n"),
		many("one-table-policy", 500, table, "CREATE POLICY p#: ON t USING (a > #:);\n"),
		many("one-table-grant", 1_000, table, "GRANT SELECT ON t TO r#:;\n"),
		many("one-table-rule", 200, table, "CREATE RULE r#: AS ON INSERT TO t DO ALSO NOTIFY x;\n"),
		many("one-table-comment", 1_000, table, "COMMENT ON COLUMN t.a IS 'number #:';\n"),
		many("one-table-rename", 1_000, table, "ALTER TABLE t RENAME TO u;\nALTER TABLE u RENAME TO t;\n"),
		many("one-table-rename-column", 1_000, table, "ALTER TABLE t RENAME a TO c;\nALTER TABLE t RENAME c TO a;\n"),
		many("one-table-statistics", 200, table, "CREATE STATISTICS s#: ON a, b FROM t;\n"),
		many("one-table-partition", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY LIST (a);\n", "CREATE TABLE p#: PARTITION OF t FOR VALUES IN (#:);\n"),
		many("one-table-range-partition", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY RANGE (a);\n", "CREATE TABLE p#: PARTITION OF t FOR VALUES FROM (#:) TO (#+);\n"),
		many("one-table-attach", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY LIST (a);\n", "CREATE TABLE p#: (id bigint, a integer);\nALTER TABLE t ATTACH PARTITION p#: FOR VALUES IN (#:);\n"),
		many("one-table-inherits", 200, table, "CREATE TABLE p#: () INHERITS (t);\n"),
		many("one-function-triggers", 200, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n", "CREATE TABLE t#: (a integer);\nCREATE TRIGGER g BEFORE INSERT ON t#: FOR EACH ROW EXECUTE FUNCTION f();\n"),
		many("one-type-columns", 500, "CREATE TYPE e AS ENUM ('a');\n", "CREATE TABLE t#: (a e);\n"),
		many("one-sequence-defaults", 500, "CREATE SEQUENCE s;\n", "CREATE TABLE t#: (a integer DEFAULT nextval('s'));\n"),
	}
}

// rows are statements that write.
func rows() []shape {
	return []shape{
		many("insert", 2_000, table, "INSERT INTO t (id, a, b) VALUES (#:, 1, 'some text that is stored');\n"),
		many("insert-unknown", 2_000, "", "INSERT INTO t (id, a, b) VALUES (#:, 1, 'some text that is stored');\n"),
		many("insert-tables", 1_000, "", "CREATE TABLE t#: (id bigint);\nINSERT INTO t#: (id) VALUES (1);\n"),
		many("insert-select", 1_000, table, "INSERT INTO t (id, a) SELECT a, id FROM t WHERE id = #:;\n"),
		many("insert-conflict", 1_000, table, "INSERT INTO t (id, a) VALUES (#:, 1) ON CONFLICT (id) DO UPDATE SET a = 1;\n"),
		many("update", 1_000, table, "UPDATE t SET a = #: WHERE id = #:;\n"),
		many("update-unknown", 1_000, "", "UPDATE t SET a = #: WHERE b = #:;\n"),
		many("update-all", 1_000, "", "UPDATE t#: SET a = 1;\n"),
		many("delete", 1_000, "", "DELETE FROM t WHERE a = #:;\n"),
	}
}

// programs are functions, DO blocks, and the types that they take.
func programs() []shape {
	return []shape{
		many("function", 500, table, "CREATE FUNCTION f#:() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM t';\n"),
		many("function-plpgsql", 500, table, "CREATE FUNCTION f#:() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\n"),
		many("function-replaced", 500, table, "CREATE OR REPLACE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) + #: FROM t';\n"),
		many("function-overloads", 200, "", "CREATE TYPE y#: AS (a integer);\nCREATE FUNCTION f(y#:) RETURNS integer LANGUAGE sql AS 'SELECT 1';\n"),
		many("function-called", 200, table, "CREATE FUNCTION f#:() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\nSELECT f#:();\n"),
		many("call-one", 500, table+"CREATE PROCEDURE f() LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\n", "CALL f();\n"),
		many("do", 500, table, "DO $$ BEGIN IF true THEN ALTER TABLE t ALTER COLUMN a SET DEFAULT #:; END IF; END $$;\n"),
		many("do-execute", 500, table, "DO $$ BEGIN EXECUTE 'ALTER TABLE t ALTER COLUMN a SET DEFAULT #:'; END $$;\n"),
		many("do-dynamic", 500, table, "DO $$ DECLARE x text; BEGIN SELECT a INTO x FROM t; EXECUTE format('DROP TABLE %I', x); END $$;\n"),
		many("enum-type", 500, "", "CREATE TYPE e#: AS ENUM ('a', 'b');\n"),
		many("enum-value", 200, "CREATE TYPE e AS ENUM ('a');\n", "ALTER TYPE e ADD VALUE 'v#:';\n"),
		many("domain", 500, "", "CREATE DOMAIN d#: AS text CHECK (VALUE <> '#:');\n"),
		many("composite-attributes", 200, "CREATE TYPE y AS (a integer);\n", "ALTER TYPE y ADD ATTRIBUTE a#: integer;\n"),
	}
}

// objects are what there is beside tables.
func objects() []shape {
	return []shape{
		many("schema", 1_000, "", "CREATE SCHEMA s#:;\nCREATE TABLE s#:.t (a integer);\n"),
		many("sequence", 1_000, "", "CREATE SEQUENCE s#:;\n"),
		many("role", 1_000, "", "CREATE ROLE r#:;\n"),
		many("extension", 1_000, "", "CREATE EXTENSION IF NOT EXISTS e#:;\n"),
		many("publication", 200, "CREATE PUBLICATION p;\n", "CREATE TABLE t#: (id bigint PRIMARY KEY);\nALTER PUBLICATION p ADD TABLE t#:;\n"),
		many("materialized-view", 500, table, "CREATE MATERIALIZED VIEW v#: AS SELECT a FROM t;\nREFRESH MATERIALIZED VIEW v#:;\n"),
		many("create-table-as", 500, table, "CREATE TABLE t#: AS SELECT a, b FROM t;\n"),
		many("create-like", 500, table, "CREATE TABLE t#: (LIKE t INCLUDING ALL);\n"),
		many("set", 1_000, "", "SET lock_timeout = '#:ms';\n"),
		many("search-path", 1_000, "", "SET search_path = s#:, public;\nCREATE TABLE s#:.t (a integer);\n"),
	}
}

// transactions are long, many or nested.
func transactions() []shape {
	return []shape{
		many("transactions", 1_000, "", "BEGIN;\nCREATE TABLE t#: (id bigint);\nCOMMIT;\n"),
		many("one-transaction", 1_000, "BEGIN;\n", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\n", "--transaction", "none"),
		many("one-transaction-unknown", 500, "BEGIN;\n", "ALTER TABLE t#: ADD COLUMN a integer;\n"),
		many("one-transaction-one-table", 500, "BEGIN;\n", "ALTER TABLE t ADD COLUMN a#: integer;\nUPDATE t SET a#: = 1;\n"),
		many("one-transaction-index", 500, "BEGIN;\n", "CREATE INDEX i#: ON t#: (a);\n"),
		many("one-transaction-columns-changed", 500, "BEGIN;\n"+table, "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;\n"),
		many("one-message", 500, "", "ALTER TABLE t#: ADD COLUMN a integer;\nUPDATE t#: SET a = 1;\n", "--transaction", "message"),
		many("savepoints", 1_000, "BEGIN;\n", "SAVEPOINT s;\nCREATE TABLE t#: (id bigint);\nROLLBACK TO s;\n"),
		many("savepoints-open", 1_000, "BEGIN;\n", "SAVEPOINT s#:;\nCREATE TABLE t#: (id bigint);\n"),
		many("begin-only", 1_000, "", "BEGIN;\n"),
	}
}

// maintenance is what runs on many tables.
func maintenance() []shape {
	return []shape{
		many("concurrent-tables", 500, "", "CREATE INDEX CONCURRENTLY i#: ON t#: (a);\n"),
		many("reindex", 500, "", "REINDEX TABLE t#:;\n"),
		many("vacuum", 500, "", "VACUUM FULL t#:;\n"),
		many("lock", 500, "BEGIN;\n", "LOCK TABLE t#:;\n"),
		many("disable-trigger", 500, "", "ALTER TABLE t#: DISABLE TRIGGER ALL;\nUPDATE t#: SET a = 1 WHERE b = 2;\nALTER TABLE t#: ENABLE TRIGGER ALL;\n"),
		many("owner", 1_000, "", "ALTER TABLE t#: OWNER TO r;\n"),
		many("revoke", 1_000, "", "REVOKE ALL ON t#: FROM r;\n"),
		many("drop-owned", 500, "", "CREATE TABLE t#: (a integer);\nDROP OWNED BY r#:;\n"),
		many("drop-function-unknown", 500, "", "DROP FUNCTION f#:();\n"),
		many("drop-view-unknown", 500, "", "DROP VIEW v#:;\n"),
		many("drop-type-unknown", 500, "", "DROP TYPE e#:;\n"),
		many("swap", 200, table, "CREATE TABLE n#: (LIKE t INCLUDING ALL);\nINSERT INTO n#: SELECT * FROM t;\nDROP TABLE t;\nALTER TABLE n#: RENAME TO t;\n"),
	}
}

// odd are texts that are no plain list of statements.
func odd() []shape {
	return []shape{
		many("broken", 1_000, "", "ALTER TABEL t#: ADD a;\n"),
		many("capitals", 500, "", "CREATE TABLE \"Users#:\" (id bigint);\nSELECT * FROM Users#:;\n"),
		many("long-names", 500, "", "CREATE TABLE a_name_that_is_longer_than_the_63_bytes_which_postgres_keeps_of_it_#: (id bigint);\n"),
		many("copy-blocks", 1_000, table, "COPY t FROM stdin;\n1\t2\tx\n\\.\n"),
		many("psql", 1_000, "", "\\set x #:\nSELECT 1;\n"),
		one("copy-data", 10_000, func(in *input, n int) {
			in.print(table + "COPY t FROM stdin;\n")
			in.each(n, "#:\t7\tsome text that is stored\n")
			in.print("\\.\n")
		}),
		one("suppressions", 1_000, func(in *input, n int) {
			in.each(n, "-- onward:ignore table-drop: nobody reads it\nDROP TABLE t#:;\n")
		}),
		one("suppressions-file", 500, func(in *input, n int) {
			in.each(n, "-- onward:ignore-file table-drop: nobody reads it\nDROP TABLE t#:;\n")
		}),
		one("suppressions-unused", 1_000, func(in *input, n int) {
			in.each(n, "-- onward:ignore column-drop: nobody reads it\nSELECT 1;\n")
		}),
		one("suppressions-one-statement", 1_000, func(in *input, n int) {
			in.each(n, "-- onward:ignore column-drop: nobody reads it\n")
			in.print("DROP TABLE t;\n")
		}),
		one("comments", 10_000, func(in *input, n int) { in.each(n, "-- comment #:\n/* another */\n") }),
		one("semicolons", 100_000, func(in *input, n int) { in.each(n, ";") }),
		one("goose-markers", 1_000, func(in *input, n int) {
			in.print("-- +goose Up\n")
			in.each(n, "-- +goose StatementBegin\nCREATE TABLE t#: (id bigint);\n-- +goose StatementEnd\n")
			in.print("-- +goose Down\n")
			in.each(n, "DROP TABLE t#:;\n")
		}),
	}
}
