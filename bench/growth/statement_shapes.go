//go:build unix

package main

import "slices"

// statementShapes are files with many statements of one kind. #: in a text is the number of the statement (see printEach).
func statementShapes() []shape {
	return slices.Concat(tableShapes(), oneTableShapes(), rowShapes(), programShapes(), objectShapes(), transactionShapes(), maintenanceShapes(), oddShapes())
}

const oneTableSQL = "CREATE TABLE t (id bigint PRIMARY KEY, a integer, b text);\n"

// tableShapes are many tables, known and unknown.
func tableShapes() []shape {
	return []shape{
		manyStatements("select", 10_000, "", "SELECT 1;\n"),
		manyStatements("create", 1_000, "", "CREATE TABLE t#: (id bigint PRIMARY KEY, a integer);\n"),
		manyStatements("create-alter", 1_000, "", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\n"),
		manyStatements("create-drop", 1_000, "", "CREATE TABLE t#: (id bigint);\nDROP TABLE t#:;\n"),
		manyStatements("drop-create", 1_000, "", "DROP TABLE IF EXISTS t#:;\nCREATE TABLE t#: (id bigint);\n"),
		manyStatements("drop-unknown", 1_000, "", "DROP TABLE t#:;\n"),
		manyStatements("drop-column-unknown", 1_000, "", "ALTER TABLE t#: DROP COLUMN a;\n"),
		manyStatements("rename-unknown", 1_000, "", "ALTER TABLE t#: RENAME COLUMN a TO b;\n"),
		manyStatements("truncate-unknown", 1_000, "", "TRUNCATE t#:;\n"),
		manyStatements("retype-unknown", 1_000, "", "ALTER TABLE t#: ALTER COLUMN a TYPE bigint;\n"),
		manyStatements("add-required-unknown", 1_000, "", "ALTER TABLE t#: ADD COLUMN a integer NOT NULL;\n"),
		manyStatements("set-not-null-unknown", 1_000, "", "ALTER TABLE t#: ALTER COLUMN a SET NOT NULL;\n"),
		manyStatements("foreign-key-unknown", 1_000, "", "ALTER TABLE t#: ADD FOREIGN KEY (a) REFERENCES u#: (id);\n"),
		manyStatements("check-unknown", 1_000, "", "ALTER TABLE t#: ADD CONSTRAINT c CHECK (a > 0);\n"),
		manyStatements("unique-unknown", 1_000, "", "ALTER TABLE t#: ADD CONSTRAINT c#: UNIQUE (a);\n"),
	}
}

// oneTableShapes are many changes of one object.
func oneTableShapes() []shape {
	return []shape{
		manyStatements("one-table-add", 200, oneTableSQL, "ALTER TABLE t ADD COLUMN c#: integer;\n"),
		manyStatements("one-table-add-drop", 1_000, oneTableSQL, "ALTER TABLE t ADD COLUMN c integer;\nALTER TABLE t DROP COLUMN c;\n"),
		manyStatements("one-table-set-default", 1_000, oneTableSQL, "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;\n"),
		manyStatements("one-table-check", 200, oneTableSQL, "ALTER TABLE t ADD CONSTRAINT c#: CHECK (a > #:);\n"),
		manyStatements("one-table-foreign-key", 200, oneTableSQL+"CREATE TABLE u (id bigint PRIMARY KEY);\n",
			"ALTER TABLE t ADD CONSTRAINT f#: FOREIGN KEY (a) REFERENCES u (id);\n"),
		manyStatements("one-table-referenced", 200, oneTableSQL, "CREATE TABLE u#: (id bigint PRIMARY KEY, t bigint REFERENCES t (id));\n"),
		manyStatements("one-table-validate", 200, oneTableSQL, "ALTER TABLE t ADD CONSTRAINT c#: CHECK (a > #:) NOT VALID;\nALTER TABLE t VALIDATE CONSTRAINT c#:;\n"),
		manyStatements("one-table-index", 500, oneTableSQL, "CREATE INDEX i#: ON t (a);\n"),
		manyStatements("one-table-index-concurrently", 500, oneTableSQL, "CREATE INDEX CONCURRENTLY IF NOT EXISTS i#: ON t (a);\n"),
		manyStatements("one-table-index-drop", 500, oneTableSQL, "CREATE INDEX i#: ON t (a);\nDROP INDEX i#:;\n"),
		manyStatements("one-unknown-index", 500, "", "CREATE INDEX i#: ON t (a);\n"),
		manyStatements("drop-index-unknown", 1_000, "", "DROP INDEX i#:;\n"),
		manyStatements("one-table-view", 200, oneTableSQL, "CREATE VIEW v#: AS SELECT id, a FROM t WHERE a > #:;\n"),
		manyStatements("one-table-trigger", 500, oneTableSQL+"CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n",
			"CREATE TRIGGER g#: BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();\n"),
		manyStatements("one-table-policy", 500, oneTableSQL, "CREATE POLICY p#: ON t USING (a > #:);\n"),
		manyStatements("one-table-grant", 1_000, oneTableSQL, "GRANT SELECT ON t TO r#:;\n"),
		manyStatements("one-table-rule", 200, oneTableSQL, "CREATE RULE r#: AS ON INSERT TO t DO ALSO NOTIFY x;\n"),
		manyStatements("one-table-comment", 1_000, oneTableSQL, "COMMENT ON COLUMN t.a IS 'number #:';\n"),
		manyStatements("one-table-rename", 1_000, oneTableSQL, "ALTER TABLE t RENAME TO u;\nALTER TABLE u RENAME TO t;\n"),
		manyStatements("one-table-rename-column", 1_000, oneTableSQL, "ALTER TABLE t RENAME a TO c;\nALTER TABLE t RENAME c TO a;\n"),
		manyStatements("one-table-statistics", 200, oneTableSQL, "CREATE STATISTICS s#: ON a, b FROM t;\n"),
		manyStatements("one-table-partition", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY LIST (a);\n",
			"CREATE TABLE p#: PARTITION OF t FOR VALUES IN (#:);\n"),
		manyStatements("one-table-range-partition", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY RANGE (a);\n",
			"CREATE TABLE p#: PARTITION OF t FOR VALUES FROM (#:) TO (#+);\n"),
		manyStatements("one-table-attach", 200, "CREATE TABLE t (id bigint, a integer) PARTITION BY LIST (a);\n",
			"CREATE TABLE p#: (id bigint, a integer);\nALTER TABLE t ATTACH PARTITION p#: FOR VALUES IN (#:);\n"),
		manyStatements("one-table-inherits", 200, oneTableSQL, "CREATE TABLE p#: () INHERITS (t);\n"),
		manyStatements("one-function-triggers", 200, "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';\n",
			"CREATE TABLE t#: (a integer);\nCREATE TRIGGER g BEFORE INSERT ON t#: FOR EACH ROW EXECUTE FUNCTION f();\n"),
		manyStatements("one-type-columns", 500, "CREATE TYPE e AS ENUM ('a');\n", "CREATE TABLE t#: (a e);\n"),
		manyStatements("one-sequence-defaults", 500, "CREATE SEQUENCE s;\n", "CREATE TABLE t#: (a integer DEFAULT nextval('s'));\n"),
	}
}

// rowShapes are statements that write.
func rowShapes() []shape {
	return []shape{
		manyStatements("insert", 2_000, oneTableSQL, "INSERT INTO t (id, a, b) VALUES (#:, 1, 'some text that is stored');\n"),
		manyStatements("insert-unknown", 2_000, "", "INSERT INTO t (id, a, b) VALUES (#:, 1, 'some text that is stored');\n"),
		manyStatements("insert-tables", 1_000, "", "CREATE TABLE t#: (id bigint);\nINSERT INTO t#: (id) VALUES (1);\n"),
		manyStatements("insert-select", 1_000, oneTableSQL, "INSERT INTO t (id, a) SELECT a, id FROM t WHERE id = #:;\n"),
		manyStatements("insert-conflict", 1_000, oneTableSQL, "INSERT INTO t (id, a) VALUES (#:, 1) ON CONFLICT (id) DO UPDATE SET a = 1;\n"),
		manyStatements("update", 1_000, oneTableSQL, "UPDATE t SET a = #: WHERE id = #:;\n"),
		manyStatements("update-unknown", 1_000, "", "UPDATE t SET a = #: WHERE b = #:;\n"),
		manyStatements("update-all", 1_000, "", "UPDATE t#: SET a = 1;\n"),
		manyStatements("delete", 1_000, "", "DELETE FROM t WHERE a = #:;\n"),
	}
}

// programShapes are functions, DO blocks, and the types that they take.
func programShapes() []shape {
	return []shape{
		manyStatements("function", 500, oneTableSQL, "CREATE FUNCTION f#:() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) FROM t';\n"),
		manyStatements("function-plpgsql", 500, oneTableSQL, "CREATE FUNCTION f#:() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\n"),
		manyStatements("function-replaced", 500, oneTableSQL, "CREATE OR REPLACE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT max(id) + #: FROM t';\n"),
		manyStatements("function-overloads", 200, "", "CREATE TYPE y#: AS (a integer);\nCREATE FUNCTION f(y#:) RETURNS integer LANGUAGE sql AS 'SELECT 1';\n"),
		manyStatements("function-called", 200, oneTableSQL, "CREATE FUNCTION f#:() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\n"+
			"SELECT f#:();\n"),
		manyStatements("call-one", 500, oneTableSQL+"CREATE PROCEDURE f() LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = 1 WHERE id = 2; END';\n", "CALL f();\n"),
		manyStatements("do", 500, oneTableSQL, "DO $$ BEGIN IF true THEN ALTER TABLE t ALTER COLUMN a SET DEFAULT #:; END IF; END $$;\n"),
		manyStatements("do-execute", 500, oneTableSQL, "DO $$ BEGIN EXECUTE 'ALTER TABLE t ALTER COLUMN a SET DEFAULT #:'; END $$;\n"),
		manyStatements("do-dynamic", 500, oneTableSQL, "DO $$ DECLARE x text; BEGIN SELECT a INTO x FROM t; EXECUTE format('DROP TABLE %I', x); END $$;\n"),
		manyStatements("enum-type", 500, "", "CREATE TYPE e#: AS ENUM ('a', 'b');\n"),
		manyStatements("enum-value", 200, "CREATE TYPE e AS ENUM ('a');\n", "ALTER TYPE e ADD VALUE 'v#:';\n"),
		manyStatements("domain", 500, "", "CREATE DOMAIN d#: AS text CHECK (VALUE <> '#:');\n"),
		manyStatements("composite-attributes", 200, "CREATE TYPE y AS (a integer);\n", "ALTER TYPE y ADD ATTRIBUTE a#: integer;\n"),
	}
}

// objectShapes are many changes of objects other than tables.
func objectShapes() []shape {
	return []shape{
		manyStatements("schema", 1_000, "", "CREATE SCHEMA s#:;\nCREATE TABLE s#:.t (a integer);\n"),
		manyStatements("sequence", 1_000, "", "CREATE SEQUENCE s#:;\n"),
		manyStatements("role", 1_000, "", "CREATE ROLE r#:;\n"),
		manyStatements("extension", 1_000, "", "CREATE EXTENSION IF NOT EXISTS e#:;\n"),
		manyStatements("publication", 200, "CREATE PUBLICATION p;\n", "CREATE TABLE t#: (id bigint PRIMARY KEY);\nALTER PUBLICATION p ADD TABLE t#:;\n"),
		manyStatements("materialized-view", 500, oneTableSQL, "CREATE MATERIALIZED VIEW v#: AS SELECT a FROM t;\nREFRESH MATERIALIZED VIEW v#:;\n"),
		manyStatements("create-table-as", 500, oneTableSQL, "CREATE TABLE t#: AS SELECT a, b FROM t;\n"),
		manyStatements("create-like", 500, oneTableSQL, "CREATE TABLE t#: (LIKE t INCLUDING ALL);\n"),
		manyStatements("set", 1_000, "", "SET lock_timeout = '#:ms';\n"),
		manyStatements("search-path", 1_000, "", "SET search_path = s#:, public;\nCREATE TABLE s#:.t (a integer);\n"),
	}
}

// transactionShapes are long, many or nested.
func transactionShapes() []shape {
	return []shape{
		manyStatements("transactions", 1_000, "", "BEGIN;\nCREATE TABLE t#: (id bigint);\nCOMMIT;\n"),
		manyStatements("one-transaction", 1_000, "BEGIN;\n", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\n", "--transaction", "none"),
		manyStatements("one-transaction-unknown", 500, "BEGIN;\n", "ALTER TABLE t#: ADD COLUMN a integer;\n"),
		manyStatements("one-transaction-one-table", 500, "BEGIN;\n", "ALTER TABLE t ADD COLUMN a#: integer;\nUPDATE t SET a#: = 1;\n"),
		manyStatements("one-transaction-index", 500, "BEGIN;\n", "CREATE INDEX i#: ON t#: (a);\n"),
		manyStatements("one-transaction-columns-changed", 500, "BEGIN;\n"+oneTableSQL, "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;\n"),
		manyStatements("one-message", 500, "", "ALTER TABLE t#: ADD COLUMN a integer;\nUPDATE t#: SET a = 1;\n", "--transaction", "message"),
		manyStatements("savepoints", 1_000, "BEGIN;\n", "SAVEPOINT s;\nCREATE TABLE t#: (id bigint);\nROLLBACK TO s;\n"),
		manyStatements("savepoints-open", 1_000, "BEGIN;\n", "SAVEPOINT s#:;\nCREATE TABLE t#: (id bigint);\n"),
		manyStatements("begin-only", 1_000, "", "BEGIN;\n"),
	}
}

// maintenanceShapes is what runs on many tables.
func maintenanceShapes() []shape {
	return []shape{
		manyStatements("concurrent-tables", 500, "", "CREATE INDEX CONCURRENTLY i#: ON t#: (a);\n"),
		manyStatements("reindex", 500, "", "REINDEX TABLE t#:;\n"),
		manyStatements("vacuum", 500, "", "VACUUM FULL t#:;\n"),
		manyStatements("lock", 500, "BEGIN;\n", "LOCK TABLE t#:;\n"),
		manyStatements("disable-trigger", 500, "", "ALTER TABLE t#: DISABLE TRIGGER ALL;\nUPDATE t#: SET a = 1 WHERE b = 2;\nALTER TABLE t#: ENABLE TRIGGER ALL;\n"),
		manyStatements("owner", 1_000, "", "ALTER TABLE t#: OWNER TO r;\n"),
		manyStatements("revoke", 1_000, "", "REVOKE ALL ON t#: FROM r;\n"),
		manyStatements("drop-owned", 500, "", "CREATE TABLE t#: (a integer);\nDROP OWNED BY r#:;\n"),
		manyStatements("drop-function-unknown", 500, "", "DROP FUNCTION f#:();\n"),
		manyStatements("drop-view-unknown", 500, "", "DROP VIEW v#:;\n"),
		manyStatements("drop-type-unknown", 500, "", "DROP TYPE e#:;\n"),
		manyStatements("swap", 200, oneTableSQL, "CREATE TABLE n#: (LIKE t INCLUDING ALL);\nINSERT INTO n#: SELECT * FROM t;\nDROP TABLE t;\n"+
			"ALTER TABLE n#: RENAME TO t;\n"),
	}
}

// oddShapes are texts that are no plain list of statements.
func oddShapes() []shape {
	return []shape{
		manyStatements("broken", 1_000, "", "ALTER TABEL t#: ADD a;\n"),
		manyStatements("capitals", 500, "", "CREATE TABLE \"Users#:\" (id bigint);\nSELECT * FROM Users#:;\n"),
		manyStatements("long-names", 500, "", "CREATE TABLE a_name_that_is_longer_than_the_63_bytes_which_postgres_keeps_of_it_#: (id bigint);\n"),
		manyStatements("copy-blocks", 1_000, oneTableSQL, "COPY t FROM stdin;\n1\t2\tx\n\\.\n"),
		manyStatements("psql", 1_000, "", "\\set x #:\nSELECT 1;\n"),
		oneFile("copy-data", 10_000, func(in *input, n int) {
			in.printText(oneTableSQL + "COPY t FROM stdin;\n")
			in.printEach(n, "#:\t7\tsome text that is stored\n")
			in.printText("\\.\n")
		}),
		oneFile("suppressions", 1_000, func(in *input, n int) {
			in.printEach(n, "-- onward:ignore table-drop: nobody reads it\nDROP TABLE t#:;\n")
		}),
		oneFile("suppressions-file", 500, func(in *input, n int) {
			in.printEach(n, "-- onward:ignore-file table-drop: nobody reads it\nDROP TABLE t#:;\n")
		}),
		oneFile("suppressions-unused", 1_000, func(in *input, n int) {
			in.printEach(n, "-- onward:ignore column-drop: nobody reads it\nSELECT 1;\n")
		}),
		oneFile("suppressions-one-statement", 1_000, func(in *input, n int) {
			in.printEach(n, "-- onward:ignore column-drop: nobody reads it\n")
			in.printText("DROP TABLE t;\n")
		}),
		oneFile("comments", 10_000, func(in *input, n int) { in.printEach(n, "-- comment #:\n/* another */\n") }),
		oneFile("semicolons", 100_000, func(in *input, n int) { in.printEach(n, ";") }),
		oneFile("goose-markers", 1_000, func(in *input, n int) {
			in.printText("-- +goose Up\n")
			in.printEach(n, "-- +goose StatementBegin\nCREATE TABLE t#: (id bigint);\n-- +goose StatementEnd\n")
			in.printText("-- +goose Down\n")
			in.printEach(n, "DROP TABLE t#:;\n")
		}),
	}
}
