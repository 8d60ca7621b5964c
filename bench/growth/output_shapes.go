//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// outputShapes are inputs with many findings in each format, reports that onward report
// reads, and files beside the migrations.
func outputShapes() []shape {
	const change = "DROP TABLE t#:;\nALTER TABLE u#: ADD COLUMN a integer NOT NULL, ALTER b TYPE bigint;\nCREATE INDEX i#: ON u#: (a);\nUPDATE u#: SET a = 1;\n" +
		"SELECT 1;\n"
	out := []shape{
		manyStatements("findings-terminal", 200, "", change),
		manyStatements("findings-verbose", 200, "", change, "-v"),
		manyStatements("findings-quiet", 200, "", change, "-q"),
		manyStatements("select-json", 2_000, "", "SELECT 1;\n", "--format", "json"),
		manyStatements("select-verbose", 2_000, "", "SELECT 1;\n", "-v"),
		manyStatements("insert-json", 2_000, "CREATE TABLE t (id bigint);\n", "INSERT INTO t (id) VALUES (#:);\n", "--format", "json"),
		manyStatements("insert-html", 2_000, "CREATE TABLE t (id bigint);\n", "INSERT INTO t (id) VALUES (#:);\n", "--format", "html"),
		manyStatements("baseline-written", 500, "", "DROP TABLE t#:;\n", "--write-baseline", "baseline.json"),
		dirShape("findings-alike-files", 500, "%07d_x.sql", "ALTER TABLE t ADD COLUMN a integer NOT NULL;\n"),
		manyStatements("findings-alike", 500, "", "ALTER TABLE t ADD COLUMN a integer NOT NULL;\n"),
		manyParts("locks", 1_000, "", "ALTER TABLE t#: ADD COLUMN a integer;", "\n", "\n").withArguments("locks", "1.sql"),
		manyParts("locks-one-table", 1_000, "", "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;", "\n", "\n").withArguments("locks", "1.sql"),
		oneFile("schema-dump", 500, func(in *input, n int) {
			in.printText("SELECT 1;\nALTER TABLE t7 DROP COLUMN a;\n")
			in.beginFile("schema.sql")
			in.printEach(n, "CREATE TABLE public.t#: (id bigint NOT NULL, a integer, b text);\nALTER TABLE public.t#: OWNER TO app;\n"+
				"CREATE SEQUENCE public.t#:_id_seq;\nALTER TABLE ONLY public.t#: ADD CONSTRAINT t#:_pkey PRIMARY KEY (id);\n"+
				"CREATE INDEX t#:_a ON public.t#: USING btree (a);\n")
		}, "--schema", "schema.sql"),
	}
	for _, format := range []string{"json", "markdown", "github", "html"} {
		out = append(out, manyStatements("findings-"+format, 200, "", change, "--format", format))
	}
	for _, format := range []string{"terminal", "json", "html"} {
		out = append(out, shape{"report-" + format, 100, func(in *input, n int) {
			in.writeReport(n, change)
			in.args = []string{"report", "report.json", "--format", format}
		}})
	}
	return append(out, configurationShapes()...)
}

