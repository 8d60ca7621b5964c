package script

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// Suppression is a comment that suppresses findings:
//
//	-- onward:ignore index-create-blocking: 40 rows
//	-- onward:ignore-file column-drop, table-drop: the service is gone since May
//
// It names rules, never all of them, and gives a reason.
type Suppression struct {
	// Rules are the names as written. If there are none, the comment is malformed.
	Rules []string
	// Reason is the text after the colon; if it is "", that is reported.
	Reason string
	// File is set if the comment applies to the whole file.
	File bool
	// Line and Column are the position of the comment. Target is the line that it applies
	// to: its own, or, for a comment alone on its line, the next line that is no comment.
	Line, Column, EndColumn, Target int
	// Alone marks a comment that has its line for itself.
	Alone bool
	// Malformed says what is wrong with the comment; "" for nothing.
	Malformed string
	// Foreign is the word of another tool that such a comment begins with:
	// "squawk-ignore". It suppresses nothing.
	Foreign string
	// LastLine is the last line of a block that a call of a program silences for another tool; 0 for a comment.
	LastLine int
}

const marker = "onward:ignore"

// foreign are the words of other linters' comments.
var foreign = []string{"squawk-ignore-next-statement", "squawk-ignore-file", "squawk-ignore", "atlas:nolint", "eugene: ignore"}

// readSuppressions reads the comments of a source. In SQL the parser's rules find comments;
// in other files a line comment is the text after its marker.
//
// A DO block is a string for Postgres' scanner; the comments in its body apply to the
// statements in it.
func readSuppressions(src Source, lines *pgparse.Lines, bodies []pgparse.Comment) []Suppression {
	var out []Suppression
	for _, w := range src.Waivers {
		out = append(out, Suppression{Foreign: w.Name, Line: w.Line, Column: w.Column, EndColumn: w.Column + len(w.Name), Target: w.Line, LastLine: w.EndLine})
	}
	if !mentionsLinter(src.Text) {
		return out
	}
	follows := codeFinder{src: src, lines: lines}
	for _, c := range listComments(src, bodies) {
		text := src.Text[c.Start:c.End]
		i, other := findMention(text)
		if i < 0 || !hasOnlyMarkers(text[:i]) {
			continue
		}
		s := Suppression{Foreign: other, File: strings.HasSuffix(other, "-file")}
		if other == "" {
			s = parseSuppression(strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(strings.TrimSpace(text[i:]), "*/"), "-->")))
		}
		s.Line, s.Column = lines.Position(c.Start)
		_, s.EndColumn = lines.Position(c.End)
		start := lines.LineStart(s.Line)
		s.Alone = strings.TrimSpace(src.Text[start:c.Start]) == ""
		s.Target = s.Line
		if s.Alone {
			s.Target = follows.findCodeLine(s.Line)
		}
		out = append(out, s)
	}
	return out
}

// mentionsLinter reports whether a text has a part of a word that findMention finds.
func mentionsLinter(text string) bool {
	return slices.ContainsFunc(linterParts, func(part string) bool { return strings.Contains(text, part) })
}

// linterParts are parts of the words that findMention finds: each of them has one.
var linterParts = []string{"nward", "NWARD", "squawk-ignore", "atlas:nolint", "eugene: ignore"}

// findMention returns where a text first has a word for onward, or for another linter; other
// is then that linter's word. It also finds wrong forms, in capitals or with a dash, so
// that they are reported. -1 for none.
func findMention(text string) (first int, other string) {
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

// hasOnlyMarkers reports whether a text has only comment characters.
func hasOnlyMarkers(s string) bool { return strings.Trim(s, " \t-/*#<!") == "" }

func listComments(src Source, bodies []pgparse.Comment) []pgparse.Comment {
	if src.LineComment == "" || src.LineComment == "--" {
		out := pgparse.ListComments(src.Text)
		for _, b := range bodies {
			for _, c := range pgparse.ListComments(src.Text[b.Start:b.End]) {
				out = append(out, pgparse.Comment{Start: b.Start + c.Start, End: b.Start + c.End})
			}
		}
		return out
	}
	var out []pgparse.Comment
	offset := 0
	for _, line := range strings.SplitAfter(src.Text, "\n") {
		if i := strings.Index(line, src.LineComment); i >= 0 {
			out = append(out, pgparse.Comment{Start: offset + i, End: offset + len(strings.TrimRight(line, "\r\n"))})
		}
		offset += len(line)
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

// codeFinder finds the code that comments alone on their lines apply to. Of many comments
// in a row, only the first one searches.
type codeFinder struct {
	src   Source
	lines *pgparse.Lines
	// from is the line at which the last search began, to the line that it found.
	from, to int
}

// findCodeLine returns the first line after the given one that is neither blank nor a line
// comment; the line itself if there is none.
func (f *codeFinder) findCodeLine(line int) int {
	if line < f.from || line >= f.to {
		f.from, f.to = line, f.scanCodeLine(line)
	}
	if f.to > f.lines.CountLines() {
		return line
	}
	return f.to
}

// scanCodeLine returns the next line of code, or the number of lines plus one if there is none.
func (f *codeFinder) scanCodeLine(line int) int {
	prefix := f.src.LineComment
	if prefix == "" {
		prefix = "--"
	}
	for n := line + 1; n <= f.lines.CountLines(); n++ {
		text := strings.TrimSpace(f.src.Text[f.lines.LineStart(n):f.lines.LineStart(n+1)])
		if text != "" && !strings.HasPrefix(text, prefix) {
			return n
		}
	}
	return f.lines.CountLines() + 1
}

// SuppressesRule reports whether the comment suppresses findings of a rule: it names the
// rule, and has a reason. [Suppression.CoversLine] decides which findings.
func (s *Suppression) SuppressesRule(rule string) bool {
	return s.Malformed == "" && s.Reason != "" && slices.Contains(s.Rules, rule)
}

// CoversLine reports whether a suppression applies to a finding at the line place, on a
// statement that begins at line and ends at end.
func (s *Suppression) CoversLine(line, end, place int) bool {
	switch {
	case s.File:
		return true
	case s.LastLine > 0:
		return s.Target <= place && place <= s.LastLine
	case s.Target == line || s.Target == place:
		return true
	case s.Target > line && s.Target <= end:
		// Within the statement, it applies only to the part on its line.
		return place == line
	}
	return false
}
