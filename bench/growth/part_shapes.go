//go:build unix

package main

import (
	"slices"
	"strings"
)

// partShapes are single statements with many parts: CREATE TABLE t (c0 integer, c1 integer, …).
func partShapes() []shape {
	return slices.Concat(definitionShapes(), expressionShapes(), nameShapes(), bodyShapes(), textShapes())
}

// definitionShapes are tables, indexes and types with many parts.
func definitionShapes() []shape {
	return []shape{
		manyParts("columns", 500, "CREATE TABLE t (", "c#: integer", ", ", ");\n"),
		manyParts("columns-required", 500, "CREATE TABLE t (", "c#: integer NOT NULL DEFAULT #: CHECK (c#: > 0)", ", ", ");\n"),
		manyParts("add", 500, "ALTER TABLE t ", "ADD c#: integer", ", ", ";\n"),
		manyParts("add-known", 500, "CREATE TABLE t (a integer);\nALTER TABLE t ", "ADD c#: integer", ", ", ";\n"),
		manyParts("add-known-required", 300, "CREATE TABLE t (a integer);\nALTER TABLE t ", "ADD c#: integer NOT NULL DEFAULT 3", ", ", ";\n"),
		manyParts("drop-columns", 500, "ALTER TABLE t ", "DROP c#:", ", ", ";\n"),
		manyParts("set-defaults", 500, "ALTER TABLE t ", "ALTER a SET DEFAULT #:", ", ", ";\n"),
		manyParts("add-checks", 300, "ALTER TABLE t ", "ADD CONSTRAINT c#: CHECK (a > #:)", ", ", ";\n"),
		manyParts("table-checks", 300, "CREATE TABLE t (a integer, ", "CHECK (a > #:)", ", ", ");\n"),
		manyParts("table-foreign-keys", 300, "CREATE TABLE t (a integer, ", "FOREIGN KEY (a) REFERENCES u#: (id)", ", ", ");\n"),
		manyParts("table-unique", 300, "CREATE TABLE t (a integer, b integer, ", "UNIQUE (a, b)", ", ", ");\n"),
		manyParts("index-columns", 500, "CREATE INDEX i ON t (", "c#:", ", ", ");\n"),
		manyParts("enum-values", 500, "CREATE TYPE e AS ENUM (", "'v#:'", ", ", ");\n"),
		manyParts("composite", 500, "CREATE TYPE y AS (", "a#: integer", ", ", ");\n"),
	}
}

