//go:build unix

package main

import (
	"fmt"
	"os/exec"
	"slices"
)

// fileShapes are directories of many files, and histories in git.
func fileShapes() []shape { return slices.Concat(directoryShapes(), historyShapes(), treeShapes()) }

// first is the migration of a history that creates table number #: (see printEach).
const first = "CREATE TABLE t#: (id bigint PRIMARY KEY, a integer);\n"

// directoryShapes are migrations without a history.
func directoryShapes() []shape {
	return []shape{
		dirShape("files-create", 500, "%07d_x.sql", first),
		dirShape("files-alter", 500, "%07d_x.sql", "ALTER TABLE t ADD COLUMN c#: integer NOT NULL;\n"),
		dirShape("files-alter-many", 500, "%07d_x.sql", "CREATE TABLE t#: (id bigint);\nALTER TABLE t#: ADD COLUMN a integer;\nCREATE INDEX ON t#: (a);\n"),
		dirShape("files-update", 500, "%07d_x.sql", "UPDATE t SET a = #:;\n"),
		dirShape("files-function", 300, "%07d_x.sql", "CREATE OR REPLACE FUNCTION f() RETURNS void LANGUAGE plpgsql AS 'BEGIN UPDATE t SET a = #: WHERE b = 1; "+
			"END';\n"),
		dirShape("files-drop-recreate", 500, "%07d_x.sql", "DROP TABLE IF EXISTS t#:;\nCREATE TABLE t#: (id bigint);\n"),
		dirShape("files-goose", 500, "%07d_x.sql", "-- +goose Up\n"+first+"-- +goose Down\nDROP TABLE t#:;\n"),
		dirShape("files-suppressed", 500, "%07d_x.sql", "-- onward:ignore table-drop: nobody reads it\nDROP TABLE t#:;\n"),
		dirShape("files-empty", 500, "%07d_x.sql", "-- nothing\n"),
		dirShape("files-broken", 500, "%07d_x.sql", "CREATE TABEL t#:;\n"),
		{"files-up-down", 300, func(in *input, n int) {
			for i := range n {
				in.beginFile(fmt.Sprintf("db/%07d_x.up.sql", i+1))
				in.printText(insertNumber(first, i))
				in.beginFile(fmt.Sprintf("db/%07d_x.down.sql", i+1))
				in.printText(insertNumber("DROP TABLE t#:;\n", i))
			}
			in.args = []string{"check", "db"}
		}},
		{"directories", 100, func(in *input, n int) {
			for i := range n {
				in.beginFile(fmt.Sprintf("db/s%d/1_x.sql", i))
				in.printText(insertNumber(first, i))
			}
			in.args = []string{"check", "db"}
		}},
	}
}

// historyShapes change the migrations of the base.
func historyShapes() []shape {
	return []shape{
		historyShape("history-base", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", n, 1, "ALTER TABLE t1 DROP COLUMN a;\n")
		}),
		historyShape("history-release", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, 1, first)
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 1, n, first)
		}),
		historyShape("history-edited", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, "CREATE TABLE t#: (id bigint PRIMARY KEY, b integer);\n")
		}),
		historyShape("history-renamed", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.runProgram("git", "rm", "-q", "-r", "db")
			in.writeFiles("db/migrations/%07d_y.up.sql", 0, n, first)
		}),
		historyShape("history-out-of-order", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", n, 1, first)
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, first)
		}),
	}
}

// treeShapes hold more than migrations.
func treeShapes() []shape {
	return []shape{
		historyShape("history-code", 300, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, 10, first)
			in.writeFiles("src/a%07d.go", 0, n, "package a\n\nconst q = `SELECT id, a FROM t#: WHERE b = 1`\n")
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 10, 1, "ALTER TABLE t1 DROP COLUMN a;\n")
		}),
		historyShape("history-code-drops", 30, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, n, first)
			in.writeFiles("src/a%07d.go", 0, n, "package a\n\nconst q = `SELECT id, a FROM t#: WHERE b = 1`\n")
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", n, 1, "SELECT 1;\n")
			in.printText("ALTER TABLE t1 DROP COLUMN a;\n")
			in.printEach(n, "ALTER TABLE t#: DROP COLUMN a;\n")
		}),
		historyShape("history-directories", 100, func(in *input, n int) {
			in.writeFiles("s%d/db/migrations/1_x.up.sql", 0, n, first)
		}, func(in *input, n int) {
			in.writeFiles("s%d/db/migrations/2_x.up.sql", 0, n, "ALTER TABLE t#+ ADD COLUMN b integer;\n")
		}),
		historyShape("history-files", 1_000, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 0, 1, first)
			in.writeFiles("src/d%d/x.txt", 0, n, "nothing\n")
		}, func(in *input, n int) {
			in.writeFiles("db/migrations/%07d_x.up.sql", 1, 1, first)
		}),
	}
}

// dirShape is the shape of a directory with files that onward check reads.
func dirShape(name string, n int, pattern, text string) shape {
	return shape{name, n, func(in *input, n int) {
		in.writeFiles("db/"+pattern, 0, n, text)
		in.args = []string{"check", "db"}
	}}
}

// writeFiles writes n files whose names count from first plus one.
func (in *input) writeFiles(pattern string, from, n int, text string) {
	for i := from; i < from+n; i++ {
		in.beginFile(fmt.Sprintf(pattern, i+1))
		in.printText(insertNumber(text, i+1))
	}
	in.closeFile()
}

// historyShape is the shape of a repository of two commits.
func historyShape(name string, n int, base, head func(in *input, n int)) shape {
	return shape{name, n, func(in *input, n int) {
		in.runProgram("git", "init", "-q", "-b", "main")
		base(in, n)
		in.commitAll()
		in.runProgram("git", "checkout", "-q", "-b", "change")
		head(in, n)
		in.commitAll()
		in.args = []string{"changelog", "--base", "main"}
	}}
}

func (in *input) commitAll() {
	in.runProgram("git", "add", "-A")
	in.runProgram("git", "-c", "user.name=bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0", "commit", "-q", "-m", "x")
}

// runProgram runs a program in the directory of the input.
func (in *input) runProgram(name string, args ...string) {
	in.closeFile()
	if in.err != nil {
		return
	}
	cmd := exec.CommandContext(in.ctx, name, args...)
	cmd.Dir = in.dir
	if out, err := cmd.CombinedOutput(); err != nil {
		in.err = fmt.Errorf("%s %v: %w\n%s", name, args, err, out)
	}
}
