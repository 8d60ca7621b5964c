package script

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// A part that is a message of its own is one implicit transaction when it
// holds several statements, and none when it holds one.
func TestMessageParts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		parts []string
		want  string // origin and transaction of each statement
	}{
		"one each":          {[]string{"SELECT 1;", "SELECT 2;"}, "A0 A0"},
		"two in one":        {[]string{"SELECT 1; SELECT 2;", "SELECT 3;"}, "M1 M1 A0"},
		"two and two":       {[]string{"SELECT 1; SELECT 2;", "SELECT 3;", "SELECT 4; SELECT 5;"}, "M1 M1 A0 M2 M2"},
		"commit inside":     {[]string{"SELECT 1; COMMIT; SELECT 2;", "SELECT 3;"}, "M1 M1 M2 A0"},
		"begin inside":      {[]string{"BEGIN; SELECT 1;", "SELECT 2;", "COMMIT;", "SELECT 3;"}, "E1 E1 E1 E1 A0"},
		"do in the message": {[]string{"DO $$ BEGIN DELETE FROM t; END $$; SELECT 1;", "SELECT 2;"}, "M1 M1 M1 A0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src := Source{Mode: onward.TransactionNone, LineComment: "--"}
			rendered := src // by a framework: it is in no file
			for _, sql := range tc.parts {
				src.Parts = append(src.Parts, Part{SQL: sql, Start: len(src.Text), Message: true})
				rendered.Parts = append(rendered.Parts, Part{SQL: sql, Start: -1, Line: 1, Column: 1, Message: true})
				src.Text += sql + "\n"
			}
			for _, src := range []Source{src, rendered} {
				s, err := BuildScript(src)
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, st := range s.Statements {
					got = append(got, string("ARME"[st.Origin])+string(rune('0'+st.Tx)))
				}
				if g := strings.Join(got, " "); g != tc.want {
					t.Errorf("part at %d: got %s, want %s", src.Parts[0].Start, g, tc.want)
				}
			}
		})
	}
}
