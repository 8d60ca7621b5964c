package psqlfile

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// expandVariable returns the text that psql puts in place of a reference to a variable: :name, :'name', :"name", :{?name}.
func (r *reading) expandVariable(reference string) (string, bool) {
	name := strings.Trim(reference[1:], `'"{}?`)
	v, set := r.variables[name]
	if reference[1] == '{' {
		return "TRUE", set
	}
	if !v.known {
		return "", false
	}
	switch reference[1] {
	case '\'':
		return quoteLiteral(v.text), true
	case '"':
		return `"` + strings.ReplaceAll(v.text, `"`, `""`) + `"`, true
	}
	return v.text, !strings.Contains(v.text, `\`)
}

// quoteLiteral writes a text as a literal, as psql does.
func quoteLiteral(text string) string {
	quoted := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	if strings.Contains(text, `\`) {
		return " E" + strings.ReplaceAll(quoted, `\`, `\\`)
	}
	return quoted
}

// setVariable does what \set does: the values are joined.
func (r *reading) setVariable(rest string) {
	args := r.readArguments(rest)
	if len(args) == 0 || !args[0].known {
		return
	}
	name, v := args[0].text, value{known: true}
	for _, a := range args[1:] {
		v.text += a.text
		if v.known = v.known && a.known && len(v.text) <= maxValue; !v.known {
			v.text = ""
			break
		}
	}
	if old, set := r.variables[name]; set && r.isConditional() && old != v {
		v = value{}
	}
	r.variables[name] = v
}

// forgetResults makes the variables unknown that \gset sets: its columns, which the query names.
func (r *reading) forgetResults(query, prefix string) {
	prefix = strings.TrimSpace(prefix)
	for _, word := range pgparse.ListNames(query) {
		if name := prefix + word; r.variables[name].known {
			r.variables[name] = value{}
		}
	}
}

// splitCommand returns the name of a command and the rest of its line.
func splitCommand(command string) (name, rest string) {
	command = command[1:]
	if n := strings.IndexAny(command, " \t\r\f\v\n"); n >= 0 {
		return command[:n], command[n:]
	}
	return command, ""
}

// readArguments reads the arguments of a command as psql does: quotes, and variables outside of them.
func (r *reading) readArguments(text string) (out []value) {
	for pos := 0; pos < len(text); {
		if isSpace(text[pos]) {
			pos++
			continue
		}
		var v value
		v, pos = r.readArgument(text, pos)
		out = append(out, v)
	}
	return out
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'
}

// readArgument reads the argument that begins at an offset, and returns the end of it.
func (r *reading) readArgument(text string, pos int) (value, int) {
	var b strings.Builder
	known := true
	for pos < len(text) && !isSpace(text[pos]) {
		switch c := text[pos]; c {
		case '\'':
			inner, end := readQuoted(text, pos)
			b.WriteString(inner)
			pos = end
		case '"':
			end := strings.IndexByte(text[pos+1:], '"') + pos + 2
			if end == pos+1 {
				end = len(text)
			}
			b.WriteString(text[pos:end])
			pos = end
		case '`':
			end := strings.IndexByte(text[pos+1:], '`') + pos + 2
			if end == pos+1 {
				end = len(text)
			}
			known, pos = false, end
		case ':':
			if end := pgparse.VariableEnd(text, pos); end > 0 {
				replacement, ok := r.expandVariable(text[pos:end])
				known = known && ok && b.Len()+len(replacement) <= maxValue
				if known {
					b.WriteString(replacement)
				}
				pos = end
				continue
			}
			b.WriteByte(c)
			pos++
		default:
			b.WriteByte(c)
			pos++
		}
	}
	if !known {
		return value{}, pos
	}
	return value{b.String(), true}, pos
}

// escapes are the letters after a backslash in a quoted argument.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'b': '\b', 'r': '\r', 'f': '\f'}

// readQuoted reads a text in single quotes, and returns its value and the end.
func readQuoted(text string, pos int) (string, int) {
	var b strings.Builder
	for pos++; pos < len(text); pos++ {
		switch c := text[pos]; {
		case c == '\'' && strings.HasPrefix(text[pos+1:], "'"):
			b.WriteByte(c)
			pos++
		case c == '\'':
			return b.String(), pos + 1
		case c == '\\' && pos+1 < len(text):
			pos++
			if e, ok := escapes[text[pos]]; ok {
				b.WriteByte(e)
			} else {
				b.WriteByte(text[pos])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), pos
}
