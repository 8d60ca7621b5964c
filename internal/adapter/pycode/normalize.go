// Package pycode reads programs of Python without running them.
package pycode

import (
	"strconv"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// token matches a piece of Python: a comment, a string with its prefix and quotes, a run
// of white space, a name or number, or one other character.
var token = lazyregexp.New(`(?s)#[^\n]*|(?:\\\r?\n)+|(?i:[rbfu]{0,2})(?:"""(?:[^\\]|\\.)*?"""|'''(?:[^\\]|\\.)*?'''|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\n|[ \t\r\f]+|\w+|.`)

// Normalize returns a migration's file without comments, white space and docstrings.
// program is the part outside the class: the functions that it runs.
func Normalize(text string) (whole, program string) {
	var all, functions strings.Builder
	inClass := false
	for _, line := range splitLogicalLines(text) {
		all.WriteString(line)
		if !strings.HasPrefix(line, "0 ") {
			if !inClass {
				functions.WriteString(line)
			}
			continue
		}
		rest := line[len("0 "):]
		inClass = strings.HasPrefix(rest, "class Migration ")
		if !inClass && !strings.HasPrefix(rest, "import ") && !strings.HasPrefix(rest, "from ") {
			functions.WriteString(line)
		}
	}
	return all.String(), functions.String()
}

// splitLogicalLines cuts a file into Python's logical lines, each with its indent first and its
// tokens one space apart. Lines that are only a string are left out.
func splitLogicalLines(text string) []string {
	var lines, words []string
	indent, depth, inLine := 0, 0, false
	end := func() {
		if alone := len(words) == 1 && strings.ContainsAny(words[0][len(words[0])-1:], `"'`); len(words) > 0 && !alone {
			lines = append(lines, strconv.Itoa(indent)+" "+strings.Join(words, " ")+" \n")
		}
		words, indent, inLine = nil, 0, false
	}
	for _, t := range token.FindAllString(text, -1) {
		switch {
		case t[0] == '#' || t[0] == '\\':
		case t == "\n":
			if depth == 0 {
				end()
			}
		case strings.TrimSpace(t) == "":
			if !inLine {
				indent = len(t)
			}
		default:
			inLine = true
			switch t {
			case "(", "[", "{":
				depth++
			case ")", "]", "}":
				depth = max(depth-1, 0)
			}
			words = append(words, t)
		}
	}
	end()
	return lines
}
