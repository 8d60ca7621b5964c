package usage

import (
	"regexp"
	"strings"
)

// A declaration may go on over several lines: an annotation, a decorator, an attribute, the bases of a class.

// maxDeclared is how long such a declaration is, at most.
const maxDeclared = 4 << 10

// declarations is lines, with each declaration that opens a bracket as one line, up to where it is closed.
func (r *reader) declarations(opens *regexp.Regexp, f func(number, indent int, line string)) {
	joined, at, in, depth := "", 0, 0, 0
	r.lines(func(number, indent int, line string) {
		switch {
		case joined != "":
			if !noted(line) {
				joined += " " + line
				depth += brackets(line)
			}
		case opens.MatchString(line) && brackets(line) > 0:
			joined, at, in, depth = line, number, indent, brackets(line)
		default:
			f(number, indent, r.spellTable(line))
			return
		}
		if depth <= 0 || len(joined) > maxDeclared {
			f(at, in, r.spellTable(joined))
			joined = ""
		}
	})
	if joined != "" {
		f(at, in, joined)
	}
}

// brackets are how many brackets a line opens and leaves open; a negative number closes those of lines above.
func brackets(line string) (depth int) {
	quote := byte(0)
	for i := 0; i < len(line); i++ {
		switch c := line[i]; {
		case quote != 0:
			if c == '\\' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' && i+1 < len(line) && strings.IndexByte(line[i+1:], '\'') >= 0:
			quote = c
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '/' && strings.HasPrefix(line[i:], "//"):
			return depth
		}
	}
	return depth
}

var (
	// tableSaid is where a declaration gives the name of a table, as a constant perhaps.
	tableSaid  = regexp.MustCompile(`^(?:@(?:\w+\.)*(?:Table|Entity|MappedEntity)\(|\[(?:\w+\.)*Table\(|#\[ORM\\Table\(|(?:__tablename__|db_table|table_name)\s*=)`)
	constantIn = regexp.MustCompile(`(?:\w+\.)*[A-Za-z_]\w*(\s*[=:(])?`)
)

// spellTable puts the text of a constant of the file into a declaration that gives the name of a table by it.
func (r *reader) spellTable(line string) string {
	head := tableSaid.FindString(line)
	if head == "" || strings.ContainsAny(line, "\"'`") {
		return line
	}
	return head + constantIn.ReplaceAllStringFunc(line[len(head):], func(name string) string {
		if strings.ContainsAny(name, "=:(") {
			return name
		}
		of := r.constOf(name)
		if len(of) != 1 {
			return name
		}
		text := string(r.text[r.lits[of[0]].from:r.lits[of[0]].to])
		if !tableText.MatchString(text) {
			return name
		}
		return `"` + text + `"`
	})
}

// components are the names and types of a record's components in the line that declares it, as "Type name" or "name: Type".
func components(line string) []string {
	_, rest, found := strings.Cut(line, "(")
	if !found {
		return nil
	}
	var out []string
	depth, from := 0, 0
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '(', '<', '[':
			depth++
		case '>', ']':
			depth--
		case ',', ')':
			if depth > 0 {
				if rest[i] == ')' {
					depth--
				}
				continue
			}
			if part := strings.TrimSpace(rest[from:i]); part != "" {
				out = append(out, part)
			}
			if from = i + 1; rest[i] == ')' {
				return out
			}
		}
	}
	return nil // it goes on in the next line
}
