package lsp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"unicode/utf8"
)

type sink struct{ bytes.Buffer }

func (*sink) Close() error { return nil }

// Messages arrive whatever is between them.
func TestFrames(t *testing.T) {
	t.Parallel()
	framed := func(s string) string { return fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(s), s) }
	long := strings.Repeat("x", maxMessage+1)
	for name, c := range map[string]struct {
		in   string
		want []string
	}{
		"plain":                {framed("{}") + framed("[1]"), []string{"{}", "[1]"}},
		"another case, a type": {"content-length: 2\r\nContent-Type: application/json\r\n\r\n{}", []string{"{}"}},
		"no head":              {"hello\r\n\r\n" + framed("{}"), []string{"{}"}},
		"no number":            {"Content-Length: many\r\n\r\n" + framed("{}"), []string{"{}"}},
		"negative":             {"Content-Length: -5\r\n\r\n" + framed("{}"), []string{"{}"}},
		"longer than it says":  {"Content-Length: 1\r\n\r\n{}" + framed("[1]"), []string{"{", "[1]"}},
		"too long":             {framed(long) + framed("{}"), []string{"too long", "{}"}},
		"more than comes":      {"Content-Length: 99999999999\r\n\r\n{}", nil},
		"a line without end":   {strings.Repeat("y", 3*maxHeader), nil},
	} {
		f := newFrames(strings.NewReader(c.in), &sink{})
		var got []string
		for {
			m, err := f.Recv()
			if err != nil {
				break
			}
			got = append(got, string(m))
		}
		if strings.Join(got, "|") != strings.Join(c.want, "|") {
			t.Errorf("%s: %.200q, want %q", name, got, c.want)
		}
	}
}

// Messages arrive as they were sent, and no input makes the reader exceed its bounds.
func FuzzFrames(f *testing.F) {
	f.Add("Content-Length: 2\r\n\r\n{}", "x")
	f.Add("Content-Length: 1\r\n\r\n{}Content-Length: 3\n\n", "")
	f.Add("0\xe3Content-Length:\n", "0") // no letter of another length in lower case moves the place of the length
	f.Fuzz(func(t *testing.T, in, message string) {
		r := newFrames(strings.NewReader(in), &sink{})
		for {
			m, err := r.Recv()
			if err != nil {
				break
			}
			if len(m) > len(in) {
				t.Fatalf("%d bytes of %d", len(m), len(in))
			}
		}
		out := &sink{}
		if err := newFrames(strings.NewReader(""), out).Send([]byte(message)); err != nil {
			t.Fatal(err)
		}
		got, err := newFrames(&out.Buffer, &sink{}).Recv()
		if err != nil && !errors.Is(err, io.EOF) || string(got) != message {
			t.Fatalf("%q, %v", got, err)
		}
	})
}

func TestPositions(t *testing.T) {
	t.Parallel()
	content := "a🐘b\r\né\rlast"
	for _, c := range []struct {
		units        encoding
		line, column uint32
		want         string // the text after it
	}{
		{utf16Units, 0, 0, "a🐘b"}, {utf16Units, 0, 1, "🐘b"}, {utf16Units, 0, 2, "🐘b"}, {utf16Units, 0, 3, "b"}, {utf16Units, 0, 99, "\r\n"},
		{utf8Units, 0, 5, "b"}, {utf8Units, 0, 3, "🐘b"}, {utf16Units, 1, 1, "\rlast"}, {utf8Units, 1, 1, "é"}, {utf16Units, 2, 1, "ast"},
		{utf16Units, 3, 0, ""}, {utf16Units, 1<<32 - 1, 1<<32 - 1, ""},
	} {
		x := newText(content, c.units)
		if rest := x.content[x.offsetOf(position{c.line, c.column}):]; !strings.HasPrefix(rest, c.want) || c.want == "" && rest != "" {
			t.Errorf("%s %d:%d: %q, want %q", c.units, c.line, c.column, rest, c.want)
		}
	}
}

// A position and its offset mean the same place, and a change is made at its range, whatever
// it contains.
func FuzzPositions(f *testing.F) {
	f.Add("a🐘b\r\né\rlast", uint32(0), uint32(2), uint32(1), uint32(1), "x\n", true)
	f.Fuzz(func(t *testing.T, content string, line, column, line2, column2 uint32, replacement string, wide bool) {
		if !utf8.ValidString(content) || !utf8.ValidString(replacement) {
			return // JSON has no other
		}
		units := utf8Units
		if wide {
			units = utf16Units
		}
		x := newText(content, units)
		for i := range content {
			inEnd := content[i] == '\n' && i > 0 && content[i-1] == '\r'
			if got := x.offsetOf(x.positionOf(i)); got != i && !inEnd {
				t.Fatalf("%q: byte %d is %v, which is byte %d", content, i, x.positionOf(i), got)
			}
		}
		c := contentChange{Range: &span{Start: position{line, column}, End: position{line2, column2}}, Text: replacement}
		from, to := x.offsetOf(c.Range.Start), x.offsetOf(c.Range.End)
		next, err := x.applyChange(c)
		if (err != nil) != (from > to) {
			t.Fatal(err)
		}
		if err == nil && next.content != content[:from]+replacement+content[to:] {
			t.Fatalf("%q", next.content)
		}
	})
}
