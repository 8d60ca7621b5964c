package audit

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/config"
	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// judgeWith judges one file with the given windows, through the line or one part after the other.
func judgeWith(t *testing.T, w windows, mode onward.Transaction, text string, line bool) *onward.Report {
	t.Helper()
	j, err := newJudge(&config.Config{}, &deployedFacts{windows: w})
	if err != nil {
		t.Fatal(err)
	}
	m := releasedMigration{status: onward.StatusNew, migration: &adapter.Migration{
		ID: "1", Path: "1.sql", Framework: "sql", Source: script.Source{Text: text, Parts: []script.Part{{SQL: text}}, Mode: mode},
	}}
	if line {
		j.judgeMigrations([]releasedMigration{m})
	} else {
		j.judgeMigration(m)
	}
	return j.finishReport()
}

// withoutNote takes the note on windows out of a report, with what it makes of the verdict.
func withoutNote(t *testing.T, r *onward.Report) *onward.Report {
	t.Helper()
	var remaining []onward.Opaque
	for _, o := range r.Opaque {
		if o.What != "what follows from statements far apart" {
			remaining = append(remaining, o)
		}
	}
	if len(remaining) != len(r.Opaque)-1 {
		t.Errorf("%d notes on windows, not one", len(r.Opaque)-len(remaining))
	}
	r.Opaque = append([]onward.Opaque{}, remaining...)
	r.Summary = onward.Summary{Statements: r.Summary.Statements, Errors: r.Summary.Errors, Warnings: r.Summary.Warnings, Infos: r.Summary.Infos}
	return r
}

// TestWindows checks that a part of a large file is judged as the whole file is, if the statements that a rule
// compares are in the same part: the examples of all rules follow a part of statements that say nothing.
func TestWindows(t *testing.T) {
	t.Parallel()
	const size = 60
	before := strings.Repeat("SELECT 1;\n", size)
	found := 0
	for i, text := range examples(t) {
		mode := []onward.Transaction{onward.TransactionNone, onward.TransactionFile, onward.TransactionMessage, onward.TransactionPipeline}[i%4]
		if pieces, err := script.BuildScript(script.Source{
			Text:  text,
			Parts: []script.Part{{SQL: text}},
			Mode:  mode,
		}); err != nil || len(pieces.Statements) == 0 || len(pieces.Statements) > size {
			continue
		}
		want := judgeWith(t, windows{1 << 20, 1 << 20}, mode, before+text, false)
		want.Summary = onward.Summary{Statements: want.Summary.Statements, Errors: want.Summary.Errors, Warnings: want.Summary.Warnings, Infos: want.Summary.Infos}
		got := withoutNote(t, judgeWith(t, windows{size / 2, size}, mode, before+text, i%2 == 0))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s\nits report in one part and in windows (-one +windows):\n%s", text, diff)
		}
		found += len(got.Findings)
	}
	if found < 100 {
		t.Errorf("%d findings", found)
	}
}

// TestWindowsGoOn checks what goes on from part to part: the schema, settings, the locks of a transaction, what a
// ROLLBACK takes back, suppressions, and the numbers of transactions.
func TestWindowsGoOn(t *testing.T) {
	t.Parallel()
	filler := strings.Repeat("SELECT 1;\n", 5)
	for _, text := range []string{
		"BEGIN;\nALTER TABLE t ADD COLUMN a integer;\n" + filler + "UPDATE t SET a = 1;\nCOMMIT;\n",
		"SET lock_timeout = '2s';\n" + filler + "ALTER TABLE t ADD COLUMN a integer;\n",
		"BEGIN;\nSET LOCAL lock_timeout = '2s';\n" + filler + "ALTER TABLE t ADD COLUMN a integer;\nCOMMIT;\nALTER TABLE t ADD COLUMN b integer;\n",
		"CREATE TABLE n (a integer);\n" + filler + "ALTER TABLE n ALTER a SET NOT NULL;\nCREATE INDEX ON n (a);\n" + filler + "DROP TABLE n;\n",
		"BEGIN;\nCREATE TABLE n (a integer);\n" + filler + "ROLLBACK;\n" + filler + "ALTER TABLE n ADD COLUMN b integer NOT NULL;\n",
		"BEGIN;\nSAVEPOINT s;\nCREATE TABLE n (a integer);\n" + filler + "ROLLBACK TO s;\n" + filler + "CREATE INDEX ON n (a);\nCOMMIT;\n",
		"-- onward:ignore-file table-drop: nobody reads it\nSET lock_timeout = '2s';\n" + filler + "DROP TABLE t;\n" + filler +
			"-- onward:ignore column-drop: nor this\nALTER TABLE u DROP COLUMN a;\nALTER TABLE u DROP COLUMN b;\n",
		filler + "DO $$ BEGIN\n-- onward:ignore table-drop: nobody reads it\nDROP TABLE t; END $$;\n" + filler,
		"SET standard_conforming_strings = off;\n" + filler + "UPDATE t SET a = 'x\\'; DROP TABLE t; --';\n" + filler,
	} {
		for _, mode := range []onward.Transaction{onward.TransactionNone, onward.TransactionFile, onward.TransactionMessage} {
			if mode == onward.TransactionFile && strings.HasPrefix(text, "BEGIN") {
				continue // the rule about BEGIN in the runner's transaction looks for its COMMIT
			}
			want := judgeWith(t, windows{1 << 20, 1 << 20}, mode, text, false)
			want.Summary = onward.Summary{Statements: want.Summary.Statements, Errors: want.Summary.Errors, Warnings: want.Summary.Warnings, Infos: want.Summary.Infos}
			got := withoutNote(t, judgeWith(t, windows{2, 4}, mode, text, true))
			if diff := cmp.Diff(want.Findings, got.Findings); diff != "" {
				t.Errorf("%s, %s: findings\n%s", mode, text, diff)
			}
			if diff := cmp.Diff(want.Migrations, got.Migrations); diff != "" {
				t.Errorf("%s, %s: migrations\n%s", mode, text, diff)
			}
		}
	}
}

// TestDeployedWindows checks that the base has the same schema, however its files are read.
func TestDeployedWindows(t *testing.T) {
	t.Parallel()
	base := "CREATE TABLE t (a integer, b integer);\nBEGIN;\nCREATE TABLE gone (a integer);\n" + strings.Repeat("INSERT INTO t VALUES (1, 2);\n", 7) +
		"ROLLBACK;\nBEGIN;\nALTER TABLE t ADD COLUMN c integer;\n" + strings.Repeat("SELECT 1;\n", 7) + "COMMIT;\n"
	columns := func(w windows) []string {
		j, err := newJudge(&config.Config{}, &deployedFacts{windows: w})
		if err != nil {
			t.Fatal(err)
		}
		j.foldDeployed(&adapter.Migration{ID: "1", Path: "1.sql", Source: script.Source{Text: base, Parts: []script.Part{{SQL: base}}, Mode: onward.TransactionNone}})
		var out []string
		for _, name := range []string{"t", "gone"} {
			if r := j.ensureEngine().Release().Deployed.Lookup("", name); r != nil {
				for _, c := range r.Columns {
					out = append(out, name+"."+c.Name)
				}
			}
		}
		return out
	}
	want := columns(windows{1 << 20, 1 << 20})
	if diff := cmp.Diff([]string{"t.a", "t.b", "t.c"}, want); diff != "" {
		t.Fatal(diff)
	}
	for size := 1; size < 12; size++ {
		if diff := cmp.Diff(want, columns(windows{1, size})); diff != "" {
			t.Errorf("in parts of %d: %s", size, diff)
		}
	}
}
