//go:build unix

package main

import (
	"os/exec"
	"path/filepath"
	"strings"
)

// outputs are many findings in each format, reports that are read back, and
// files beside the migrations.
func outputs() []shape {
	const change = "DROP TABLE t#:;\nALTER TABLE u#: ADD COLUMN a integer NOT NULL, ALTER b TYPE bigint;\nCREATE INDEX i#: ON u#: (a);\nUPDATE u#: SET a = 1;\nSELECT 1;\n"
	out := []shape{
		many("findings-terminal", 200, "", change),
		many("findings-verbose", 200, "", change, "-v"),
		many("findings-quiet", 200, "", change, "-q"),
		many("select-json", 2_000, "", "SELECT 1;\n", "--format", "json"),
		many("select-verbose", 2_000, "", "SELECT 1;\n", "-v"),
		many("insert-json", 2_000, "CREATE TABLE t (id bigint);\n", "INSERT INTO t (id) VALUES (#:);\n", "--format", "json"),
		many("insert-html", 2_000, "CREATE TABLE t (id bigint);\n", "INSERT INTO t (id) VALUES (#:);\n", "--format", "html"),
		many("baseline-written", 500, "", "DROP TABLE t#:;\n", "--write-baseline", "baseline.json"),
		dir("findings-alike-files", 500, "%07d_x.sql", "ALTER TABLE t ADD COLUMN a integer NOT NULL;\n"),
		many("findings-alike", 500, "", "ALTER TABLE t ADD COLUMN a integer NOT NULL;\n"),
		list("locks", 1_000, "", "ALTER TABLE t#: ADD COLUMN a integer;", "\n", "\n").with("locks", "1.sql"),
		list("locks-one-table", 1_000, "", "ALTER TABLE t ALTER COLUMN a SET DEFAULT #:;", "\n", "\n").with("locks", "1.sql"),
		one("schema-dump", 500, func(in *input, n int) {
			in.print("SELECT 1;\nALTER TABLE t7 DROP COLUMN a;\n")
			in.file("schema.sql")
			in.each(n, "CREATE TABLE public.t#: (id bigint NOT NULL, a integer, b text);\nALTER TABLE public.t#: OWNER TO app;\nCREATE SEQUENCE public.t#:_id_seq;\nALTER TABLE ONLY public.t#: ADD CONSTRAINT t#:_pkey PRIMARY KEY (id);\nCREATE INDEX t#:_a ON public.t#: USING btree (a);\n")
		}, "--schema", "schema.sql"),
	}
	for _, format := range []string{"json", "markdown", "github", "html"} {
		out = append(out, many("findings-"+format, 200, "", change, "--format", format))
	}
	for _, format := range []string{"terminal", "json", "html"} {
		out = append(out, shape{"report-" + format, 100, func(in *input, n int) {
			in.stored(n, change)
			in.args = []string{"report", "report.json", "--format", format}
		}})
	}
	return append(out, configurations()...)
}

