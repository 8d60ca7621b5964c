package psqlfile

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
	"github.com/onward-sql/onward/internal/script"
)

// expand returns the statements that psql sends for db/1.sql, each with its line; "?" marks a conditional one, and "!" one that cannot
// be parsed.
func expand(t *testing.T, files map[string]string, variables map[string]string) []string {
	t.Helper()
	tree := adaptertest.Text(files)
	f := adapter.ReadFile(tree, "db/1.sql")
	m := f.Start(adapter.Source{}, "1", "1")
	m.Source.Psql = true
	m.Source.Parts = []script.Part{adapter.TrimmedPart(f.Text, 0, len(f.Text))}
	(&Expander{Tree: tree, Dirs: []string{"", "db"}, Variables: variables}).Expand(m)
	s, err := script.BuildScript(m.Source)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, st := range s.Statements {
		mark := ""
		if st.Conditional {
			mark = "?"
		}
		if st.Err != nil {
			mark += "!"
		}
		out = append(out, fmt.Sprintf("%d%s %s", st.Line, mark, strings.TrimSpace(st.SQL)))
	}
	return out
}

func TestExpand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		files map[string]string
		given map[string]string
		want  []string
	}{
		"nothing to follow": {text: "SELECT 1;\nSELECT ':x'; SELECT 'a'::text;", want: []string{"1 SELECT 1", "2 SELECT ':x'", "2 SELECT 'a'::text"}},
		"a file beside it": {
			text: "SELECT 1;\n\\ir a.sql\nSELECT 3;", files: map[string]string{"db/a.sql": "SELECT 2;\nSELECT 2.5;"},
			want: []string{"1 SELECT 1", "2 SELECT 2", "2 SELECT 2.5", "3 SELECT 3"},
		},
		"from where it runs":  {text: `\i f/a.sql`, files: map[string]string{"f/a.sql": "SELECT 2"}, want: []string{"1 SELECT 2"}},
		"in another file":     {text: `\ir ../f/a.sql`, files: map[string]string{"f/a.sql": "\\ir b.sql", "f/b.sql": "SELECT 3"}, want: []string{"1 SELECT 3"}},
		"a file that is gone": {text: "\\ir b.sql\nSELECT 1;", want: []string{"1! \\ir b.sql", "2 SELECT 1"}},
		"outside":             {text: `\ir ../../b.sql`, want: []string{"1! \\ir ../../b.sql"}},
		"itself": {
			text: "SELECT 1;\n\\ir 1.sql",
			want: append(strings.Split("1 SELECT 1"+strings.Repeat(",2 SELECT 1", maxDepth), ","), `2! \ir 1.sql`),
		},
		"values": {
			text: "\\set a 'it''s' 2\n\\set b c\nSELECT :'a', :\"b\", :b, x[1:2], :{?b};\nSELECT :c;",
			want: []string{`3 SELECT 'it''s2', "c", c, x[1:2], TRUE`, "4! SELECT :c"},
		},
		"a value from the command line": {text: "SELECT :n;", given: map[string]string{"n": "7"}, want: []string{"1 SELECT 7"}},
		"a value of a program":          {text: "\\set a `date`\nSELECT :'a';", want: []string{"1! \\set a `date`", "2! SELECT :'a'"}},
		"a value that is SQL":           {text: "\\set q 'SELECT 1; SELECT 2;'\n:q\nSELECT 3;", want: []string{"2 SELECT 1", "2 SELECT 2", "2 SELECT 3"}},
		"no variable in a body": {
			text: "\\set a 1\nDO $$ BEGIN PERFORM ':a'; END $$;", want: []string{"2 DO $$ BEGIN PERFORM ':a'; END $$", "2 SELECT ':a'"},
		},
		"branches": {
			text: "\\if true\nSELECT 1;\n\\else\nSELECT 2;\n\\endif\n\\if 0\nSELECT 3;\n\\elif yes\nSELECT 4;\n\\endif\nSELECT 5;",
			want: []string{"2 SELECT 1", "9 SELECT 4", "11 SELECT 5"},
		},
		"a condition that is not known": {
			text: "\\if :x\nSELECT 1;\n\\if true\nSELECT 2;\n\\endif\n\\else\nSELECT 3;\n\\endif\nSELECT 4;",
			want: []string{"2? SELECT 1", "4? SELECT 2", "7? SELECT 3", "9 SELECT 4"},
		},
		"a default": {text: "\\if :{?n}\n\\else\n\\set n 5\n\\endif\nSELECT :n;", want: []string{"5 SELECT 5"}},
		"a value of a branch": {
			text: "\\set n 1\n\\if :x\n\\set n 2\n\\endif\nSELECT :n;", want: []string{"5! SELECT :n"},
		},
		"a result":        {text: "SELECT 1 AS n \\gset\n\\if :n\nSELECT 2;\n\\endif", want: []string{"1 SELECT 1 AS n", "3? SELECT 2"}},
		"a result, known": {text: "\\set n 1\nSELECT 2 AS n \\gset\nSELECT :n;", want: []string{"2 SELECT 2 AS n", "3! SELECT :n"}},
		"sent by \\g":     {text: "SELECT 1 \\g\nSELECT 2 \\gx\nSELECT 3 \\g out.txt", want: []string{"1 SELECT 1", "2 SELECT 2", "3! SELECT 3 \\g out.txt"}},
		"results that are SQL": {
			text: "SELECT 'DROP TABLE t' \\gexec\nSELECT 2;", want: []string{"1! SELECT 'DROP TABLE t' \\gexec", "2 SELECT 2"},
		},
		"its end": {
			text: "\\ir a.sql\nSELECT 1;\n\\q\nSELECT 2;", files: map[string]string{"db/a.sql": "SELECT 0;\n\\q\nSELECT 9;"},
			want: []string{"1 SELECT 0", "2 SELECT 1"},
		},
		"rows": {
			text: "\\set a 1\nCOPY t FROM STDIN;\n:a\n\\.\nSELECT :a;", want: []string{"2 COPY t FROM STDIN", "5 SELECT 1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files := map[string]string{"db/1.sql": c.text}
			for p, text := range c.files {
				files[p] = text
			}
			if diff := cmp.Diff(c.want, expand(t, files, c.given)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Files that are made to be slow.
func TestHostile(t *testing.T) {
	t.Parallel()
	const size = 1 << 18
	repeat := func(s string) string { return strings.Repeat(s, size/len(s)) }
	for name, text := range map[string]string{
		"conditions":    repeat("\\if 1\n"),
		"open ones":     repeat("\\if :x\nSELECT 1;\n"),
		"values":        "\\set a " + strings.Repeat("x", 60_000) + "\n" + repeat("SELECT :a;\n"),
		"doubled":       "\\set a xxxxxxxx\n" + repeat("\\set a :a:a\n"),
		"one line":      "\\set a 1\nSELECT " + repeat(":a,"),
		"arguments":     "\\set a " + repeat("'"),
		"colons":        repeat(":"),
		"a file itself": repeat("\\ir 1.sql\n"),
		"results":       "\\set a 1\n" + repeat("SELECT 1 AS a \\gset\n"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tree := adaptertest.Text(map[string]string{"db/1.sql": text})
			f := adapter.ReadFile(tree, "db/1.sql")
			m := f.Start(adapter.Source{}, "1", "1")
			m.Source.Psql = true
			m.Source.Parts = []script.Part{adapter.TrimmedPart(f.Text, 0, len(f.Text))}
			start := time.Now()
			(&Expander{Tree: tree, Dirs: []string{""}}).Expand(m)
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("Expand took %v, want at most 10s", took)
			} else {
				t.Logf("%v, %d parts", took, len(m.Source.Parts))
			}
		})
	}
}
