package goose

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// show is a file as goose would send it: the messages, then what it refuses.
func show(p *parsedFile) []string {
	var out []string
	for _, part := range p.parts {
		out = append(out, part.SQL)
	}
	for _, r := range p.problems {
		out = append(out, fmt.Sprintf("! %d %s", r.Line, r.Message))
	}
	if !p.useTx {
		out = append(out, "no transaction")
	}
	return out
}

func TestParse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"semicolon at a line's end only": {
			"-- +goose Up\nSELECT 1; SELECT 2\n;\nSELECT 3; -- three\n",
			[]string{"SELECT 1; SELECT 2\n;", "SELECT 3; -- three"},
		},
		"a comment glued to the semicolon hides it": {
			"-- +goose Up\nSELECT 1;-- one\nSELECT 2;\n",
			[]string{"SELECT 1;-- one\nSELECT 2;"},
		},
		"comments before a statement are dropped, inside they stay": {
			"-- +goose Up\n-- a\n\n-- b\nSELECT\n-- c\n1;\n",
			[]string{"SELECT\n-- c\n1;"},
		},
		"annotations in any case, glued": {
			"--+GOOSE UP\n", []string{`! 1 the file has no annotation "-- +goose Up"`},
		},
		"case of the command":      {"--+goose uP\nSELECT 1;\n--   +goose  down\nSELECT 2;\n", []string{"SELECT 1;"}},
		"white space before":       {"-- +goose Up\n  -- +goose Down\n", []string{"! 2 white space comes before the annotation"}},
		"unknown annotation":       {"-- +goose Up\n-- +goose Dwon\nSELECT 1;", []string{"SELECT 1;", `! 2 goose knows no annotation "Dwon"`}},
		"a comment that speaks of": {"-- +goose Up\n-- see +goose manual\nSELECT 1;", []string{"SELECT 1;", `! 2 goose knows no annotation "see  manual"`}},
		"the down migration without the plus is part of the up migration": {
			"-- +goose Up\nSELECT 1;\n\n-- goose Down\nSELECT 2;\n",
			[]string{"SELECT 1;", "SELECT 2;", `! 4 "-- goose Down" is a comment for goose: the word is +goose, with the plus and in lower case`},
		},
		"another tool's word, and one in capitals": {
			"-- +goose Up\n-- +GOOSE NO TRANSACTION\nSELECT 1;\n-- migrate:down\nSELECT 2;\n",
			[]string{
				"SELECT 1;", "SELECT 2;",
				`! 2 "-- +GOOSE NO TRANSACTION" is a comment for goose: the word is +goose, with the plus and in lower case`,
				`! 4 "-- migrate:down" is a comment for goose: the word is +goose, with the plus and in lower case`,
			},
		},
		"words about goose are none": {"-- +goose Up\n-- goose up and down work\n-- no transaction\nSELECT 1;\n", []string{"SELECT 1;"}},
		"empty annotation":           {"-- +goose Up\n-- +goose\n", []string{"! 2 the annotation is empty"}},
		"two Ups":                    {"-- +goose Up\nSELECT 1;\n-- +goose Up\nSELECT 2;\n", []string{"SELECT 1;", "SELECT 2;", `! 3 a second "-- +goose Up"`}},
		"two Downs":                  {"-- +goose Up\n-- +goose Down\n-- +goose Down\n", []string{`! 3 a second "-- +goose Down"`}},
		"Down first":                 {"-- +goose Down\nSELECT 1;\n", []string{`! 1 "-- +goose Down" comes before any "-- +goose Up"`}},
		"Up behind Down is not forward for goose": {
			"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n-- +goose Up\nSELECT 3;\n",
			[]string{"SELECT 1;", "SELECT 3;", `! 5 a second "-- +goose Up"`},
		},
		"empty file":        {"", []string{`! 1 the file has no annotation "-- +goose Up"`}},
		"comments only":     {"-- hello\n", []string{`! 1 the file has no annotation "-- +goose Up"`}},
		"Begin without End": {"-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n", []string{"SELECT 1;", "! 2 StatementBegin has no StatementEnd"}},
		"Begin without End, Down": {
			"-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\n-- +goose Down\nSELECT 2;\n",
			[]string{"SELECT 1;", "! 2 StatementBegin has no StatementEnd"},
		},
		"End without Begin": {"-- +goose Up\n-- +goose StatementEnd\n", []string{"! 2 StatementEnd without StatementBegin"}},
		"Begin in Begin": {
			"-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n",
			[]string{"SELECT 1;", "! 3 StatementBegin inside StatementBegin"},
		},
		"Begin before Up": {
			"-- +goose StatementBegin\nSELECT 1;\n-- +goose StatementEnd\n",
			[]string{"SELECT 1;", `! 1 StatementBegin comes before any "-- +goose Up"`},
		},
		"no semicolon":       {"-- +goose Up\nSELECT 1\n", []string{"SELECT 1", "! 2 the statement has no ';' at the end of a line"}},
		"no semicolon, Down": {"-- +goose Up\n\nSELECT 1\n-- +goose Down\n", []string{"SELECT 1", "! 3 the statement has no ';' at the end of a line"}},
		"block without semicolon is fine": {
			"-- +goose Up\n-- +goose StatementBegin\nSELECT 1\n-- +goose StatementEnd\n", []string{"SELECT 1"},
		},
		"several statements in a block are one message": {
			"-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nSELECT 1;\nSELECT 2;\n-- +goose StatementEnd\n",
			[]string{"SELECT 1;\nSELECT 2;", "no transaction"},
		},
		"NO TRANSACTION in the down migration": {"-- +goose Up\nSELECT 1;\n-- +goose Down\n-- +goose no transaction\n", []string{"SELECT 1;", "no transaction"}},
		"a line behind an empty block": {
			"-- +goose Up\n-- +goose StatementBegin\n-- +goose StatementEnd\nSELECT 1;\nSELECT 2;\n",
			[]string{"SELECT 2;", "! 4 this line follows an empty StatementBegin/StatementEnd pair"},
		},
		"body without block": {
			"-- +goose Up\nCREATE FUNCTION f() RETURNS int AS $f$\nBEGIN\n  RETURN 1;\nEND;\n$f$ LANGUAGE plpgsql;\nSELECT 2;\n",
			[]string{
				"CREATE FUNCTION f() RETURNS int AS $f$\nBEGIN\n  RETURN 1;\nEND;\n$f$ LANGUAGE plpgsql;", "SELECT 2;",
				"! 2 goose ends the statement at the ';' of line 4, inside a body quoted with $f$",
			},
		},
		"string over lines": {
			"-- +goose Up\nINSERT INTO t VALUES ('a;\nb''c;\nd');\n",
			[]string{"INSERT INTO t VALUES ('a;\nb''c;\nd');", "! 2 goose ends the statement at the ';' of line 2, inside a string"},
		},
		"body that never ends": {
			"-- +goose Up\nDO $$\nBEGIN;\nSELECT 1;\n",
			[]string{"DO $$\nBEGIN;", "SELECT 1;", "! 2 goose ends the statement at the ';' of line 3, inside a body quoted with $$"},
		},
		"comment over lines": {
			"-- +goose Up\nSELECT 1 /* a;\nb */;\n",
			[]string{"SELECT 1 /* a;\nb */;", "! 2 goose ends the statement at the ';' of line 2, inside a comment"},
		},
		"SQL before Up": {"SELECT 0;\n-- +goose Up\nSELECT 1;\n", []string{"SELECT 0;", "SELECT 1;", `! 1 SQL comes before the annotation "-- +goose Up"`}},
		"down migration without semicolon": {
			"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT\n 2\n",
			[]string{"SELECT 1;", "! 4 the statement of the down migration has no ';' at the end of a line"},
		},
		"byte order mark": {"\ufeff-- +goose Up\nSELECT 1;\n", []string{"SELECT 1;"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := parseFile(tc.text)
			if diff := cmp.Diff(tc.want, show(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseLongLine(t *testing.T) {
	t.Parallel()
	text := "-- +goose Up\nINSERT INTO t VALUES ('" + strings.Repeat("x", maxLine) + "');\n"
	got := parseFile(text)
	if len(got.problems) != 1 || got.problems[0].Line != 2 || len(got.parts) != 1 {
		t.Errorf("%d problems, %d parts; want one each", len(got.problems), len(got.parts))
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"-- +goose Up\nSELECT 1;\n-- +goose Down\nSELECT 2;\n",
		"-- +goose NO TRANSACTION\n-- +goose Up\n-- +goose StatementBegin\nDO $$ BEGIN END $$;\n-- +goose StatementEnd\n",
		"\ufeff--+goose up\r\nSELECT ';\r\n';\r\n",
		"-- +goose Up\n-- +goose ENVSUB ON\nSELECT '${X}';\n-- +goose ENVSUB OFF\n",
		"-- +goose Up\nSELECT 1 /* ;\n*/;\nCREATE FUNCTION f() BEGIN ATOMIC SELECT 1;\nEND;\n",
		"-- +goose StatementEnd\n  -- +goose Up\n-- +goose Up\n-- +goose StatementBegin",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p := parseFile(text)
		end := 0
		for _, part := range p.parts {
			if part.Start < end || !strings.HasPrefix(text[part.Start:], part.SQL) || part.SQL == "" {
				t.Fatalf("part %+v of %q", part, text)
			}
			end = part.Start + len(part.SQL)
		}
		lines := strings.Count(text, "\n") + 1
		for _, r := range p.problems {
			if r.Line < 1 || r.Line > lines || r.Message == "" || r.Harm == "" || r.Instead == "" {
				t.Fatalf("problem %+v of %q", r, text)
			}
		}
		if !strings.Contains(text, "+goose") && len(p.problems) == 0 {
			t.Fatalf("no annotation, and nothing said: %q", text)
		}
	})
}
