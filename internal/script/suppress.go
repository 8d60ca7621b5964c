package script

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Suppression is a comment that takes findings out:
//
//	-- onward:ignore index-create-blocking: 40 rows
//	-- onward:ignore-file column-drop, table-drop: the service is gone since May
//
// It names rules, never all of them, and gives a reason.
type Suppression struct {
	// Rules are the names as written. None: the comment is malformed.
	Rules []string
	// Reason is what stands behind the colon; "" is a finding of its own.
	Reason string
	// File: the whole file is meant.
	File bool
	// Line and Column are where the comment stands; Target is the line it
	// speaks about: its own, or for a comment alone on its line the next
	// line that is no comment.
	Line, Column, EndColumn, Target int
	// Alone marks a comment that has its line for itself.
	Alone bool
	// Malformed says what is wrong with the comment; "" for nothing.
	Malformed string
	// Foreign is the word of another tool that such a comment begins with:
	// "squawk-ignore". It takes nothing out.
	Foreign string
}

const marker = "onward:ignore"

// foreign are the words of other linters' comments.
var foreign = []string{"squawk-ignore-next-statement", "squawk-ignore-file", "squawk-ignore", "atlas:nolint", "eugene: ignore"}

// suppressions reads the comments of a source. In SQL the parser's rules tell
// what is a comment; elsewhere a line comment is what follows its marker.
//
// A DO block is a string for Postgres' scanner; the comments in its body speak
// about the statements in it.
func suppressions(src Source, lines *pgparse.Lines, bodies []pgparse.Comment) []Suppression {
	if at, _ := mention(src.Text); at < 0 {
		return nil
	}
	var out []Suppression
	follows := following{src: src, lines: lines}
	for _, c := range commentsOf(src, bodies) {
		text := src.Text[c.Start:c.End]
		i, other := mention(text)
		if i < 0 || !onlyMarkers(text[:i]) {
			continue
		}
		s := Suppression{Foreign: other, File: strings.HasSuffix(other, "-file")}
		if other == "" {
			s = parseSuppression(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(text[i:]), "*/")))
		}
		s.Line, s.Column = lines.Position(c.Start)
		_, s.EndColumn = lines.Position(c.End)
		start := lines.Start(s.Line)
		s.Alone = strings.TrimSpace(src.Text[start:c.Start]) == ""
		s.Target = s.Line
		if s.Alone {
			s.Target = follows.code(s.Line)
		}
		out = append(out, s)
	}
	return out
}

// mention is where a text first speaks to onward, or to another linter, whose word is
// other then; in capitals, too, and with a dash, which are mistakes to tell of. -1 for
// nowhere.
func mention(text string) (first int, other string) {
	first = -1
	for _, name := range []string{"nward:", "NWARD:", "nward-ignore", "NWARD-IGNORE", "nward_ignore", "nward ignore"} {
		if i := strings.Index(text, name) - 1; i >= 0 && text[i]|0x20 == 'o' && (first < 0 || i < first) {
			first = i
		}
	}
	for _, name := range foreign {
		if i := strings.Index(text, name); i >= 0 && (first < 0 || i < first) {
			first, other = i, name
		}
	}
	return first, other
}

// onlyMarkers reports whether nothing but comment characters stands there.
func onlyMarkers(s string) bool { return strings.Trim(s, " \t-/*#") == "" }

func commentsOf(src Source, bodies []pgparse.Comment) []pgparse.Comment {
	if src.LineComment == "" || src.LineComment == "--" {
		out := pgparse.Comments(src.Text)
		for _, b := range bodies {
			for _, c := range pgparse.Comments(src.Text[b.Start:b.End]) {
				out = append(out, pgparse.Comment{Start: b.Start + c.Start, End: b.Start + c.End})
			}
		}
		return out
	}
	var out []pgparse.Comment
	at := 0
	for _, line := range strings.SplitAfter(src.Text, "\n") {
		if i := strings.Index(line, src.LineComment); i >= 0 {
			out = append(out, pgparse.Comment{Start: at + i, End: at + len(strings.TrimRight(line, "\r\n"))})
		}
		at += len(line)
	}
	return out
}

func parseSuppression(text string) Suppression {
	var s Suppression
	rest, ok := strings.CutPrefix(text, marker)
	if !ok {
		s.Malformed = "unknown comment " + firstField(text) + ": did you mean onward:ignore?"
		return s
	}
	if r, ok := strings.CutPrefix(rest, "-file"); ok {
		s.File, rest = true, r
	}
	if rest != "" && rest[0] != ' ' && rest[0] != '\t' {
		s.Malformed = "unknown comment " + firstField(text) + ": did you mean onward:ignore?"
		return s
	}
	names, reason, _ := strings.Cut(rest, ":")
	s.Reason = strings.TrimSpace(reason)
	for _, n := range strings.Split(names, ",") {
		n = strings.TrimSpace(n)
		if n == "" || strings.ContainsAny(n, " \t") {
			s.Rules = nil
			s.Malformed = "write onward:ignore RULE: REASON; several rules are separated by commas"
			return s
		}
		s.Rules = append(s.Rules, n)
	}
	return s
}

func firstField(s string) string {
	if f := strings.Fields(s); len(f) > 0 {
		return f[0]
	}
	return s
}

// following finds the code that comments alone on their lines speak about. Of many in
// a row, only the first one looks through them.
type following struct {
	src   Source
	lines *pgparse.Lines
	// from is the line from which it was looked for last, to the one where it was
	// found.
	from, to int
}

// code is the first line after the given one that is neither blank nor a line
// comment; the line itself when there is none.
func (f *following) code(line int) int {
	if line < f.from || line >= f.to {
		f.from, f.to = line, f.next(line)
	}
	if f.to > f.lines.Count() {
		return line
	}
	return f.to
}

// next is the line itself, one behind the last when there is none.
func (f *following) next(line int) int {
	prefix := f.src.LineComment
	if prefix == "" {
		prefix = "--"
	}
	for n := line + 1; n <= f.lines.Count(); n++ {
		text := strings.TrimSpace(f.src.Text[f.lines.Start(n):f.lines.Start(n+1)])
		if text != "" && !strings.HasPrefix(text, prefix) {
			return n
		}
	}
	return f.lines.Count() + 1
}

// Suppresses reports whether the comment takes findings of a rule out: it names
// the rule, and gives a reason. Which findings, [Suppression.Covers] tells.
func (s *Suppression) Suppresses(rule string) bool {
	return s.Malformed == "" && s.Reason != "" && slices.Contains(s.Rules, rule)
}

// Covers reports whether a suppression speaks about a finding on a statement
// that begins at line and ends at end, for a finding that itself stands at
// place.
func (s *Suppression) Covers(line, end, place int) bool {
	switch {
	case s.File:
		return true
	case s.Target == line || s.Target == place:
		return true
	case s.Target > line && s.Target <= end:
		// Inside the statement: on the very part of it.
		return place == line
	}
	return false
}
