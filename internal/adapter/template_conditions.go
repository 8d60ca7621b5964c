package adapter

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// action matches an action of Go's templates that decides which text is in the output.
var action = lazyregexp.New(`\{\{-?\s*(if|else|end|range|with|block|define)\b[^{}\n]*\}\}`)

// schemaOnly matches the end of a condition that only adds a schema to a name: the name means the same object with
// and without it.
var schemaOnly = lazyregexp.New(`\}\}\s*"?\{\{[^{}\n]*\}\}"?\.\s*$`)

// renderTrueBranches returns the text that the template gives if every condition is true. For
// {{ if .A }}DROP TABLE a;{{ else }}SELECT 1;{{ end }} it is "DROP TABLE a;". The text after {{ else }}, and {{ if … }} and {{ end }}
// themselves, become blanks, so all offsets stay. offsets lists the offsets of the conditions, except
// those that only add a schema. A template with loops or unbalanced actions is returned unchanged.
func renderTrueBranches(text string) (read string, offsets []int) {
	if !strings.Contains(text, "{{") {
		return text, nil
	}
	type condition struct{ start, orElse int }
	var open []condition
	var blank [][2]int
	schemas := 0
	for _, m := range action.FindAllStringSubmatchIndex(text, -1) {
		switch text[m[2]:m[3]] {
		case "if":
			open = append(open, condition{m[0], -1})
			offsets = append(offsets, m[0])
			blank = append(blank, [2]int{m[0], m[1]})
		case "else":
			if len(open) == 0 {
				return text, nil
			}
			if last := &open[len(open)-1]; last.orElse < 0 {
				last.orElse = m[0]
			}
		case "end":
			if len(open) == 0 {
				return text, nil
			}
			last := open[len(open)-1]
			open = open[:len(open)-1]
			from := m[0]
			if last.orElse >= 0 {
				from = last.orElse
			}
			blank = append(blank, [2]int{from, m[1]})
			if last.orElse < 0 && schemaOnly.MatchString(text[last.start:m[0]]) {
				offsets = slices.DeleteFunc(offsets, func(n int) bool { return n == last.start })
				schemas++
			}
		default:
			return text, nil
		}
	}
	if len(open) > 0 || len(offsets)+schemas == 0 {
		return text, nil
	}
	out := []byte(text)
	for _, b := range blank {
		for i := b[0]; i < b[1]; i++ {
			if out[i] != '\n' && out[i] != '\r' {
				out[i] = ' '
			}
		}
	}
	slices.Sort(offsets)
	return string(out), offsets
}

// Conditional is the phrase of reports for the branch of a template that is not judged, because only the branch of a true condition is
// read.
const Conditional = "what the file is where the condition of its template does not hold"

// FalseConditions returns a tree whose templates are read as if no condition were true.
func FalseConditions(t Tree) Tree { return falseConditionsTree{t} }

type falseConditionsTree struct{ Tree }

func (t falseConditionsTree) Read(path string) ([]byte, error) {
	content, err := t.Tree.Read(path)
	if err != nil || len(content) > pgparse.MaxSize {
		return content, err
	}
	return []byte(renderFalseBranches(string(content))), nil
}

// renderFalseBranches returns the text that a template gives if no condition is true: the text after {{ else }}, or nothing. All
// offsets stay.
func renderFalseBranches(text string) string {
	if _, offsets := renderTrueBranches(text); len(offsets) == 0 {
		return text
	}
	out := []byte(text)
	depth, from := 0, 0
	for _, m := range action.FindAllStringSubmatchIndex(text, -1) {
		until := -1
		switch text[m[2]:m[3]] {
		case "if":
			if depth++; depth == 1 {
				from = m[0]
			}
		case "else":
			if depth == 1 && !strings.Contains(text[m[2]:m[1]], " if ") {
				until = m[1]
			}
		case "end":
			if depth--; depth == 0 {
				until = m[1]
			}
		}
		if until < 0 {
			continue
		}
		if depth == 0 && from < 0 {
			from = m[0] // after {{ else }}
		}
		for i := from; i < until; i++ {
			if out[i] != '\n' && out[i] != '\r' {
				out[i] = ' '
			}
		}
		from = -1
	}
	return string(out)
}

// assumeConditionsTrue replaces the file's text by what its template gives if every condition is true, and lists each condition
// as not judged.
func (f *File) assumeConditionsTrue() {
	read, offsets := renderTrueBranches(f.Text)
	for _, n := range offsets {
		line, column := lineAndColumn(f.Text, n)
		f.Opaque = append(f.Opaque, onward.Opaque{
			Path: f.Path, Line: line, Column: column,
			What: Conditional,
			Why:  "it was read as if it held: " + f.Text[n:n+strings.Index(f.Text[n:], "}}")+2],
		})
	}
	f.replaceText(read)
}
