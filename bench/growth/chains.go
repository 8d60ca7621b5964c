//go:build unix

package main

// chains are files in which each statement builds upon the one before.
func chains() []shape {
	return []shape{
		many("chain-view", 100, "CREATE VIEW v0 AS SELECT 1 AS a;\n", "CREATE VIEW v#+ AS SELECT a FROM v#:;\n"),
		many("chain-view-star", 100, "CREATE TABLE v0 (a integer, b text);\n", "CREATE VIEW v#+ AS SELECT * FROM v#:;\n"),
		one("chain-view-dropped", 100, func(in *input, n int) {
			in.print("CREATE TABLE v0 (a integer);\n")
			in.each(n, "CREATE VIEW v#+ AS SELECT a FROM v#:;\n")
			in.print("DROP TABLE v0 CASCADE;\n")
		}),
		one("views-dropped", 200, func(in *input, n int) {
			in.print("CREATE TABLE t (a integer);\n")
			in.each(n, "CREATE VIEW v#: AS SELECT a FROM t;\n")
			in.print("DROP TABLE t CASCADE;\n")
		}),
		many("chain-rename", 1_000, "CREATE TABLE t0 (a integer);\n", "ALTER TABLE t#: RENAME TO t#+;\n"),
		many("chain-rename-column", 1_000, "CREATE TABLE t (c0 integer);\n", "ALTER TABLE t RENAME c#: TO c#+;\n"),
		many("chain-rename-unknown", 1_000, "", "ALTER TABLE t#: RENAME TO t#+;\n"),
		many("chain-partition", 50, "CREATE TABLE p0 (a integer) PARTITION BY RANGE (a);\n", "CREATE TABLE p#+ PARTITION OF p#: FOR VALUES FROM (1) TO (2) PARTITION BY RANGE (a);\n"),
		many("chain-inherits", 50, "CREATE TABLE p0 (a integer);\n", "CREATE TABLE p#+ () INHERITS (p#:);\n"),
		one("partitions-altered", 100, func(in *input, n int) {
			in.print("CREATE TABLE t (a integer) PARTITION BY LIST (a);\n")
			in.each(n, "CREATE TABLE p#: PARTITION OF t FOR VALUES IN (#:);\n")
			in.print("ALTER TABLE t ADD COLUMN b integer NOT NULL;\nCREATE INDEX i ON t (a);\nDROP TABLE t;\n")
		}),
		many("chain-function", 100, "CREATE FUNCTION f0() RETURNS integer LANGUAGE sql AS 'SELECT 1';\n", "CREATE FUNCTION f#+() RETURNS integer LANGUAGE sql AS 'SELECT f#:()';\n"),
		one("chain-function-called", 100, func(in *input, n int) {
			in.print("CREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; END';\n")
			in.each(n, "CREATE FUNCTION f#+() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f#:(); END';\n")
			in.each(1, "SELECT f1();\n")
			in.print(numbered("SELECT f#:();\n", n))
		}),
		one("function-calls-two", 3, func(in *input, n int) {
			in.print("CREATE FUNCTION f0() RETURNS void LANGUAGE plpgsql AS 'BEGIN DELETE FROM t; END';\n")
			in.each(n, "CREATE FUNCTION f#+() RETURNS void LANGUAGE plpgsql AS 'BEGIN PERFORM f#:(); PERFORM f#:(); END';\n")
			in.print(numbered("SELECT f#:();\n", n))
		}),
		one("view-joins-two", 3, func(in *input, n int) {
			in.print("CREATE TABLE v0 (a integer);\n")
			in.each(n, "CREATE VIEW v#+ AS SELECT x.a FROM v#: x JOIN v#: y ON x.a = y.a;\n")
			in.print(numbered("DELETE FROM t WHERE a IN (SELECT a FROM v#:);\n", n))
			in.print("ALTER TABLE v0 ALTER a TYPE bigint;\n")
		}),
		many("chain-domain", 100, "CREATE DOMAIN d0 AS integer;\n", "CREATE DOMAIN d#+ AS d#:;\n"),
		many("chain-foreign-key", 200, "CREATE TABLE t0 (id bigint PRIMARY KEY);\n", "CREATE TABLE t#+ (id bigint PRIMARY KEY REFERENCES t#: ON DELETE CASCADE);\n"),
		one("chain-foreign-key-deleted", 200, func(in *input, n int) {
			in.print("CREATE TABLE t0 (id bigint PRIMARY KEY);\n")
			in.each(n, "CREATE TABLE t#+ (id bigint PRIMARY KEY REFERENCES t#: ON DELETE CASCADE);\n")
			in.print("DELETE FROM t0;\nTRUNCATE t0 CASCADE;\nDROP TABLE t0 CASCADE;\n")
		}),
		many("chain-trigger", 100, "CREATE TABLE t0 (a integer);\n", "CREATE TABLE t#+ (a integer);\nCREATE FUNCTION f#:() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO t#+ VALUES (1); RETURN NEW; END';\nCREATE TRIGGER g AFTER INSERT ON t#: FOR EACH ROW EXECUTE FUNCTION f#:();\n"),
		many("chain-enum-rename", 500, "CREATE TYPE e AS ENUM ('v0');\n", "ALTER TYPE e RENAME VALUE 'v#:' TO 'v#+';\n"),
		one("wide-table-altered", 100, func(in *input, n int) {
			in.print("CREATE TABLE t (")
			in.joined(1_000, "c#: integer", ", ")
			in.print(");\n")
			in.each(n, "ALTER TABLE t ALTER c5 SET DEFAULT #:;\n")
		}),
	}
}
