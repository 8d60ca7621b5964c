package script

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A guard statement is no statement of its script, but part of the message that it is sent in. Its text counts, letter by letter.
func TestGuardStatement(t *testing.T) {
	t.Parallel()
	guard, ok := GuardStatement("db/migrations/2_b c.sql")
	if !ok {
		t.Fatal("the path is plain")
	}
	for _, path := range []string{"db/it's.sql", "db/$x.sql", "db/a?.sql", "", "db/ü.sql"} {
		if _, ok := GuardStatement(path); ok {
			t.Errorf("%q has characters that a tool may change", path)
		}
	}
	const index = "CREATE INDEX CONCURRENTLY i ON t (a);\n"
	for name, tc := range map[string]struct {
		text, want string
		mode       onward.Transaction
	}{
		"before a statement":           {guard + ";\n" + index, "guard M1", onward.TransactionMessage},
		"without it":                   {index, "A0", onward.TransactionMessage},
		"each by itself":               {guard + ";\n" + index, "guard A0", onward.TransactionNone},
		"in a transaction":             {guard + ";\nSELECT 1;\nSELECT 2;\n", "guard R1 R1", onward.TransactionFile},
		"another text":                 {strings.Replace(guard, "'abandoned'", "'running'", 1) + ";\n", "A1", onward.TransactionNone},
		"another path":                 {strings.Replace(guard, "2_b", "3_b", 1) + ";\n", "guard", onward.TransactionNone},
		"something after it in a text": {guard + " LANGUAGE plpgsql;\n", "A1", onward.TransactionNone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, err := BuildScript(Source{Text: tc.text, Parts: []Part{{SQL: tc.text}}, Mode: tc.mode, LineComment: "--"})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			if s.HasGuard() {
				got = append(got, "guard")
			}
			for _, st := range s.Statements {
				if st.Parent < 0 {
					got = append(got, string("ARME"[st.Origin])+string(rune('0'+st.Tx)))
				}
			}
			if g := strings.Join(got, " "); g != tc.want {
				t.Errorf("got %q, want %q", g, tc.want)
			}
		})
	}
}
