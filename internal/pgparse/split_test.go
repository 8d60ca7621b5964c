package pgparse

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// texts are the statements of a source, "!" before those that do not parse.
func texts(t *testing.T, src string) []string {
	t.Helper()
	f, err := SplitText(src)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, s := range f.Stmts {
		text := src[s.Start:s.End]
		if s.Err != nil {
			text = "!" + text
		}
		out = append(out, text)
	}
	return out
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, src string
		want      []string
	}{
		{"empty", " \n-- nothing\n/* at all */;;", nil},
		{"comments are not part of a statement", "-- a\nSELECT 1 -- b\n; /* c */ SELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"semicolons in quotes", `SELECT ';', ";", E'\';', $$;$$, $a$ $$;$$ $a$; SELECT 2`, []string{`SELECT ';', ";", E'\';', $$;$$, $a$ $$;$$ $a$`, "SELECT 2"}},
		{"nested comments", "/* a /* ; */ ; */ SELECT 1;", []string{"SELECT 1"}},
		{
			"a rule's actions", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3",
			[]string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"},
		},
		{
			"a body with a label END",
			"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 0 end; SELECT CASE 1 WHEN 1 THEN 2 END end; END; SELECT 3",
			[]string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 0 end; SELECT CASE 1 WHEN 1 THEN 2 END end; END", "SELECT 3"},
		},
		{"an empty body in SQL", "CREATE PROCEDURE p() BEGIN ATOMIC END; SELECT 3", []string{"CREATE PROCEDURE p() BEGIN ATOMIC END", "SELECT 3"}},
		{
			"a body in SQL",
			"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
			[]string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END", "SELECT 3"},
		},
		{"one broken statement costs itself", "SELECT 1; ALTER TABEL x; SELECT 2", []string{"SELECT 1", "!ALTER TABEL x", "SELECT 2"}},
		{"psql commands that end a statement", "SELECT 1 \\gset p_\nSELECT 2 \\gexec\nSELECT 3;", []string{"!SELECT 1 \\gset p_", "!SELECT 2 \\gexec", "SELECT 3"}},
		{"psql commands in one", "SELECT 1 \\echo hi\n, 2; SELECT 3;", []string{"!SELECT 1 \\echo hi\n, 2", "SELECT 3"}},
		{"psql commands", "\\connect db\nSELECT 1;\n\\i file.sql\n", []string{"!\\connect db", "SELECT 1", "!\\i file.sql"}},
		{"copied rows", "COPY t (a, b) FROM stdin;\n1\tit's; fine\n\\.\nSELECT 1;", []string{"COPY t (a, b) FROM stdin", "SELECT 1"}},
		{"byte order mark", "\ufeffSELECT 1;", []string{"SELECT 1"}},
		{"an argument of type double precision", "DROP FUNCTION f(double precision);", []string{"DROP FUNCTION f(double precision)"}},
		{"a later server's statement", "REFRESH EVERYTHING t; SELECT 1", []string{"!REFRESH EVERYTHING t", "SELECT 1"}},
		{"a comment without an end", "SELECT 1; /* half\nSELECT 2;", []string{"SELECT 1", "!/* half\nSELECT 2;"}},
		{"a comment without an end in a statement", "SELECT 1 /* a /* b */ ; SELECT 2", []string{"!SELECT 1 /* a /* b */ ; SELECT 2"}},
		{"a carriage return ends a comment", "-- a\rSELECT 1; -- b\r\n\rSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"no end", "SELECT 1; SELECT 'abc", []string{"SELECT 1", "!SELECT 'abc"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, texts(t, c.src)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ src, message, at string }{
		{"SELECT 1; SELECT é FROM;", "syntax error", ""},
		{"ALTER\u00a0TABLE t ADD c int", "no-break space", "ALTER"},
		{"SELECT 1\x00", "NUL byte", ""},
		{"CREATE TABLE {{ .Schema }}.t ()", "template", "{"},
		{"{% if prod %} DROP TABLE t; {% endif %}", "template", "{"},
		{"ALTER TABLE $SCHEMA.t ADD a int", "template", "$"},
		{"SELECT $a$ x", "unterminated dollar-quoted string", "$a$"},
		{"ALTER TABLE :schema.t ADD a int", "variable of psql", ":"},
		{"INSERT INTO t VALUES (:'name')", "variable of psql", ":"},
		{"ALTER TABLE t ADD System_User text", "reserved word since Postgres 16", "System_User"},
		{"INSERT INTO t (a, system_user) VALUES (1, 2)", "reserved word since Postgres 16", "system_user)"},
		{"SELECT 1 : 2", "syntax error at or near \":\"", ":"},
		{"<<<<<<< HEAD\nSELECT 1;", "merge conflict", "<"},
		{"=======\r\nSELECT 1;", "merge conflict", "="},
		{"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n", "git lfs pull", "version"},
		{"/* half\nSELECT 1;", "unterminated /* comment", "/*"},
		{"\\set x 1", "psql command", "\\set"},
		{"SELECT 1 \\gset", `\gset is a psql command`, "\\gset"},
		{"SELECT * FROM (SELECT a b c FROM t) x", `near "c"`, "c FROM"},
		{"UPDATE t SET a = (SELECT b FROM u WHERE) WHERE c = 1", `near ")"`, ") WHERE c"},
		{"DELETE FROM t WHERE a = (SELECT f((SELECT 1 2)))", `near "2"`, "2)))"},
		{"DELETE FROM t WHERE a IN (SELECT 1) foo bar", `near "foo"`, "foo"},
		{"DELETE FROM t WHERE a = ANY (SELECT b FROM u;\n);", `near ";"`, ";\n"},
	} {
		f, err := SplitText(c.src)
		if err != nil {
			t.Fatal(err)
		}
		last := f.Stmts[len(f.Stmts)-1]
		switch {
		case last.Err == nil:
			t.Errorf("%q: should not parse", c.src)
		case !strings.Contains(last.Err.Error(), c.message):
			t.Errorf("%q: %q should say %q", c.src, last.Err, c.message)
		case !strings.HasPrefix(c.src[min(last.Err.Offset, len(c.src)):], c.at):
			t.Errorf("%q: points at %q", c.src, c.src[last.Err.Offset:])
		}
	}
}

// TestBounds gives the parser what would take it minutes or its stack.
func TestBounds(t *testing.T) {
	t.Parallel()
	for _, src := range []string{
		"SELECT " + strings.Repeat("(", 1_000_000) + "1" + strings.Repeat(")", 1_000_000),
		"SELECT 1" + strings.Repeat("+1", 2_000_000),
		"SELECT " + strings.Repeat("NOT ", 1_000_000) + "true",
		"SELECT " + strings.Repeat("CASE WHEN true THEN ", 200_000) + "1",
		"SELECT a" + strings.Repeat(" AND a", 500_000),
		"SELECT '" + strings.Repeat("x", 10_000_000) + "'",
	} {
		start := time.Now()
		f, err := SplitText(src)
		if err != nil || len(f.Stmts) != 1 {
			t.Fatalf("SplitText(%.20q…): %v, or more than one statement", src, err)
		}
		// A generous bound: the point is minutes against less than a second.
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%.20q…: took %v", src, d)
		}
		Walk(f.Stmts[0].Node, func(any) bool { return true })
	}
	if _, err := SplitText(strings.Repeat(" ", MaxSize+1)); err == nil {
		t.Error("a file above the limit should be refused")
	}
}

