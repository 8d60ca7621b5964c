package source

import (
	"strings"

	"github.com/onward-sql/onward/internal/code/facts"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// A declaration may have several lines: an annotation, a decorator, an attribute, the bases of a class.

// MaxDeclared bounds the length of such a declaration.
const MaxDeclared = 4 << 10

// EachDeclaration is like EachLine, but joins the lines of a declaration from its opening bracket to the closing one. Code
// after an annotation in the same line is a line of its own.
func (r *File) EachDeclaration(opens *lazyregexp.Regexp, f func(number, indent int, line string)) {
	joined, startLine, in, depth := "", 0, 0, 0
	pass := func(number, indent int, line string) {
		f(number, indent, r.resolveTableConstant(r.resolveConstant(line)))
	}
	r.EachLine(func(number, indent int, line string) {
		switch {
		case joined != "":
			if !IsComment(line) {
				joined += " " + line
				depth += BracketDepth(line)
			}
		case opens.MatchString(line):
			for head, rest := cutAnnotation(line); rest != ""; head, rest = cutAnnotation(line) {
				pass(number, indent, head)
				line = rest
			}
			if !opens.MatchString(line) || BracketDepth(line) <= 0 {
				pass(number, indent, line)
				return
			}
			joined, startLine, in, depth = line, number, indent, BracketDepth(line)
		default:
			pass(number, indent, line)
			return
		}
		head, rest := cutAnnotation(joined)
		if depth <= 0 || rest != "" || len(joined) > MaxDeclared {
			if pass(startLine, in, head); rest != "" {
				pass(number, indent, rest)
			}
			joined = ""
		}
	})
	if joined != "" {
		pass(startLine, in, joined)
	}
}

// annotated matches the beginning of an annotation, an attribute or a decorator.
var annotated = lazyregexp.New(`^(?:@(?:\w+[.:])*\w+|#?\[)`)

// cutAnnotation cuts a line after its first annotation; rest is "" if nothing follows it, or if it is not complete.
func cutAnnotation(line string) (head, rest string) {
	n := len(annotated.FindString(line))
	switch {
	case n == 0:
		return line, ""
	case line[0] != '@':
		n--
	case n == len(line) || line[n] != '(' && line[n] != ' ':
		return line, ""
	case strings.HasPrefix(strings.TrimLeft(line[n:], " "), "("):
		n += strings.IndexByte(line[n:], '(')
	default:
		return line[:n], strings.TrimSpace(line[n:])
	}
	for i := n; i < len(line); i++ {
		if (line[i] == ')' || line[i] == ']') && BracketDepth(line[n:i+1]) == 0 {
			return line[:i+1], strings.TrimSpace(line[i+1:])
		}
	}
	return line, ""
}

// BracketDepth returns how many brackets a line leaves open; it is negative if the line closes brackets of lines above.
func BracketDepth(line string) (depth int) {
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

// TopArguments returns an annotation without the arguments of annotations and lists in it.
func TopArguments(line string) string {
	var out strings.Builder
	depth, quoted := 0, false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			if depth <= 1 {
				out.WriteString(line[i : i+2])
			}
			i++
			continue
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '{' || c == '[':
			depth++
		case c == ')' || c == '}' || c == ']':
			depth--
		}
		if depth <= 1 {
			out.WriteByte(c)
		}
	}
	return out.String()
}

var (
	// tableSaid matches a declaration with the name of a table, which may be a constant.
	tableSaid  = lazyregexp.New(`^(?:@(?:\w+\.)*(?:Table|Entity|MappedEntity)\(|\[(?:\w+\.)*Table\(|#\[ORM\\Table\(|(?:__tablename__|db_table|table_name)\s*=)`)
	constantIn = lazyregexp.New(`(?:\w+\.)*[A-Za-z_]\w*(\s*[=:(])?`)
)

// resolveTableConstant replaces a constant of the file by its text, in a declaration that names a table by the constant.
func (r *File) resolveTableConstant(line string) string {
	head := tableSaid.FindString(line)
	if head == "" || strings.ContainsAny(line, "\"'`") || strings.Contains(line, "nameof(") {
		return line
	}
	return head + constantIn.ReplaceAllStringFunc(line[len(head):], func(name string) string {
		if strings.ContainsAny(name, "=:(") {
			return name
		}
		if text := r.constantText(name); text != "" {
			return `"` + text + `"`
		}
		return name
	})
}

// constantSaid matches a declaration with a constant as the name of a table or column, beside texts.
var constantSaid = lazyregexp.New(`^(?:@(?:\w+[.:])*(?:Column|JoinColumn|MappedProperty|Table|Entity|MappedEntity)\(|\[(?:\w+\.)*(?:Column|Table)\(|#\[ORM\\(?:Column|Table)\()` +
	`(?:[^"'@{]*?\b(?:name|value)\s*[=:]\s*|\s*)((?:\w+(?:\.|::))*[A-Z]\w*)\s*[,)]`)

// resolveConstant replaces the constant by its text in such a declaration.
func (r *File) resolveConstant(line string) string {
	if line == "" || strings.IndexByte("@[#", line[0]) < 0 {
		return line
	}
	m := constantSaid.FindStringSubmatchIndex(line)
	if m == nil {
		return line
	}
	if text := r.constantText(strings.ReplaceAll(line[m[2]:m[3]], "::", ".")); text != "" {
		return line[:m[2]] + `"` + text + `"` + line[m[3]:]
	}
	return line
}

// foreign precedes the name of a constant that another file declares.
const foreign = "constant__of__"

// constantText returns the text of a constant; if the file does not declare it, a mark with its name, or "" if the name is
// none of a constant.
func (r *File) constantText(name string) string {
	switch indexes := r.FindConstant(name); {
	case len(indexes) == 1:
		text := string(r.Text[r.Strings[indexes[0]].From:r.Strings[indexes[0]].To])
		if !TableText.MatchString(text) {
			return ""
		}
		return text
	case len(indexes) == 0 && constantName.MatchString(name):
		return foreign + name
	}
	return ""
}

// constantName matches the name of a constant: its last part, or the part before it, begins with a capital.
var constantName = lazyregexp.New(`^(?:\w+\.)*(?:[A-Z]\w*\.)?[A-Z]\w*$|^(?:\w+\.)*[A-Z]\w*\.\w+$`)

// SplitComponents returns the names and types of a record's components, in the line that declares it, as "Type name" or
// "name: Type".
func SplitComponents(line string) []string {
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
	return nil // it continues in the next line
}

// TableText matches a text that may be the name of a table, with a schema or without: "users", "crm.users".
var TableText = lazyregexp.New(`^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?$`)

// DefaultSigns are patterns of a column's declaration: Server matches a default of the database, such as server_default= in Python, and Model a
// value that the mapper itself inserts.
type DefaultSigns struct{ Server, Model *lazyregexp.Regexp }

// Find returns the default that a declaration shows. A value of the model has precedence.
func (s *DefaultSigns) Find(text string) facts.Default {
	switch {
	case !strings.Contains(text, "efault") && !strings.ContainsAny(text, "@(:"):
		return facts.DefaultUnknown
	case s.Model != nil && s.Model.MatchString(text) && !strings.Contains(text, "default=None"):
		return facts.DefaultByModel
	case s.Server != nil && s.Server.MatchString(text):
		return facts.DefaultByServer
	}
	return facts.DefaultUnknown
}
