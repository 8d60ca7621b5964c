//go:build unix

package main

import "slices"

// chainShapes are files in which each statement depends on the one before: CREATE VIEW v2 AS SELECT a FROM v1.
func chainShapes() []shape { return slices.Concat(familyShapes(), dependentShapes()) }

// familyShapes are tables above and below one another.
func familyShapes() []shape {
	return []shape{
		manyStatements("chain-partition", 50, "CREATE TABLE p0 (a integer) PARTITION BY RANGE (a);\n",
			"CREATE TABLE p#+ PARTITION OF p#: FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (a);\n"),
		manyStatements("chain-inherits", 50, "CREATE TABLE p0 (a integer);\n", "CREATE TABLE p#+ () INHERITS (p#:);\n"),
		oneFile("partitions-altered", 2_000, func(in *input, n int) {
			in.printText("CREATE TABLE t (a integer) PARTITION BY LIST (a);\n")
			in.printEach(n, "CREATE TABLE p#: PARTITION OF t FOR VALUES IN (#:);\n")
			in.printText("ALTER TABLE t ADD COLUMN b integer NOT NULL;\nCREATE INDEX i ON t (a);\nALTER TABLE t ALTER COLUMN a TYPE bigint;\n" +
				"ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0);\nALTER TABLE t DROP COLUMN b;\nDROP TABLE t;\n")
		}),
	}
}

// dependentShapes are other objects that build upon the one before.
func dependentShapes() []shape {
	return []shape{
		manyStatements("chain-view", 100, "CREATE VIEW v0 AS SELECT 1 AS a;\n", "CREATE VIEW v#+ AS SELECT a FROM v#:;\n"),
		manyStatements("chain-view-star", 100, "CREATE TABLE v0 (a integer, b text);\n", "CREATE VIEW v#+ AS SELECT * FROM v#:;\n"),
		oneFile("chain-view-dropped", 100, func(in *input, n int) {
			in.printText("CREATE TABLE v0 (a integer);\n")
			in.printEach(n, "CREATE VIEW v#+ AS SELECT a FROM v#:;\n")
			in.printText("DROP TABLE v0 CASCADE;\n")
		}),
		oneFile("chain-view-altered", 400, func(in *input, n int) {
			in.printText("CREATE TABLE v0 (a integer, b text);\n")
			in.printEach(n, "CREATE VIEW v#+ AS SELECT a, b FROM v#:;\n")
			in.printText("ALTER TABLE v0 ALTER COLUMN a TYPE bigint;\nCREATE OR REPLACE VIEW v1 AS SELECT a, b FROM v0 WHERE a > 0;\n" +
				"ALTER TABLE v0 DROP COLUMN a CASCADE;\n")
		}),
		oneFile("views-dropped", 200, func(in *input, n int) {
			in.printText("CREATE TABLE t (a integer);\n")
			in.printEach(n, "CREATE VIEW v#: AS SELECT a FROM t;\n")
			in.printText("DROP TABLE t CASCADE;\n")
		}),
		manyStatements("chain-rename", 1_000, "CREATE TABLE t0 (a integer);\n", "ALTER TABLE t#: RENAME TO t#+;\n"),
		manyStatements("chain-rename-column", 1_000, "CREATE TABLE t (c0 integer);\n", "ALTER TABLE t RENAME c#: TO c#+;\n"),
		manyStatements("chain-rename-unknown", 1_000, "", "ALTER TABLE t#: RENAME TO t#+;\n"),
		manyStatements("chain-function", 100, "CREATE FUNCTION f0() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n",
			"CREATE FUNCTION f#+() RETURNS integer LANGUAGE sql AS 'SELECT f#:()';\n"),
		oneFile("chain-function-called", 100, func(in *input, n int) {
			in.printText("CREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; END';\n")
			in.printEach(n, "CREATE FUNCTION f#+() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f#:(); END';\n")
			in.printEach(1, "SELECT f1();\n")
			in.printText(insertNumber("SELECT f#:();\n", n))
		}),
		oneFile("function-calls-two", 3, func(in *input, n int) {
			in.printText("CREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; END';\n")
			in.printEach(n, "CREATE FUNCTION f#+() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f#:(); PERFORM f#:(); END';\n")
			in.printText(insertNumber("SELECT f#:();\n", n))
		}),
		oneFile("view-joins-two", 3, func(in *input, n int) {
			in.printText("CREATE TABLE v0 (a integer);\n")
			in.printEach(n, "CREATE VIEW v#+ AS SELECT x.a FROM v#: x JOIN v#: y ON x.a = y.a;\n")
			in.printText(insertNumber("DELETE FROM t WHERE a IN (SELECT a FROM v#:);\n", n))
			in.printText("ALTER TABLE v0 ALTER a TYPE bigint;\n")
		}),
		manyStatements("chain-domain", 100, "CREATE DOMAIN d0 AS integer;\n", "CREATE DOMAIN d#+ AS d#:;\n"),
		manyStatements("chain-foreign-key", 200, "CREATE TABLE t0 (id bigint PRIMARY KEY);\n",
			"CREATE TABLE t#+ (id bigint PRIMARY KEY REFERENCES t#: ON DELETE CASCADE);\n"),
		oneFile("chain-foreign-key-deleted", 200, func(in *input, n int) {
			in.printText("CREATE TABLE t0 (id bigint PRIMARY KEY);\n")
			in.printEach(n, "CREATE TABLE t#+ (id bigint PRIMARY KEY REFERENCES t#: ON DELETE CASCADE);\n")
			in.printText("DELETE FROM t0;\nTRUNCATE t0 CASCADE;\nDROP TABLE t0 CASCADE;\n")
		}),
		manyStatements("chain-trigger", 100, "CREATE TABLE t0 (a integer);\n", "CREATE TABLE t#+ (a integer);\nCREATE FUNCTION f#:() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO t#+ VALUES (1); RETURN NEW; END';\nCREATE TRIGGER g AFTER INSERT ON t#: FOR EACH ROW EXECUTE FUNCTION f#:();\n"),
		manyStatements("chain-enum-rename", 500, "CREATE TYPE e AS ENUM ('v0');\n", "ALTER TYPE e RENAME VALUE 'v#:' TO 'v#+';\n"),
		oneFile("wide-table-altered", 100, func(in *input, n int) {
			in.printText("CREATE TABLE t (")
			in.printJoined(1_000, "c#: integer", ", ")
			in.printText(");\n")
			in.printEach(n, "ALTER TABLE t ALTER c5 SET DEFAULT #:;\n")
		}),
	}
}