// TestLongLine asks for the place of each word of a long line: counting from
// its beginning each time would take minutes.
func TestLongLine(t *testing.T) {
	t.Parallel()
	for _, word := range []string{"SELECT 1; ", "SELECT 'é'; ", "SELECT '\xe9'; "} {
		src := "-- é\n" + strings.Repeat(word, 200_000) + "\n" + strings.Repeat(word, 1000)
		lines, start := NewLines(src), time.Now()
		first, runes := strings.IndexByte(src, '\n')+1, utf8.RuneCountInString(word)
		for i := range 200_000 {
			if line, column := lines.Position(first + i*len(word)); line != 2 || column != i*runes+1 {
				t.Fatalf("%q: word %d is at %d:%d, not 2:%d", word, i, line, column, i*runes+1)
			}
		}
		if line, column := lines.Position(len(src)); line != 3 || column != 1000*runes+1 {
			t.Errorf("%q: the end is at %d:%d", word, line, column)
		}
		if d := time.Since(start); d > 10*time.Second { // as in TestBounds
			t.Errorf("%q: took %v", word, d)
		}
	}
}

func TestPosition(t *testing.T) {
	t.Parallel()
	src := "a\nbé c\r\n\nd"
	l := NewLines(src)
	for _, c := range []struct{ at, line, column int }{{0, 1, 1}, {2, 2, 1}, {6, 2, 4}, {len(src) - 1, 4, 1}, {len(src) + 9, 4, 2}} {
		if line, column := l.Position(c.at); line != c.line || column != c.column {
			t.Errorf("offset %d: %d:%d, want %d:%d", c.at, line, column, c.line, c.column)
		}
	}
}