// expressionShapes are rows, conditions and queries with many parts.
func expressionShapes() []shape {
	return []shape{
		manyParts("values", 2_000, "INSERT INTO t (a, b, c) VALUES ", "(#:, 'some text that is stored', 1.5)", ",\n", ";\n"),
		manyParts("values-known", 2_000, "CREATE TABLE t (a integer, b text, c numeric);\nINSERT INTO t (a, b, c) VALUES ",
			"(#:, 'some text that is stored', 1.5)", ",\n", ";\n"),
		manyParts("values-calls", 1_000, "INSERT INTO t (a, b) VALUES ", "(now(), lower('#:'))", ",\n", ";\n"),
		manyParts("in", 5_000, "DELETE FROM t WHERE a IN (", "#:", ", ", ");\n"),
		manyParts("in-text", 3_000, "CREATE TABLE t (a text);\nDELETE FROM t WHERE a IN (", "'#:'", ", ", ");\n"),
		manyParts("check-in", 1_000, "CREATE TABLE t (a text CHECK (a IN (", "'#:'", ", ", ")));\n"),
		manyParts("or", 1_000, "DELETE FROM t WHERE ", "a = #:", " OR ", ";\n"),
		manyParts("and", 1_000, "DELETE FROM t WHERE ", "a <> #:", " AND ", ";\n"),
		manyParts("check-or", 1_000, "CREATE TABLE t (a integer CHECK (", "a = #:", " OR ", "));\n"),
		manyParts("plus", 1_000, "SELECT ", "#:", " + ", ";\n"),
		manyParts("concat", 900, "SELECT ", "'#:'", " || ", ";\n"),
		manyParts("case", 1_000, "UPDATE t SET a = CASE ", "WHEN id = #: THEN #:", " ", " END;\n"),
		manyParts("case-operand", 1_000, "UPDATE t SET a = CASE id ", "WHEN #: THEN #:", " ", " END WHERE b = 1;\n"),
		manyParts("set-columns", 500, "UPDATE t SET ", "c#: = #:", ", ", " WHERE a = 1;\n"),
		manyParts("targets", 1_000, "SELECT ", "a AS c#:", ", ", " FROM t;\n"),
		manyParts("view-columns", 500, "CREATE TABLE t (a integer);\nCREATE VIEW v AS SELECT ", "a AS c#:", ", ", " FROM t;\n"),
		manyParts("joins", 200, "SELECT 1 FROM t", " JOIN t#: ON t#:.a = t.a", "", ";\n"),
		manyParts("from", 300, "SELECT 1 FROM ", "t#:", ", ", ";\n"),
		manyParts("unions", 300, "", "SELECT a FROM t#:", " UNION ALL ", ";\n"),
		manyParts("ctes", 300, "WITH ", "w#: AS (SELECT a FROM t#:)", ", ", " SELECT 1;\n"),
		manyParts("ctes-chained", 100, "WITH w0 AS (SELECT 1 AS a), ", "w#+ AS (SELECT a FROM w#:)", ", ", " SELECT 1;\n"),
		manyParts("arguments", 1_000, "SELECT f(", "#:", ", ", ");\n"),
		manyParts("array", 3_000, "SELECT ARRAY[", "#:", ", ", "];\n"),
	}
}

// nameShapes are statements that name many objects.
func nameShapes() []shape {
	return []shape{
		manyParts("grants", 500, "GRANT SELECT ON ", "t#:", ", ", " TO r;\n"),
		manyParts("grantees", 500, "GRANT SELECT ON t TO ", "r#:", ", ", ";\n"),
		manyParts("drop-tables", 500, "DROP TABLE ", "t#:", ", ", ";\n"),
		manyParts("truncate-tables", 500, "TRUNCATE ", "t#:", ", ", ";\n"),
		manyParts("lock-tables", 500, "BEGIN;\nLOCK TABLE ", "t#:", ", ", ";\n"),
		manyParts("publication-tables", 300, "CREATE PUBLICATION p FOR TABLE ", "t#:", ", ", ";\n"),
		manyParts("drop-functions", 300, "DROP FUNCTION ", "f#:()", ", ", ";\n"),
		manyParts("schema-elements", 300, "CREATE SCHEMA s ", "CREATE TABLE t#: (a integer)", " ", ";\n"),
		manyParts("partition-list", 1_000, "CREATE TABLE t (a integer) PARTITION BY LIST (a);\nCREATE TABLE p PARTITION OF t FOR VALUES IN (", "#:", ", ", ");\n"),
		manyParts("storage-options", 500, "CREATE TABLE t (a integer) WITH (", "o#: = 1", ", ", ");\n"),
	}
}

