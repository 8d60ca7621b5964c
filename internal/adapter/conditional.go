package adapter

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/onward"
)

// action is one of Go's templates' that decides what is there.
var action = regexp.MustCompile(`\{\{-?\s*(if|else|end|range|with|block|define)\b[^{}\n]*\}\}`)

// schemaOnly is a condition for the schema alone, in front of a name: with it or without,
// the name is the same one.
var schemaOnly = regexp.MustCompile(`\}\}\s*"?\{\{[^{}\n]*\}\}"?\.\s*$`)

// holds reads a text as its template gives it where every condition holds: what stands
// behind {{ else }} is left out, and {{ if … }} and {{ end }} themselves, by blanks that
// keep every place. at are the offsets of the conditions, but of those for a schema. A template with loops, or that
// does not go up, stays as it is.
func holds(text string) (read string, at []int) {
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
			at = append(at, m[0])
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
				at = slices.DeleteFunc(at, func(n int) bool { return n == last.start })
				schemas++
			}
		default:
			return text, nil
		}
	}
	if len(open) > 0 || len(at)+schemas == 0 {
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
	slices.Sort(at)
	return string(out), at
}

// Conditional is what is not judged of a file whose template has a condition, where it
// is not read both ways.
const Conditional = "what the file is where the condition of its template does not hold"

// Unheld is a tree whose templates are read as they are where no condition holds.
func Unheld(t Tree) Tree { return unheldTree{t} }

type unheldTree struct{ Tree }

func (t unheldTree) Read(path string) ([]byte, error) {
	content, err := t.Tree.Read(path)
	if err != nil || len(content) > pgparse.MaxSize {
		return content, err
	}
	return []byte(unheld(string(content))), nil
}

// unheld reads a text as its template gives it where no condition holds: what stands
// behind {{ else }}, or nothing. It keeps every place.
func unheld(text string) string {
	if _, at := holds(text); len(at) == 0 {
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
			from = m[0] // behind {{ else }}
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

// holding reads the file as its template gives it where every condition holds, and says
// what was not judged.
func (f *File) holding() {
	read, at := holds(f.Text)
	for _, n := range at {
		line, column := place(f.Text, n)
		f.Opaque = append(f.Opaque, onward.Opaque{
			Path: f.Path, Line: line, Column: column,
			What: Conditional,
			Why:  "it was read as if it held: " + f.Text[n:n+strings.Index(f.Text[n:], "}}")+2],
		})
	}
	f.replace(read)
}
