package script

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/onward"
)

func build(t *testing.T, sql string, mode onward.Transaction) *Script {
	t.Helper()
	s, err := BuildScript(Source{Text: sql, Parts: []Part{{SQL: sql}}, Mode: mode})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTransactions(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, sql string
		mode      onward.Transaction
		want      string // transaction numbers, "b" after those inside a block
		controls  []ControlKind
	}{
		{"alone", "SELECT 1; SELECT 2", onward.TransactionNone, "0 0", nil},
		{"explicit", "SELECT 1; BEGIN; SELECT 2; COMMIT; SELECT 3", onward.TransactionNone, "0 1b 1b 1b 0", nil},
		{"spelled out", "START TRANSACTION; SELECT 2; END; SELECT 3", onward.TransactionNone, "1b 1b 1b 0", nil},
		{"file", "SELECT 1; SELECT 2", onward.TransactionFile, "1b 1b", nil},
		{"one statement in a message is no block", "SELECT 1", onward.TransactionMessage, "0", nil},
		{"message", "SELECT 1; SELECT 2", onward.TransactionMessage, "1b 1b", nil},
		{"the rest of a message is a block again", "BEGIN; SELECT 1; COMMIT; SELECT 2; SELECT 3", onward.TransactionMessage, "1b 1b 1b 2b 2b", nil},
		{"commit ends the runner's transaction", "SELECT 1; COMMIT; SELECT 2", onward.TransactionFile, "1b 1b 0", []ControlKind{CommitOfRunner}},
		{"begin in the runner's transaction", "BEGIN; SELECT 1; COMMIT; SELECT 2", onward.TransactionFile, "1b 1b 1b 0", []ControlKind{BeginInside, CommitOfRunner}},
		{"nested", "BEGIN; BEGIN; COMMIT", onward.TransactionNone, "1b 1b 1b", []ControlKind{NestedBegin}},
		{"commit without", "COMMIT", onward.TransactionNone, "0", []ControlKind{CommitWithout}},
		{"chain", "BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; COMMIT", onward.TransactionNone, "1b 1b 1b 2b 2b", nil},
		{"do is a transaction", "DO $$ BEGIN DELETE FROM a; DELETE FROM b; END $$; SELECT 1", onward.TransactionNone, "1 1b 1b 0", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := build(t, c.sql, c.mode)
			var got []string
			for _, st := range s.Statements {
				n := fmt.Sprint(st.Tx)
				if st.InBlock() {
					n += "b"
				}
				got = append(got, n)
			}
			if diff := cmp.Diff(c.want, strings.Join(got, " ")); diff != "" {
				t.Error(diff)
			}
			var controls []ControlKind
			for _, x := range s.Controls {
				controls = append(controls, x.Kind)
			}
			if diff := cmp.Diff(c.controls, controls); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// A message of a runner in its transaction is one message after its COMMIT, too.
func TestMessageBehindCommit(t *testing.T) {
	t.Parallel()
	const one, two = "SELECT 1; COMMIT; SELECT 2; SELECT 3", "SELECT 4"
	s, err := BuildScript(Source{Text: one + two, Mode: onward.TransactionFile, Parts: []Part{
		{SQL: one, Message: true}, {SQL: two, Start: len(one), Message: true},
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := []Origin{Runner, Runner, Message, Message, Alone}
	for i, st := range s.Statements {
		if st.Origin != want[i] {
			t.Errorf("%s: origin %d, want %d", st.SQL, st.Origin, want[i])
		}
	}
	if s.End != Alone {
		t.Errorf("what is open in the end: %d", s.End)
	}
}

// A file whose runner's transaction an earlier one has ended runs as that one left the
// session.
func TestContinue(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		first, second string
		want          []Origin
		controls      []ControlKind
	}{
		{"SELECT 1", "SELECT 2", []Origin{Runner}, nil},
		{"SELECT 1; COMMIT", "SELECT 2; SELECT 3", []Origin{Alone, Alone}, nil},
		{"COMMIT; BEGIN; SELECT 1", "SELECT 2; COMMIT; SELECT 3", []Origin{Explicit, Explicit, Alone}, nil},
		{"COMMIT; BEGIN; SELECT 1; ROLLBACK", "COMMIT", []Origin{Alone}, []ControlKind{CommitWithout}},
		{"COMMIT", "BEGIN; SELECT 3; COMMIT", []Origin{Explicit, Explicit, Explicit}, nil},
	} {
		s := build(t, c.second, onward.TransactionFile)
		s.ContinueFrom(build(t, c.first, onward.TransactionFile))
		var got []Origin
		for _, st := range s.Statements {
			got = append(got, st.Origin)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s | %s: origins (-want +got):\n%s", c.first, c.second, diff)
		}
		var controls []ControlKind
		for _, x := range s.Controls {
			controls = append(controls, x.Kind)
		}
		if diff := cmp.Diff(c.controls, controls); diff != "" || s.Open {
			t.Errorf("%s | %s: open %t, %s", c.first, c.second, s.Open, diff)
		}
	}
	s := build(t, "SELECT 2", onward.TransactionFile)
	s.ContinueFrom(build(t, "SELECT 1", onward.TransactionNone))
	if s.Statements[0].Origin != Runner {
		t.Errorf("after a script without a transaction: origin %d", s.Statements[0].Origin)
	}
}

func TestOpenAndRollback(t *testing.T) {
	t.Parallel()
	if s := build(t, "BEGIN; SELECT 1", onward.TransactionNone); !s.Open {
		t.Error("BEGIN without COMMIT is open")
	}
	if s := build(t, "COMMIT; BEGIN; SELECT 1", onward.TransactionFile); s.Open || s.Statements[2].Origin != Explicit {
		t.Error("the runner commits what the file began again")
	}
	if s := build(t, "BEGIN; SELECT 1; ROLLBACK", onward.TransactionNone); s.Open || !s.Rollback[1] {
		t.Error("the transaction is rolled back")
	}
}

func TestDoBlock(t *testing.T) {
	t.Parallel()
	sql := "SELECT 1;\nDO $$\nBEGIN\n  IF true THEN\n    ALTER TABLE t\n      ADD c int;\n  END IF;\n  EXECUTE 'DROP TABLE ' || x;\nEND $$;\n"
	s := build(t, sql, onward.TransactionFile)
	if len(s.Statements) != 3 {
		t.Fatalf("%d statements", len(s.Statements))
	}
	doBlock, in := s.Statements[1], s.Statements[2]
	if in.Parent != 1 || !in.Conditional || in.Line != 5 || in.Column != 5 || in.EndLine != 6 || in.Tx != 1 {
		t.Errorf("the statement in the DO block is %+v, want a conditional one on lines 5 to 6", in)
	}
	if doBlock.Opaque != "EXECUTE of 'DROP TABLE ' || x" {
		t.Errorf("opaque: %q", doBlock.Opaque)
	}
}

func TestPositions(t *testing.T) {
	t.Parallel()
	text := "-- +goose Up\n  SELECT 'é';  SELECT 2;\n-- +goose Down\nSELECT 3;"
	up := strings.Index(text, "  SELECT")
	down := strings.Index(text, "-- +goose Down")
	s, err := BuildScript(Source{Text: text, Parts: []Part{{SQL: text[up:down], Start: up}}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Statements); n != 2 {
		t.Fatalf("%d statements", n)
	}
	if a := s.Statements[1]; a.Line != 2 || a.Column != 16 || text[a.Start:a.End] != "SELECT 2" {
		t.Errorf("the second statement is %+v, want SELECT 2 on line 2, column 16", a)
	}
	rendered, err := BuildScript(Source{
		Text:        "class Migration:\n",
		LineComment: "#",
		Parts:       []Part{{SQL: "SELECT 1; SELEKT", Start: -1, Line: 7, Column: 9, EndLine: 9, EndColumn: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if a := rendered.Statements[1]; a.Line != 7 || a.EndLine != 9 || a.ErrLine != 7 {
		t.Errorf("the rendered statement is %+v, want lines 7 to 9 and the error on line 7", a)
	}
}

func TestSuppressions(t *testing.T) {
	t.Parallel()
	sql := strings.Join([]string{
		"-- onward:ignore-file column-drop: the service is gone", // 1
		"-- onward:ignore index-create-blocking, a-b: 40 rows",   // 2
		"-- more words",          // 3
		"",                       // 4
		"CREATE INDEX ON t (a);", // 5
		"ALTER TABLE t",          // 6
		"  DROP COLUMN a, -- onward:ignore c-d: why", // 7
		"  DROP COLUMN b;",                           // 8
		"SELECT '-- onward:ignore x-y: no';",         // 9
		"-- onward:ignore",                           // 10
		"-- onward:ignore all of it",                 // 11
		"-- onward:ignored x-y: z",                   // 12
		"-- onward:ignore no-reason",                 // 13
		"-- ONWARD:IGNORE x-y: z",                    // 14
		"-- onward-ignore x-y: z",                    // 15
		"-- squawk-ignore ban-drop-table",            // 16
		"-- as onward-ignore does",                   // 17
		"SELECT 1;",
	}, "\n")
	type got struct {
		Rules     string
		Reason    string
		Target    int
		File, Bad bool
	}
	var out []got
	for _, s := range build(t, sql, onward.TransactionNone).Suppressions {
		out = append(out, got{strings.Join(s.Rules, " ") + s.Foreign, s.Reason, s.Target, s.File, s.Malformed != ""})
	}
	want := []got{
		{"column-drop", "the service is gone", 5, true, false},
		{"index-create-blocking a-b", "40 rows", 5, false, false},
		{"c-d", "why", 7, false, false},
		{"", "", 18, false, true},
		{"", "", 18, false, true},
		{"", "", 18, false, true},
		{"no-reason", "", 18, false, false},
		{"", "", 18, false, true},
		{"", "", 18, false, true},
		{"squawk-ignore", "", 18, false, false},
	}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
}

// FuzzSuppression: a comment names rules or is malformed; it never covers anything but
// its own line or statement.
func FuzzSuppression(f *testing.F) {
	f.Add("-- onward:ignore index-create-blocking: 40 rows\nSELECT 1;")
	f.Add("SELECT 1; /* onward:ignore-file a-b: c */")
	f.Add("--onward:ignore a-b,c-d : e\r\nSELECT 1")
	f.Fuzz(func(t *testing.T, sql string) {
		s, err := BuildScript(Source{Text: sql, Parts: []Part{{SQL: sql}}})
		if err != nil {
			t.Skip()
		}
		for _, c := range s.Suppressions {
			if c.Malformed == "" && c.Foreign == "" && len(c.Rules) == 0 {
				t.Fatalf("%+v names nothing", c)
			}
			for _, r := range c.Rules {
				if r == "" || strings.ContainsAny(r, " \t,") {
					t.Fatalf("suppression %+v names %q, which is no rule ID", c, r)
				}
			}
			if c.Line < 1 || c.Target < c.Line {
				t.Fatalf("suppression %+v has line %d and target %d, want 1 <= line <= target", c, c.Line, c.Target)
			}
		}
	})
}
