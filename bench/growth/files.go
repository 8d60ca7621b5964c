//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"slices"
)

// files are directories of many files, and histories in git.
func files() []shape { return slices.Concat(directories(), histories(), trees()) }

// first is the table that a history begins with.
const first = "CREATE TABLE t#: (id bigint PRIMARY KEY, a integer);\n"

// directories are migrations without a history.
func directories() []shape {
	return []shape{
		dir("files-create", 500, "%07d_x.sql", first),
		dir("files-alter", 500, "%07d_x.sql", "ALTER TABLE t ADD COLUMN c#: integer NOT NULL;\n"),
		dir("files-alter-many", 500, "%07d_x.sql", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\nCREATE INDEX ON t#: (a);\n"),
		dir("files-update", 500, "%07d_x.sql", "UPDATE t SET a = #:;\n"),
		dir("files-function", 300, "%07d_x.sql", "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = #: WHERE b = 1; END';\n"),
		dir("files-drop-recreate", 500, "%07d_x.sql", "DROP TABLE IF EXISTS t#:;\nCREATE TABLE t#: (id bigint);\n"),
		dir("files-goose", 500, "%07d_x.sql", "-- +goose Up\n"+first+"-- +goose Down\nDROP TABLE t#:;\n"),
		dir("files-suppressed", 500, "%07d_x.sql", "-- onward:ignore table-drop: nobody reads it\nDROP TABLE t#:;\n"),
		dir("files-empty", 500, "%07d_x.sql", "-- nothing\n"),
		dir("files-broken", 500, "%07d_x.sql", "CREATE TABEL t#:;\n"),
		{"files-up-down", 300, func(in *input, n int) {
			for i := range n {
				in.file(fmt.Sprintf("db/%07d_x.up.sql", i+1))
				in.print(numbered(first, i))
				in.file(fmt.Sprintf("db/%07d_x.down.sql", i+1))
				in.print(numbered("DROP TABLE t#:;\n", i))
			}
			in.args = []string{"check", "db"}
		}},
		{"directories", 100, func(in *input, n int) {
			for i := range n {
				in.file(fmt.Sprintf("db/s%d/1_x.sql", i))
				in.print(numbered(first, i))
			}
			in.args = []string{"check", "db"}
		}},
	}
}

// histories change the migrations of the base.
func histories() []shape {
	return []shape{
		history("history-base", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", n, 1, "ALTER TABLE t1 DROP COLUMN a;\n")
		}),
		history("history-release", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, 1, first)
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 1, n, first)
		}),
		history("history-edited", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, "CREATE TABLE t#: (id bigint PRIMARY KEY, b integer);\n")
		}),
		history("history-renamed", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.run("git", "rm", "-q", "-r", "db")
			in.some("db/migrations/%07d_y.up.sql", 0, n, first)
		}),
		history("history-out-of-order", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", n, 1, first)
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, first)
		}),
	}
}

// trees hold more than migrations.
func trees() []shape {
	return []shape{
		history("history-code", 300, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, 10, first)
			in.some("src/a%07d.go", 0, n, "package a\n\nconst q = `SELECT id, a FROM t#: WHERE b = 1`\n")
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 10, 1, "ALTER TABLE t1 DROP COLUMN a;\n")
		}),
		history("history-code-drops", 30, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, n, first)
			in.some("src/a%07d.go", 0, n, "package a\n\nconst q = `SELECT id, a FROM t#: WHERE b = 1`\n")
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", n, 1, "SELECT 1;\n")
			in.print("ALTER TABLE t1 DROP COLUMN a;\n")
			in.each(n, "ALTER TABLE t#: DROP COLUMN a;\n")
		}),
		history("history-directories", 100, func(in *input, n int) {
			in.some("s%d/db/migrations/1_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.some("s%d/db/migrations/2_x.up.sql", 0, n, "ALTER TABLE t#+ ADD COLUMN b integer;\n")
		}),
		history("history-files", 1_000, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 0, 1, first)
			in.some("src/d%d/x.txt", 0, n, "nothing\n")
		}, func(in *input, n int) {
			in.some("db/migrations/%07d_x.up.sql", 1, 1, first)
		}),
	}
}

// dir is the shape of a directory with files that onward check reads.
func dir(name string, n int, pattern, text string) shape {
	return shape{name, n, func(in *input, n int) {
		in.some("db/"+pattern, 0, n, text)
		in.args = []string{"check", "db"}
	}}
}

// some writes n files whose names count from one behind first.
func (in *input) some(pattern string, from, n int, text string) {
	for i := from; i < from+n; i++ {
		in.file(fmt.Sprintf(pattern, i+1))
		in.print(numbered(text, i+1))
	}
	in.close()
}

// history is the shape of a repository of two commits.
func history(name string, n int, base, head func(in *input, n int)) shape {
	return shape{name, n, func(in *input, n int) {
		in.run("git", "init", "-q", "-b", "main")
		base(in, n)
		in.commit()
		in.run("git", "checkout", "-q", "-b", "change")
		head(in, n)
		in.commit()
		in.args = []string{"changelog", "--base", "main"}
	}}
}

func (in *input) commit() {
	in.run("git", "add", "-A")
	in.run("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0", "commit", "-q", "-m", "x")
}

// run runs a program in the directory of the input.
func (in *input) run(name string, args ...string) {
	in.close()
	if in.err != nil {
		return
	}
	cmd := exec.CommandContext(in.ctx, name, args...)
	cmd.Dir = in.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		in.err = fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
}