// configurations are files that onward reads beside the migrations.
func configurations() []shape {
	return []shape{
		configured("yaml-brackets", 2_000, func(in *input, n int) { in.print("postgres: " + strings.Repeat("[", n) + "\n") }),
		configured("yaml-braces", 2_000, func(in *input, n int) { in.print("rules: " + strings.Repeat("{a: ", n) + "\n") }),
		configured("yaml-brackets-closed", 2_000, func(in *input, n int) {
			in.print("postgres: " + strings.Repeat("[", n/2) + strings.Repeat("]", n/2) + "\n")
		}),
		configured("yaml-dashes", 2_000, func(in *input, n int) { in.print("postgres:\n" + strings.Repeat("- ", n) + "1\n") }),
		configured("yaml-indents", 30, func(in *input, n int) {
			for i := range n {
				in.print(strings.Repeat(" ", i) + "a:\n")
			}
		}),
		configured("yaml-keys", 300, func(in *input, n int) { in.print("rules:\n"); in.each(n, "  rule-#:: off\n") }),
		configured("yaml-small-tables", 500, func(in *input, n int) { in.print("small_tables:\n"); in.each(n, "  - t#:\n") }),
		configured("yaml-flow", 500, func(in *input, n int) {
			in.print("small_tables: [")
			in.joined(n, "t#:", ", ")
			in.print("]\n")
		}),
		configured("yaml-anchors", 300, func(in *input, n int) { in.print("small_tables:\n"); in.each(n, "  - &a#: t#:\n  - *a#:\n") }),
		configured("yaml-laughs", 2, func(in *input, n int) {
			in.print("a0: &a0 [x, x]\n")
			in.each(min(n, 40), "a#+: &a#+ [*a#:, *a#:, *a#:, *a#:]\n")
		}),
		configured("yaml-ignores", 300, func(in *input, n int) {
			in.print("ignore:\n")
			in.each(n, "  - path: db/*#:.sql\n    rules: [table-drop]\n    reason: nobody reads it\n")
		}),
		configured("yaml-long-key", 20_000, func(in *input, n int) { in.print(strings.Repeat("k", n) + ": 1\n") }),
		configured("yaml-long-text", 20_000, func(in *input, n int) { in.print("base: \"" + strings.Repeat("k", n) + "\"\n") }),
		configured("yaml-block-text", 2_000, func(in *input, n int) { in.print("base: |\n"); in.each(n, "  line #:\n") }),
		configured("yaml-comments", 1_000, func(in *input, n int) { in.each(n, "# comment\n") }),
		configured("yaml-documents", 1_000, func(in *input, n int) { in.each(n, "---\nbase: x\n") }),
		configured("yaml-blank-lines", 5_000, func(in *input, n int) { in.print(strings.Repeat("\n", n)) }),
		configured("yaml-questions", 2_000, func(in *input, n int) { in.print(strings.Repeat("? ", n)) }),
		configured("yaml-colons", 2_000, func(in *input, n int) { in.print(strings.Repeat("a: ", n)) }),
		configured("yaml-tags", 2_000, func(in *input, n int) { in.print("base: " + strings.Repeat("!a ", n)) }),
		configured("yaml-quotes", 2_000, func(in *input, n int) { in.print("base: \"" + strings.Repeat("\\n'", n)) }),
		one("baseline-read", 500, func(in *input, n int) {
			in.print("DROP TABLE t;\n")
			in.file("onward.yaml")
			in.print("baseline: baseline.json\n")
			in.file("baseline.json")
			in.print("{\"schema\": \"onward.baseline/1\", \"findings\": {")
			in.joined(n, "\"sha256:#:\": {\"rule\": \"table-drop\", \"path\": \"db/#:.sql\", \"fact\": \"dropping t#:\"}", ",\n")
			in.print("}}\n")
		}),
		one("stats-read", 500, func(in *input, n int) {
			in.print("DROP TABLE t7;\n")
			in.file("stats.json")
			in.print("{\"schema\": \"onward.stats/1\", \"relations\": [")
			in.joined(n, "{\"schema\": \"public\", \"name\": \"t#:\", \"kind\": \"table\", \"rows\": 1000, \"bytes\": 8192}", ",\n")
			in.print("]}\n")
		}, "--stats", "stats.json"),
	}
}

// configured is the shape of an onward.yaml beside one small file.
func configured(name string, n int, make func(in *input, n int)) shape {
	return shape{name, n, func(in *input, n int) {
		in.file("1.sql")
		in.print("DROP TABLE t;\n")
		in.file("onward.yaml")
		make(in, n)
		in.args = []string{"check", "1.sql"}
	}}
}

// with is the shape with other arguments.
func (sh shape) with(args ...string) shape {
	make := sh.make
	sh.make = func(in *input, n int) {
		make(in, n)
		in.args = args
	}
	return sh
}

// stored makes report.json, the report of a file.
func (in *input) stored(n int, text string) {
	in.file("1.sql")
	in.each(n, text)
	in.close()
	if in.err != nil {
		return
	}
	cmd := exec.CommandContext(in.ctx, in.onward, "check", "1.sql", "--format", "json", "--fail-on", "never", "--output", filepath.Join(in.dir, "report.json"))
	cmd.Dir = in.dir
	in.err = cmd.Run()
}
