package script

import (
	"cmp"
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
// in a program a line comment is the text after its marker, and the SQL that it sends has comments of its own.
//
// A DO block is a string for Postgres' scanner; the comments in its body apply to the
// statements in it. calls are the calls of a program that send its SQL.
func readSuppressions(src Source, lines *pgparse.Lines, bodies []pgparse.Comment, calls []sentCall) []Suppression {
	var out []Suppression
	for _, w := range src.Waivers {
		out = append(out, Suppression{Foreign: w.Name, Line: w.Line, Column: w.Column, EndColumn: w.Column + len(w.Name), Target: w.Line, LastLine: w.EndLine})
	}
	if !mentionsLinter(src.Text) {
		return out
	}
	finders := map[string]*codeFinder{}
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
			if finders[c.marker] == nil {
				finders[c.marker] = &codeFinder{text: src.Text, marker: c.marker, lines: lines}
			}
			s.Target = finders[c.marker].findCodeLine(s.Line)
			if c.marker != sqlMarker {
				s.Target = findSentLine(calls, s.Target)
			}
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

// sqlMarker begins a line comment of SQL.
const sqlMarker = "--"

// markedComment is a comment, with the text that begins line comments of its language.
type markedComment struct {
	pgparse.Comment
	marker string
}

// listComments returns the comments of a file in their order. bodies are the DO blocks of its SQL.
func listComments(src Source, bodies []pgparse.Comment) []markedComment {
	var out []markedComment
	addSQL := func(start, end int) {
		for _, c := range pgparse.ListComments(src.Text[start:end]) {
			out = append(out, markedComment{pgparse.Comment{Start: start + c.Start, End: start + c.End}, sqlMarker})
		}
	}
	if marker := src.LineComment; marker == "" || marker == sqlMarker {
		addSQL(0, len(src.Text))
	} else {
		start := 0
		for line := range strings.SplitAfterSeq(src.Text, "\n") {
			if i := strings.Index(line, marker); i >= 0 {
				out = append(out, markedComment{pgparse.Comment{Start: start + i, End: start + len(strings.TrimRight(line, "\r\n"))}, marker})
			}
			start += len(line)
		}
		for i := range src.Parts {
			if p := &src.Parts[i]; p.Start >= 0 {
				addSQL(p.Start, p.Start+len(p.SQL))
			}
		}
	}
	for _, b := range bodies {
		addSQL(b.Start, b.End)
	}
	slices.SortStableFunc(out, func(a, b markedComment) int { return cmp.Compare(a.Start, b.Start) })
	return out
}

// sentCall is a call of a program that sends a part of its SQL: the line on which it begins, and that of its first statement. For
//
//	knex.raw(`
//	  CREATE INDEX i ON t (a)
//	`)
//
// these are 1 and 2.
type sentCall struct{ part, line, statement int }

// findSentLine returns the line of the first statement of the call at a line, or above it: in
//
//	knex.raw(
//	  // onward:ignore index-create-blocking: 40 rows
//	  `
//	  CREATE INDEX i ON t (a)
//	  `)
//
// the comment is above line 3, and the statement is on line 4. It returns the line itself if no such call is there.
func findSentLine(calls []sentCall, line int) int {
	for _, c := range calls {
		if c.line <= line && line < c.statement {
			return c.statement
		}
	}
	return line
}

// PlaceSuppression returns the line above which a comment suppresses a finding at a line, and the text that begins the comment: "--",
// also inside of the SQL of a program, or the program's own. A finding of the first statement that a call of a program sends has its comment above
// the call.
func (s *Script) PlaceSuppression(line int) (above int, marker string) {
	marker = cmp.Or(s.Source.LineComment, sqlMarker)
	if marker == sqlMarker {
		return line, marker
	}
	start := s.lines.LineStart(line)
	for i := range s.Source.Parts {
		p := &s.Source.Parts[i]
		if p.Start < 0 {
			continue
		}
		if p.Start < start && start <= p.Start+len(p.SQL) {
			return line, sqlMarker
		}
		if first, _ := s.lines.Position(p.Start); first == line && p.Line > 0 {
			return min(p.Line, line), marker
		}
	}
	return line, marker
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
	text   string
	marker string // begins a line comment
	lines  *pgparse.Lines
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
	for n := line + 1; n <= f.lines.CountLines(); n++ {
		text := strings.TrimSpace(f.text[f.lines.LineStart(n):f.lines.LineStart(n+1)])
		if text != "" && !strings.HasPrefix(text, f.marker) {
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
