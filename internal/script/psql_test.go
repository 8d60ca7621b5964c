package script

import (
	"strings"
	"testing"

	"github.com/onward-sql/onward/onward"
)

// psql's own commands are no statements if psql sends the file.
func TestPsql(t *testing.T) {
	t.Parallel()
	const text = "\\set ON_ERROR_STOP on\n\\i a.sql\nSELECT 1;\n"
	for psql, want := range map[bool]string{true: `\i a.sql|SELECT 1`, false: `\set ON_ERROR_STOP on|\i a.sql|SELECT 1`} {
		s, err := BuildScript(Source{Text: text, Parts: []Part{{SQL: text}}, Mode: onward.TransactionNone, Psql: psql})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, st := range s.Statements {
			got = append(got, st.SQL)
		}
		if strings.Join(got, "|") != want {
			t.Errorf("psql %t: %q", psql, got)
		}
	}
}
