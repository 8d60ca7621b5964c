//go:build unix

package main

import (
	"slices"
	"strings"
)

// parts are single statements with many parts.
func parts() []shape { return slices.Concat(definitions(), expressions(), names(), bodies(), texts()) }

// definitions are tables, indexes and types with many parts.
func definitions() []shape {
	return []shape{
		list("columns", 500, "CREATE TABLE t (", "c#: integer", ", ", ");\n"),
		list("columns-required", 500, "CREATE TABLE t (", "c#: integer NOT NULL DEFAULT #: CHECK (c#: > 0)", ", ", ");\n"),
		list("add", 500, "ALTER TABLE t ", "ADD c#: integer", ", ", ";\n"),
		list("add-known", 500, "CREATE TABLE t (a integer);\nALTER TABLE t ", "ADD c#: integer", ", ", ";\n"),
		list("add-known-required", 300, "CREATE TABLE t (a integer);\nALTER TABLE t ", "ADD c#: integer NOT NULL DEFAULT 3", ", ", ";\n"),
		list("drop-columns", 500, "ALTER TABLE t ", "DROP c#:", ", ", ";\n"),
		list("set-defaults", 500, "ALTER TABLE t ", "ALTER a SET DEFAULT #:", ", ", ";\n"),
		list("add-checks", 300, "ALTER TABLE t ", "ADD CONSTRAINT c#: CHECK (a > #:)", ", ", ";\n"),
		list("table-checks", 300, "CREATE TABLE t (a integer, ", "CHECK (a > #:)", ", ", ");\n"),
		list("table-foreign-keys", 300, "CREATE TABLE t (a integer, ", "FOREIGN KEY (a) REFERENCES u#: (id)", ", ", ");\n"),
		list("table-unique", 300, "CREATE TABLE t (a integer, b integer, ", "UNIQUE (a, b)", ", ", ");\n"),
		list("index-columns", 500, "CREATE INDEX i ON t (", "c#:", ", ", ");\n"),
		list("enum-values", 500, "CREATE TYPE e AS ENUM (", "'v#:'", ", ", ");\n"),
		list("composite", 500, "CREATE TYPE y AS (", "a#: integer", ", ", ");\n"),
	}
}

// expressions are rows, conditions and queries with many parts.
func expressions() []shape {
	return []shape{
		list("values", 2_000, "INSERT INTO t (a, b, c) VALUES ", "(#:, 'some text that is stored', 1.5)", ",\n", ";\n"),
		list("values-known", 2_000, "CREATE TABLE t (a integer, b text, c numeric);\nINSERT INTO t (a, b, c) VALUES ", "(#:, 'some text that is stored', 1.5)", ",\n", ";\n"),
		list("values-calls", 1_000, "INSERT INTO t (a, b) VALUES ", "(now(), lower('#:'))", ",\n", ";\n"),
		list("in", 5_000, "DELETE FROM t WHERE a IN (", "#:", ", ", ");\n"),
		list("in-text", 3_000, "CREATE TABLE t (a text);\nDELETE FROM t WHERE a IN (", "'#:'", ", ", ");\n"),
		list("check-in", 1_000, "CREATE TABLE t (a text CHECK (a IN (", "'#:'", ", ", ")));\n"),
		list("or", 1_000, "DELETE FROM t WHERE ", "a = #:", " OR ", ";\n"),
		list("and", 1_000, "DELETE FROM t WHERE ", "a <> #:", " AND ", ";\n"),
		list("check-or", 1_000, "CREATE TABLE t (a integer CHECK (", "a = #:", " OR ", "));\n"),
		list("plus", 1_000, "SELECT ", "#:", " + ", ";\n"),
		list("concat", 900, "SELECT ", "'#:'", " || ", ";\n"),
		list("case", 1_000, "UPDATE t SET a = CASE ", "WHEN id = #: THEN #:", " ", " END;\n"),
		list("case-operand", 1_000, "UPDATE t SET a = CASE id ", "WHEN #: THEN #:", " ", " END WHERE b = 1;\n"),
		list("set-columns", 500, "UPDATE t SET ", "c#: = #:", ", ", " WHERE a = 1;\n"),
		list("targets", 1_000, "SELECT ", "a AS c#:", ", ", " FROM t;\n"),
		list("view-columns", 500, "CREATE TABLE t (a integer);\nCREATE VIEW v AS SELECT ", "a AS c#:", ", ", " FROM t;\n"),
		list("joins", 200, "SELECT 1 FROM t", " JOIN t#: ON t#:.a = t.a", "", ";\n"),
		list("from", 300, "SELECT 1 FROM ", "t#:", ", ", ";\n"),
		list("unions", 300, "", "SELECT a FROM t#:", " UNION ALL ", ";\n"),
		list("ctes", 300, "WITH ", "w#: AS (SELECT a FROM t#:)", ", ", " SELECT 1;\n"),
		list("ctes-chained", 100, "WITH w0 AS (SELECT 1 AS a), ", "w#+ AS (SELECT a FROM w#:)", ", ", " SELECT 1;\n"),
		list("arguments", 1_000, "SELECT f(", "#:", ", ", ");\n"),
		list("array", 3_000, "SELECT ARRAY[", "#:", ", ", "];\n"),
	}
}

