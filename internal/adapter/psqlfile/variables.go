package psqlfile

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgparse"
)

// valueOf returns the text that psql puts in place of a reference to a variable: :name, :'name', :"name", :{?name}.
func (r *reading) valueOf(reference string) (string, bool) {
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
	for at := 0; at < len(text); {
		if isSpace(text[at]) {
			at++
			continue
		}
		var v value
		v, at = r.readArgument(text, at)
		out = append(out, v)
	}
	return out
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f' || c == '\v'
}

// readArgument reads the argument that begins at an offset, and returns the end of it.
func (r *reading) readArgument(text string, at int) (value, int) {
	var b strings.Builder
	known := true
	for at < len(text) && !isSpace(text[at]) {
		switch c := text[at]; c {
		case '\'':
			inner, end := readQuoted(text, at)
			b.WriteString(inner)
			at = end
		case '"':
			end := strings.IndexByte(text[at+1:], '"') + at + 2
			if end == at+1 {
				end = len(text)
			}
			b.WriteString(text[at:end])
			at = end
		case '`':
			end := strings.IndexByte(text[at+1:], '`') + at + 2
			if end == at+1 {
				end = len(text)
			}
			known, at = false, end
		case ':':
			if end := pgparse.VariableEnd(text, at); end > 0 {
				with, ok := r.valueOf(text[at:end])
				known = known && ok && b.Len()+len(with) <= maxValue
				if known {
					b.WriteString(with)
				}
				at = end
				continue
			}
			b.WriteByte(c)
			at++
		default:
			b.WriteByte(c)
			at++
		}
	}
	if !known {
		return value{}, at
	}
	return value{b.String(), true}, at
}

// escapes are the letters after a backslash in a quoted argument.
var escapes = map[byte]byte{'n': '\n', 't': '\t', 'b': '\b', 'r': '\r', 'f': '\f'}

// readQuoted reads a text in single quotes, and returns its value and the end.
func readQuoted(text string, at int) (string, int) {
	var b strings.Builder
	for at++; at < len(text); at++ {
		switch c := text[at]; {
		case c == '\'' && strings.HasPrefix(text[at+1:], "'"):
			b.WriteByte(c)
			at++
		case c == '\'':
			return b.String(), at + 1
		case c == '\\' && at+1 < len(text):
			at++
			if e, ok := escapes[text[at]]; ok {
				b.WriteByte(e)
			} else {
				b.WriteByte(text[at])
			}
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), at
}
