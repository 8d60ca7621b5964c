package adapter_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/adapter/adaptertest"
)

func TestReadFile(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Files{
		"good.sql":    []byte("SELECT 1;"),
		"denied.sql":  nil,
		"utf16.sql":   {0xff, 0xfe, 'S', 0},
		"latin1.sql":  []byte("SELECT 1;\nSELECT 'caf\xe9';"),
		"large.sql":   bytes.Repeat([]byte(" "), 33<<20),
		"largest.sql": bytes.Repeat([]byte(" "), 32<<20),
	}
	for path, want := range map[string]struct{ failed, opaque string }{
		"good.sql":    {},
		"largest.sql": {},
		"missing.sql": {failed: "file does not exist"},
		"denied.sql":  {failed: "permission denied"},
		"utf16.sql":   {failed: "UTF-16"},
		"latin1.sql":  {opaque: "byte 0xe9"},
		"large.sql":   {failed: "33 MB"},
	} {
		f := adapter.ReadFile(tree, path)
		if (f.Failed != "") != (want.failed != "") || !strings.Contains(f.Failed, want.failed) {
			t.Errorf("%s: failed %q, want %q", path, f.Failed, want.failed)
		}
		if (len(f.Opaque) > 0) != (want.opaque != "") {
			t.Errorf("%s: opaque %+v, want %q", path, f.Opaque, want.opaque)
		}
		for _, o := range f.Opaque {
			if !o.Failed || !strings.Contains(o.What, want.opaque) || o.Line != 2 || o.Column != 12 {
				t.Errorf("%s: opaque %+v", path, o)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	tree := adaptertest.Text(map[string]string{"bom": "\ufeffSELECT 1;", "nul": "SELECT 1;\nSELECT\x002;", "good": "SELECT 1;"})
	for path, want := range map[string]string{"bom": "1:1 byte order mark", "nul": "2:7 NUL", "good": ""} {
		got := adapter.ReadFile(tree, path).Refused()
		if want == "" {
			if len(got) > 0 {
				t.Errorf("ReadFile(%s).Refused() = %+v, want nothing", path, got)
			}
			continue
		}
		place, message, _ := strings.Cut(want, " ")
		if len(got) != 1 || !strings.Contains(got[0].Message, message) || place != string(rune('0'+got[0].Line))+":"+string(rune('0'+got[0].Column)) {
			t.Errorf("%s: %+v, want %s", path, got, want)
		}
	}
}

func TestPart(t *testing.T) {
	t.Parallel()
	text := "--\n \r\n SELECT 1; \n\n"
	p := adapter.TrimmedPart(text, 2, len(text))
	if p.SQL != "SELECT 1;" || text[p.Start:p.Start+len(p.SQL)] != p.SQL {
		t.Errorf("TrimmedPart(%q, 2, %d) = %+v, want SELECT 1; at its place", text, len(text), p)
	}
}

func TestLexerOpen(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"SELECT 1;":                            "",
		"SELECT 'a":                            "a string",
		"SELECT 'a''b":                         "a string",
		"SELECT 'a\\' ;":                       "",
		"SELECT E'a\\' ;":                      "a string",
		"SELECT E'a\\'b' ;":                    "",
		"SELECT typE'a\\' ;":                   "",
		`SELECT "a;`:                           "a quoted name",
		`SELECT "a"";"`:                        "",
		"DO $$ BEGIN x;":                       "a body quoted with $$",
		"DO $a$ $$ $b$ ;":                      "a body quoted with $a$",
		"DO $a$ $$ $b$ $a$;":                   "",
		"SELECT $1, a$b$c;":                    "",
		"SELECT 1 -- ; it's\n;":                "",
		"SELECT 1 -- ;":                        "a comment",
		"SELECT /* /* */ ;":                    "a comment",
		"SELECT /* /* */ */ ;":                 "",
		"CREATE RULE r AS ON (a;":              "parentheses",
		"CREATE RULE r AS ON (a;);":            "",
		"FUNCTION f() BEGIN ATOMIC SELECT 1;":  "a BEGIN ATOMIC body",
		"f() BEGIN ATOMIC CASE x END; y; END;": "",
		"BEGIN; SELECT 1; END;":                "",
		"INSERT INTO \"größe\" VALUES ('価');":  "",
	} {
		var whole, bytewise adapter.Lexer
		whole.Feed(text)
		if got := whole.Open(); got != want {
			t.Errorf("%q: open %q, want %q", text, got, want)
		}
		// Cutting the text after semicolons, as runners do, changes nothing.
		for _, piece := range strings.SplitAfter(text, ";") {
			bytewise.Feed(piece)
		}
		if got := bytewise.Open(); got != want {
			t.Errorf("%q in pieces: open %q, want %q", text, got, want)
		}
	}
}