func TestParseBlock(t *testing.T) {
	t.Parallel()
	block, err := ParseBlock(`DO $$
DECLARE r record;
BEGIN
  IF NOT EXISTS (SELECT 1) THEN
    ALTER TABLE t ADD c int;
  END IF;
  FOR r IN SELECT 1 LOOP
    EXECUTE format('DROP TABLE %I', 'Old');
    EXECUTE 'ALTER TABLE ' || r.name;
  END LOOP;
END $$`)
	if err != nil {
		t.Fatal(err)
	}
	want := []BlockStatement{
		{SQL: "ALTER TABLE t ADD c int", Line: 5, Conditional: true, Guard: "(NOT EXISTS (SELECT 1))"},
		{SQL: "SELECT 1", Line: 7},
		{SQL: `DROP TABLE "Old"`, Line: 8, Conditional: true, Loop: true},
		{Line: 9, Conditional: true, Loop: true, Dynamic: true, Hidden: "EXECUTE of 'ALTER TABLE ' || r.name"},
	}
	if diff := cmp.Diff(want, block.Statements); diff != "" {
		t.Error(diff)
	}
}

func TestQuoteIdent(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"users": "users", "Users": `"Users"`, "user": `"user"`, `a"b`: `"a""b"`, "": `""`, "1a": `"1a"`} {
		if got := QuoteIdent(in); got != want {
			t.Errorf("QuoteIdent(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestSqueeze(t *testing.T) {
	t.Parallel()
	a := SqueezeSQL("SELECT  'a  b', -- c\n\t1 /* d */")
	if b := SqueezeSQL("SELECT 'a  b',\n1"); a != b {
		t.Errorf("%q and %q do the same", a, b)
	}
	if SqueezeSQL("SELECT 'a b'") == SqueezeSQL("SELECT 'a  b'") {
		t.Error("blanks in a literal count")
	}
}

var seeds = []string{
	"SELECT 1; SELECT 2", "-- a\n/* b */ SELECT $$;$$;", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END;",
	"\\c x\nCOPY t FROM stdin;\n1\n\\.\n", "SET standard_conforming_strings=off; SELECT 'a\\'b;'; SELECT '\\\\';", "E'a'\n'\\'';'", "SELECT 1\\; SELECT 2;", "\\echo a \\\\ SELECT 1;",
	"COPY a FROM STDIN; SELECT 1;\n2\n\\.\n", "SELECT $1$$;$$", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT 2; END; SELECT 3", "E'\\'", "U&'\\0041'", "SELECT 'é' -- onward:ignore x: y", "$a$b$a$", "CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)",
	"CREATE FUNCTION A()BEGIN ATOMIC SELECT 0 end;END;SELECT",
}

// FuzzSplit: no input panics, statements lie in order inside the source,
// and what was cut apart is the whole source but for blanks, comments and the rows
// of COPY. What the grammar reads as a whole, it reads cut apart.
func FuzzSplit(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		file, err := SplitText(src)
		if err != nil {
			t.Skip()
		}
		whole(t, src, file)
		psql, err := SplitBy(src, Reader{Psql: true})
		if err != nil || len(psql.Src) != len(src) {
			t.Fatalf("%v, %d bytes of %d", err, len(psql.Src), len(src))
		}
		for _, f := range []*File{file, psql} {
			gaps(t, src, f)
		}
		previousEnd := 0
		for _, s := range file.Stmts {
			if s.Start < previousEnd || s.End < s.Start || s.End > len(src) {
				t.Fatalf("statement [%d,%d) after %d in %d bytes", s.Start, s.End, previousEnd, len(src))
			}
			if (s.Node == nil) == (s.Err == nil) {
				t.Fatal("a statement has a tree or an error")
			}
			if s.Err != nil && (s.Err.Offset < 0 || s.Err.Offset > len(src)) {
				t.Fatalf("error at %d of %d", s.Err.Offset, len(src))
			}
			Walk(s.Node, func(any) bool { return true })
			previousEnd = s.End
		}
		SqueezeSQL(src)
		ListComments(src)
	})
}