// bodyShapes are programs with many statements.
func bodyShapes() []shape {
	return []shape{
		manyParts("plpgsql-body", 500, "CREATE TABLE t (a integer);\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n", "UPDATE t SET a = #:;",
			"\n", "\nEND $$;\n"),
		manyParts("plpgsql-called", 300, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n", "ALTER TABLE t ADD COLUMN c#: integer;", "\n",
			"\nEND $$;\nSELECT f();\n"),
		manyParts("plpgsql-declared", 300, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE\n", "x#: integer := #:;", "\n",
			"\nBEGIN NULL; END $$;\n"),
		manyParts("sql-body", 500, "CREATE TABLE t (a integer);\nCREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n", "UPDATE t SET a = #:;", "\n", "\n$$;\n"),
		manyParts("do-statements", 300, "DO $$ BEGIN\n", "ALTER TABLE t#: ADD COLUMN a integer;", "\n", "\nEND $$;\n"),
		manyParts("do-executes", 300, "DO $$ BEGIN\n", "EXECUTE 'ALTER TABLE t#: ADD COLUMN a integer';", "\n", "\nEND $$;\n"),
		manyParts("do-loop", 100, "DO $$ DECLARE x text; BEGIN FOREACH x IN ARRAY ARRAY[", "'t#:'", ", ",
			"] LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN a integer', x); END LOOP; END $$;\n"),
		manyParts("do-ifs", 300, "DO $$ BEGIN\n", "IF true THEN UPDATE t SET a = #:; END IF;", "\n", "\nEND $$;\n"),
	}
}

// textShapes are long tokens, deep nesting, and what is no SQL.
func textShapes() []shape {
	return []shape{
		oneFile("literal", 100_000, func(in *input, n int) { in.printText("INSERT INTO t VALUES ('" + strings.Repeat("x", n) + "');\n") }),
		oneFile("quotes", 100_000, func(in *input, n int) { in.printText("INSERT INTO t VALUES ('" + strings.Repeat("''", n/2) + "');\n") }),
		oneFile("identifier", 100_000, func(in *input, n int) { in.printText("CREATE TABLE \"" + strings.Repeat("x", n) + "\" (a integer);\n") }),
		oneFile("comment", 100_000, func(in *input, n int) { in.printText("/*" + strings.Repeat("x ", n/2) + "*/ SELECT 1;\n") }),
		oneFile("comment-nested", 100_000, func(in *input, n int) {
			in.printText(strings.Repeat("/*", n/4) + strings.Repeat("*/", n/4) + " SELECT 1;\n")
		}),
		oneFile("unclosed-comments", 100_000, func(in *input, n int) { in.printText(strings.Repeat("/* ", n/3)) }),
		oneFile("unclosed-quotes", 100_000, func(in *input, n int) { in.printText(strings.Repeat("$a$ ' \" ", n/8)) }),
		oneFile("dollars", 100_000, func(in *input, n int) { in.printEach(n/12, "$a#:$ ") }),
		oneFile("blanks", 100_000, func(in *input, n int) { in.printText("SELECT" + strings.Repeat(" ", n) + "1;\n") }),
		oneFile("lines", 100_000, func(in *input, n int) { in.printText(strings.Repeat("\n", n) + "DROP TABLE t;\n") }),
		oneFile("parentheses", 10, func(in *input, n int) {
			in.printText("SELECT " + strings.Repeat("(", min(n, 990)) + "1" + strings.Repeat(")", min(n, 990)) + ";\n")
		}),
		oneFile("unclosed-parentheses", 100_000, func(in *input, n int) { in.printText("SELECT " + strings.Repeat("(", n)) }),
		oneFile("nots", 10, func(in *input, n int) { in.printText("SELECT " + strings.Repeat("NOT ", min(n, 990)) + "a;\n") }),
		oneFile("subqueries", 3, func(in *input, n int) {
			in.printText("SELECT " + strings.Repeat("(SELECT ", min(n, 300)) + "1" + strings.Repeat(")", min(n, 300)) + ";\n")
		}),
		oneFile("one-line", 1_000, func(in *input, n int) { in.printEach(n, "ALTER TABLE t#: ADD COLUMN a integer; ") }),
		oneFile("zeros", 100_000, func(in *input, n int) { in.printText(strings.Repeat("\x00", n)) }),
		oneFile("not-utf8", 100_000, func(in *input, n int) { in.printText("SELECT '" + strings.Repeat("\xff", n) + "';\n") }),
		oneFile("words", 50_000, func(in *input, n int) { in.printText(strings.Repeat("x ", n)) }),
	}
}