// configurationShapes are files that onward reads beside the migrations.
func configurationShapes() []shape {
	return []shape{
		configuredShape("yaml-brackets", 2_000, func(in *input, n int) { in.printText("postgres: " + strings.Repeat("[", n) + "\n") }),
		configuredShape("yaml-braces", 2_000, func(in *input, n int) { in.printText("rules: " + strings.Repeat("{a: ", n) + "\n") }),
		configuredShape("yaml-brackets-closed", 2_000, func(in *input, n int) {
			in.printText("postgres: " + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) + "\n")
		}),
		configuredShape("yaml-dashes", 2_000, func(in *input, n int) { in.printText("postgres:\n" + strings.Repeat("- ", n) + "1\n") }),
		configuredShape("yaml-indents", 30, func(in *input, n int) {
			for i := range n {
				in.printText(strings.Repeat(" ", i) + "a:\n")
			}
		}),
		configuredShape("yaml-keys", 300, func(in *input, n int) { in.printText("rules:\n"); in.printEach(n, "  rule-#:: off\n") }),
		configuredShape("yaml-small-tables", 500, func(in *input, n int) { in.printText("small_tables:\n"); in.printEach(n, "  - t#:\n") }),
		configuredShape("yaml-flow", 500, func(in *input, n int) {
			in.printText("small_tables: [")
			in.printJoined(n, "t#:", ", ")
			in.printText("]\n")
		}),
		configuredShape("yaml-anchors", 300, func(in *input, n int) { in.printText("small_tables:\n"); in.printEach(n, "  - &a#: t#:\n  - *a#:\n") }),
		configuredShape("yaml-laughs", 2, func(in *input, n int) {
			in.printText("a0: &a0 [x, x]\n")
			in.printEach(min(n, 40), "a#+: &a#+ [*a#:, *a#:, *a#:, *a#:]\n")
		}),
		configuredShape("yaml-ignores", 300, func(in *input, n int) {
			in.printText("ignore:\n")
			in.printEach(n, "  - path: db/*#:.sql\n    rules: [table-drop]\n    reason: nobody reads it\n")
		}),
		configuredShape("yaml-long-key", 20_000, func(in *input, n int) { in.printText(strings.Repeat("k", n) + ": 1\n") }),
		configuredShape("yaml-long-text", 20_000, func(in *input, n int) { in.printText("base: \"" + strings.Repeat("k", n) + "\"\n") }),
		configuredShape("yaml-block-text", 2_000, func(in *input, n int) { in.printText("base: |\n"); in.printEach(n, "  line #:\n") }),
		configuredShape("yaml-comments", 1_000, func(in *input, n int) { in.printEach(n, "# comment\n") }),
		configuredShape("yaml-documents", 1_000, func(in *input, n int) { in.printEach(n, "---\nbase: x\n") }),
		configuredShape("yaml-blank-lines", 5_000, func(in *input, n int) { in.printText(strings.Repeat("\n", n)) }),
		configuredShape("yaml-questions", 2_000, func(in *input, n int) { in.printText(strings.Repeat("? ", n)) }),
		configuredShape("yaml-colons", 2_000, func(in *input, n int) { in.printText(strings.Repeat("a: ", n)) }),
		configuredShape("yaml-tags", 2_000, func(in *input, n int) { in.printText("base: " + strings.Repeat("!a ", n)) }),
		configuredShape("yaml-quotes", 2_000, func(in *input, n int) { in.printText("base: \"" + strings.Repeat("\\n'", n)) }),
		oneFile("baseline-read", 500, func(in *input, n int) {
			in.printText("DROP TABLE t;\n")
			in.beginFile("onward.yaml")
			in.printText("baseline: baseline.json\n")
			in.beginFile("baseline.json")
			in.printText("{\"schema\": \"onward.baseline/1\", \"findings\": {")
			in.printJoined(n, "\"sha256:#:\": {\"rule\": \"table-drop\", \"path\": \"db/#:.sql\", \"fact\": \"dropping t#:\"}", ",\n")
			in.printText("}}\n")
		}),
		oneFile("stats-read", 500, func(in *input, n int) {
			in.printText("DROP TABLE t7;\n")
			in.beginFile("stats.json")
			in.printText("{\"schema\": \"onward.stats/1\", \"relations\": [")
			in.printJoined(n, "{\"schema\": \"public\", \"name\": \"t#:\", \"kind\": \"table\", \"rows\": 1000, \"bytes\": 8192}", ",\n")
			in.printText("]}\n")
		}, "--stats", "stats.json"),
	}
}

// configuredShape is the shape of an onward.yaml beside one small file.
func configuredShape(name string, n int, make func(in *input, n int)) shape {
	return shape{name, n, func(in *input, n int) {
		in.beginFile("1.sql")
		in.printText("DROP TABLE t;\n")
		in.beginFile("onward.yaml")
		make(in, n)
		in.args = []string{"check", "1.sql"}
	}}
}

// withArguments is the shape with other arguments.
func (sh shape) withArguments(args ...string) shape {
	make := sh.make
	sh.make = func(in *input, n int) {
		make(in, n)
		in.args = args
	}
	return sh
}

// writeReport makes report.json, the report of a file.
func (in *input) writeReport(n int, text string) {
	in.beginFile("1.sql")
	in.printEach(n, text)
	in.closeFile()
	if in.err != nil {
		return
	}
	cmd := exec.CommandContext(in.ctx, in.onward, "check", "1.sql", "--format", "json", "--fail-on", "never", "--output", filepath.Join(in.dir, "report.json"))
	cmd.Dir = in.dir
	in.err = cmd.Run()
}