// gaps fails where something between statements is neither blank, nor a comment,
// nor rows of a COPY.
func gaps(t *testing.T, src string, f *File) {
	t.Helper()
	previousEnd, rows := 0, false
	for _, s := range append(f.Stmts, Stmt{Start: len(src), End: len(src)}) {
		if s.Start < previousEnd {
			t.Fatalf("a statement begins at %d, before %d", s.Start, previousEnd)
		}
		var left strings.Builder
		gap, from := cleanText(src)[previousEnd:s.Start], 0
		for _, c := range ListComments(gap) {
			left.WriteString(gap[from:c.Start])
			from = c.End
		}
		left.WriteString(gap[from:])
		if rest := strings.Trim(left.String(), " \t\n\r\f\v;\\:"); rest != "" && !rows {
			t.Fatalf("%q lies between statements", rest)
		}
		previousEnd = s.End
		// A COPY may precede others on its line.
		rows = rows || strings.Contains(strings.ToUpper(src[s.Start:s.End]), "STDIN")
	}
}

// whole fails if a text that is parsed as a whole has other statements.
func whole(t *testing.T, src string, f *File) {
	t.Helper()
	lower := strings.ToLower(src)
	if strings.Contains(lower, "standard_conforming") || strings.Contains(lower, "set_config") || strings.Contains(lower, "client_encoding") ||
		strings.Contains(lower, "stdin") {
		return // which change how the rest is read
	}
	list := Whole(cleanText(src))
	for i, text := range list {
		if i >= len(f.Stmts) {
			t.Fatalf("%q is lost", text)
		}
		if f.Stmts[i].Err != nil {
			return // reported, and what follows is part of another: SELECT 0 end; in a body, whose END is a label
		}
		if got := src[f.Stmts[i].Start:f.Stmts[i].End]; SqueezeSQL(cleanText(got)) != SqueezeSQL(text) {
			t.Fatalf("%q is read as %q", text, got)
		}
	}
}

// FuzzPosition: positions come back to their offsets.
func FuzzPosition(f *testing.F) {
	f.Add("a\nb\r\né", 3)
	f.Fuzz(func(t *testing.T, src string, offset int) {
		l := NewLines(src)
		line, column := l.Position(offset)
		if line < 1 || column < 1 || line > l.CountLines() {
			t.Fatalf("%d:%d of %d lines", line, column, l.CountLines())
		}
		if offset >= 0 && offset <= len(src) && (l.LineStart(line) > offset || l.LineStart(line+1) < offset) {
			t.Fatalf("offset %d is not on line %d [%d, %d]", offset, line, l.LineStart(line), l.LineStart(line+1))
		}
	})
}

func BenchmarkSplit(b *testing.B) {
	src := strings.Repeat("ALTER TABLE users ADD COLUMN nickname text;\nCREATE INDEX users_idx ON users (lower(email)) WHERE active;\n", 500)
	b.SetBytes(int64(len(src)))
	for b.Loop() {
		if _, err := SplitText(src); err != nil {
			b.Fatal(err)
		}
	}
}

// TestReservedWords holds the list against the grammar: each word on it is
// refused as a name, and words of every other class are not.
func TestReservedWords(t *testing.T) {
	t.Parallel()
	refused := func(word string) bool {
		for _, sql := range []string{"SELECT 1 FROM t WHERE " + word + " = 1", "CREATE TABLE " + word + " ()", "CREATE TABLE t (" + word + " int)"} {
			f, err := SplitText(sql)
			if err != nil || len(f.Stmts) != 1 || f.Stmts[0].Err != nil {
				return true
			}
		}
		return false
	}
	for _, w := range reservedWords {
		if !refused(w) {
			t.Errorf("%s can be a name", w)
		}
	}
	for _, w := range []string{
		"name", "text", "int", "value", "date", "year", "type", "key", "role", "status", "data", "index", "begin", "view",
		"returns", "over", "filter",
	} {
		if isReserved(w) {
			t.Errorf("%s is no reserved word", w)
		}
		if refused(w) {
			t.Errorf("%s is refused", w)
		}
	}
}
