package capture

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/pgparse"
)

// Printed SQL is cut at marks, else at rows of the history table, else at the ends of transactions.
func TestRenderedText(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"marks": {
			"SET client_encoding = 'UTF8';\n-- migration: 1_a\nCREATE TABLE a ();\n-- Migration: 2_b.sql\nBEGIN;\nCREATE TABLE b ();\nCOMMIT;\n" +
				"VACUUM a;\n--migration:3_c\n",
			"1_a: CREATE TABLE a ()\n2_b.sql: 1 CREATE TABLE b (); VACUUM a\n3_c:\n",
		},
		"a mark inside a string is text": {
			"-- migration: 1_a\nCREATE TABLE a ();\nSELECT f('\n-- migration: 9_z\n');\n",
			"1_a: CREATE TABLE a (); SELECT f('\n-- migration: 9_z\n')\n",
		},
		"rows of the history table": {
			"CREATE TABLE schema_migrations (version text);\nBEGIN;\nCREATE TABLE a ();\nINSERT INTO schema_migrations (version) VALUES ('1');\nCOMMIT;\n" +
				"CREATE INDEX CONCURRENTLY i ON a (b);\nINSERT INTO schema_migrations (version) VALUES ('2');\n",
			"1: 1 CREATE TABLE a ()\n2: CREATE INDEX CONCURRENTLY i ON a (b)\n",
		},
		"transactions": {
			"START TRANSACTION;\nCREATE TABLE a ();\nCOMMIT;\nBEGIN;\nDROP TABLE a;\nROLLBACK;\nBEGIN;\nSAVEPOINT s;\nCREATE TABLE b ();\nEND;\n",
			": 1 CREATE TABLE a ()\n: 3 CREATE TABLE b ()\n",
		},
		"a statement that is no SQL": {
			"-- migration: 1_a\nBuild started...\nCREATE TABLE a ();\nCREATE TABLE b ();\n",
			"1_a: Build started...\nCREATE TABLE a (); CREATE TABLE b ()\n",
		},
		"nothing": {"", ""},
	} {
		r := &Rendering{}
		if err := r.addStatementsOfText("", c.text); err != nil {
			t.Fatal(err)
		}
		b := newBooks(map[string]bool{"schema_migrations": true}, nil, r.Statements)
		var got strings.Builder
		for _, s := range r.cutAtMarks(b) {
			got.WriteString(s.ID + ":")
			for i, st := range s.Statements {
				got.WriteString(map[bool]string{true: " ", false: "; "}[i == 0])
				if st.Transaction > 0 {
					fmt.Fprintf(&got, "%d ", st.Transaction)
				}
				got.WriteString(st.SQL)
			}
			got.WriteString("\n")
		}
		if diff := cmp.Diff(c.want, got.String()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Printed text comes from a stranger's program. The time stays in proportion to its size.
func TestRenderedTextHostile(t *testing.T) {
	t.Parallel()
	const size = 512 << 10 // 5 MB took at most 8 s
	for name, line := range map[string]string{
		"marks": "-- migration: 1_a\n", "transactions": "BEGIN;COMMIT;", "open transactions": "BEGIN;", "rollbacks": "BEGIN;SELECT 1;ROLLBACK;\n",
		"rows": "INSERT INTO schema_migrations VALUES ('1');\n", "no end": "-- /* ' $$ ", "quotes": "'\n-- migration: x\n",
	} {
		r := &Rendering{}
		began := time.Now()
		if err := r.addStatementsOfText("", strings.Repeat(line, size/len(line))); err != nil {
			t.Logf("%s: %v after %v", name, err, time.Since(began))
			continue
		}
		r.cutAtMarks(newBooks(map[string]bool{"schema_migrations": true}, nil, nil))
		if took := time.Since(began); took > 20*time.Second {
			t.Errorf("%s: it took %v, want at most 20s", name, took)
		} else {
			t.Logf("%s: %d statements, %d marks after %v", name, len(r.Statements), len(r.Marks), took)
		}
	}
	if err := (&Rendering{}).addStatementsOfText("", strings.Repeat(" ", pgparse.MaxSize+1)); err == nil {
		t.Error("a text above the limit is read")
	}
}

// A command runs once for each revision, or for each migration if it asks for the name. Files of one migration count once.
func TestListRuns(t *testing.T) {
	t.Parallel()
	ids := listMigrationIDs(adaptertest.Files{
		"m/2_b.up.sql": nil, "m/2_b.down.sql": nil, "m/10_c.cs": nil, "m/10_c.Designer.cs": nil, "m/Snapshot.cs": nil, "m/1_a/up.sql": nil, "m/1_a/down.sql": nil,
		"other/3_d.sql": nil,
	}, "m")
	if want := []string{"1_a", "2_b", "10_c"}; !slices.Equal(ids, want) {
		t.Errorf("%q, want %q", ids, want)
	}
	if got := listRuns([]string{"ef", "{from}..{to}"}, ids); len(got) != 1 || got[0].words[1] != "0..10_c" {
		t.Errorf("a range: %v", got)
	}
	if got := listRuns([]string{"show", "--id={id}"}, ids); len(got) != 3 || got[2].words[1] != "--id=10_c" || got[2].id != "10_c" {
		t.Errorf("one after the other: %v", got)
	}
}

// An unchanged project starts no command, and another command is another result.
func TestRenderCache(t *testing.T) {
	t.Parallel()
	runs := filepath.Join(t.TempDir(), "runs")
	home, tree := project(t, map[string]string{
		"m/1_a.x": "a", "print.sh": "echo run >>" + runs + "\necho '-- migration: 1_a'\necho 'CREATE TABLE a ();'\n",
	})
	c := newConfig(t, home, runs)
	for i, command := range []string{"sh print.sh", "sh print.sh", "sh print.sh now"} {
		c.Command = command
		r, err := c.Render(t.Context(), tree, sourceBelow("m", runs))
		if err != nil || len(r.Statements) != 1 || len(r.Marks) != 1 {
			t.Fatalf("run %d: %v; it renders %+v, want one statement and one mark", i, err, r)
		}
	}
	text, err := os.ReadFile(runs)
	if err != nil || strings.Count(string(text), "run\n") != 2 {
		t.Errorf("the runs are %q %v, want two", text, err)
	}
}