// names are statements that name many objects.
func names() []shape {
	return []shape{
		list("grants", 500, "GRANT SELECT ON ", "t#:", ", ", " TO r;\n"),
		list("grantees", 500, "GRANT SELECT ON t TO ", "r#:", ", ", ";\n"),
		list("drop-tables", 500, "DROP TABLE ", "t#:", ", ", ";\n"),
		list("truncate-tables", 500, "TRUNCATE ", "t#:", ", ", ";\n"),
		list("lock-tables", 500, "BEGIN;\nLOCK TABLE ", "t#:", ", ", ";\n"),
		list("publication-tables", 300, "CREATE PUBLICATION p FOR TABLE ", "t#:", ", ", ";\n"),
		list("drop-functions", 300, "DROP FUNCTION ", "f#:()", ", ", ";\n"),
		list("schema-elements", 300, "CREATE SCHEMA s ", "CREATE TABLE t#: (a integer)", " ", ";\n"),
		list("partition-list", 1_000, "CREATE TABLE t (a integer) PARTITION BY LIST (a);\nCREATE TABLE p PARTITION OF t FOR VALUES IN (", "#:", ", ", ");\n"),
		list("storage-options", 500, "CREATE TABLE t (a integer) WITH (", "o#: = 1", ", ", ");\n"),
	}
}

// bodies are programs with many statements.
func bodies() []shape {
	return []shape{
		list("plpgsql-body", 500, "CREATE TABLE t (a integer);\nCREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n", "UPDATE t SET a = #:;", "\n", "\nEND $$;\n"),
		list("plpgsql-called", 300, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN\n", "ALTER TABLE t ADD COLUMN c#: integer;", "\n", "\nEND $$;\nSELECT f();\n"),
		list("plpgsql-declared", 300, "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ DECLARE\n", "x#: integer := #:;", "\n", "\nBEGIN NULL; END $$;\n"),
		list("sql-body", 500, "CREATE TABLE t (a integer);\nCREATE FUNCTION f() RETURNS void LANGUAGE sql AS $$\n", "UPDATE t SET a = #:;", "\n", "\n$$;\n"),
		list("do-statements", 300, "DO $$ BEGIN\n", "ALTER TABLE t#: ADD COLUMN a integer;", "\n", "\nEND $$;\n"),
		list("do-executes", 300, "DO $$ BEGIN\n", "EXECUTE 'ALTER TABLE t#: ADD COLUMN a integer';", "\n", "\nEND $$;\n"),
		list("do-loop", 100, "DO $$ DECLARE x text; BEGIN FOREACH x IN ARRAY ARRAY[", "'t#:'", ", ", "] LOOP EXECUTE format('ALTER TABLE %I ADD COLUMN a integer', x); END LOOP; END $$;\n"),
		list("do-ifs", 300, "DO $$ BEGIN\n", "IF true THEN UPDATE t SET a = #:; END IF;", "\n", "\nEND $$;\n"),
	}
}

// texts are long tokens, deep nesting, and what is no SQL.
func texts() []shape {
	return []shape{
		one("literal", 100_000, func(in *input, n int) { in.print("INSERT INTO t VALUES ('" + strings.Repeat("x", n) + "');\n") }),
		one("quotes", 100_000, func(in *input, n int) { in.print("INSERT INTO t VALUES ('" + strings.Repeat("''", n/2) + "');\n") }),
		one("identifier", 100_000, func(in *input, n int) { in.print("CREATE TABLE \"" + strings.Repeat("x", n) + "\" (a integer);\n") }),
		one("comment", 100_000, func(in *input, n int) { in.print("/*" + strings.Repeat("x ", n/2) + "*/ SELECT 1;\n") }),
		one("comment-nested", 100_000, func(in *input, n int) {
			in.print(strings.Repeat("/*", n/4) + strings.Repeat("*/", n/4) + " SELECT 1;\n")
		}),
		one("unclosed-comments", 100_000, func(in *input, n int) { in.print(strings.Repeat("/* ", n/3)) }),
		one("unclosed-quotes", 100_000, func(in *input, n int) { in.print(strings.Repeat("$a$ ' \" ", n/8)) }),
		one("dollars", 100_000, func(in *input, n int) { in.each(n/12, "$a#:$ ") }),
		one("blanks", 100_000, func(in *input, n int) { in.print("SELECT" + strings.Repeat(" ", n) + "1;\n") }),
		one("lines", 100_000, func(in *input, n int) { in.print(strings.Repeat("\n", n) + "DROP TABLE t;\n") }),
		one("parentheses", 10, func(in *input, n int) {
			in.print("SELECT " + strings.Repeat("(", min(n, 990)) + "1" + strings.Repeat(")", min(n, 990)) + ";\n")
		}),
		one("unclosed-parentheses", 100_000, func(in *input, n int) { in.print("SELECT " + strings.Repeat("(", n)) }),
		one("nots", 10, func(in *input, n int) { in.print("SELECT " + strings.Repeat("NOT ", min(n, 990)) + "a;\n") }),
		one("subqueries", 3, func(in *input, n int) {
			in.print("SELECT " + strings.Repeat("(SELECT ", min(n, 300)) + "1" + strings.Repeat(")", min(n, 300)) + ";\n")
		}),
		one("one-line", 1_000, func(in *input, n int) { in.each(n, "ALTER TABLE t#: ADD COLUMN a integer; ") }),
		one("zeros", 100_000, func(in *input, n int) { in.print(strings.Repeat("\x00", n)) }),
		one("not-utf8", 100_000, func(in *input, n int) { in.print("SELECT '" + strings.Repeat("\xff", n) + "';\n") }),
		one("words", 50_000, func(in *input, n int) { in.print(strings.Repeat("x ", n)) }),
	}
}
