package guard

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// argument is one argument of a command, in a list of arguments or in a shell script.
type argument struct {
	value string
	// start and end are its offsets in the script.
	start, end int
	// separator: the word separates commands of a script, as ; and | do.
	separator bool
	// unknown: the shell computes the word, and only a part of it is known here.
	unknown bool
	// shared: several words come from one variable, so the script has no place for this one alone.
	shared bool
	// replacement takes the word's place if it is not nil.
	replacement []string
}

// wordsOf returns the words of a list of arguments.
func wordsOf(args []string) []*argument {
	out := make([]*argument, 0, len(args))
	for _, a := range args {
		out = append(out, &argument{value: a})
	}
	return out
}

// joinArguments returns the list of arguments with its replacements.
func joinArguments(words []*argument) []string {
	var out []string
	for _, w := range words {
		if w.replacement != nil {
			out = append(out, w.replacement...)
		} else {
			out = append(out, w.value)
		}
	}
	return out
}

// joinShell returns a script with its replacements.
func joinShell(text string, words []*argument) string {
	var b strings.Builder
	from := 0
	for _, w := range words {
		if w.replacement == nil {
			continue
		}
		b.WriteString(text[from:w.start])
		for i, r := range w.replacement {
			if i > 0 {
				b.WriteByte(' ')
			}
			b.WriteString(quoteShell(r))
		}
		from = w.end
	}
	b.WriteString(text[from:])
	return b.String()
}

var plainWord = lazyregexp.New(`^[A-Za-z0-9_./:=@%+,-]+$`)

func quoteShell(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellReader splits a shell script into words. It knows quotes, variables, separators and redirections. Everything
// else (substitutions, loops over lists) is reported as unknown.
type shellReader struct {
	text     string
	at       int
	lookup   func(name string) (value string, known bool)
	words    []*argument
	redirect bool // the next word is a file
}

// splitShell returns the words of a shell script.
func splitShell(text string, lookup func(string) (string, bool)) []*argument {
	r := &shellReader{text: text, lookup: lookup}
	for r.at < len(text) {
		switch c := text[r.at]; {
		case c == ' ' || c == '\t':
			r.at++
		case c == '\\' && strings.HasPrefix(text[r.at:], "\\\n"):
			r.at += 2
		case c == '#':
			if end := strings.IndexByte(text[r.at:], '\n'); end >= 0 {
				r.at += end
			} else {
				r.at = len(text)
			}
		case strings.IndexByte("\n;&|()", c) >= 0:
			r.words = append(r.words, &argument{value: string(c), start: r.at, end: r.at + 1, separator: true})
			r.at++
		case c == '<' || c == '>':
			r.at++
			for r.at < len(text) && strings.IndexByte("<>&|-", text[r.at]) >= 0 {
				r.at++
			}
			r.redirect = true
		default:
			r.readWord()
		}
	}
	return r.words
}

// readWord reads one word. A variable outside of quotes may expand to several.
func (r *shellReader) readWord() {
	w := &argument{start: r.at}
	var b strings.Builder
	var splits bool
	for r.at < len(r.text) && strings.IndexByte(" \t\n;&|()<>", r.text[r.at]) < 0 {
		switch c := r.text[r.at]; c {
		case '\'':
			end := strings.IndexByte(r.text[r.at+1:], '\'')
			if end < 0 {
				end = len(r.text) - r.at - 1
			}
			b.WriteString(r.text[r.at+1 : r.at+1+end])
			r.at = min(len(r.text), r.at+end+2)
		case '"':
			r.at++
			r.readQuoted(w, &b)
		case '\\':
			if r.at++; r.at < len(r.text) {
				b.WriteByte(r.text[r.at])
				r.at++
			}
		case '$', '`':
			value := r.expandVariable(w)
			splits = splits || strings.ContainsAny(value, " \t\n")
			b.WriteString(value)
		default:
			b.WriteByte(c)
			r.at++
		}
	}
	w.end, w.value = r.at, b.String()
	number := strings.Trim(w.value, "0123456789") == "" && r.at < len(r.text) && strings.IndexByte("<>", r.text[r.at]) >= 0
	switch {
	case r.redirect || number: // a file, or the number of a descriptor
		r.redirect = false
	case splits:
		for _, f := range strings.Fields(w.value) {
			r.words = append(r.words, &argument{value: f, start: w.start, end: w.end, unknown: w.unknown, shared: true})
		}
	default:
		r.words = append(r.words, w)
	}
}

// readQuoted reads to the end of a double-quoted text.
func (r *shellReader) readQuoted(w *argument, b *strings.Builder) {
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return
		case c == '\\' && r.at+1 < len(r.text) && strings.IndexByte("\\\"$`\n", r.text[r.at+1]) >= 0:
			b.WriteByte(r.text[r.at+1])
			r.at += 2
		case c == '$' || c == '`':
			b.WriteString(r.expandVariable(w))
		default:
			b.WriteByte(c)
			r.at++
		}
	}
}

var variable = lazyregexp.New(`^\$(?:([A-Za-z_][A-Za-z0-9_]*)|\{([A-Za-z_][A-Za-z0-9_]*)\})`)

// expandVariable returns the value of a variable. All other expansions are unknown.
func (r *shellReader) expandVariable(w *argument) string {
	rest := r.text[r.at:]
	if m := variable.FindStringSubmatch(rest); m != nil {
		r.at += len(m[0])
		value, known := r.lookup(m[1] + m[2])
		w.unknown = w.unknown || !known
		return value
	}
	switch {
	case strings.HasPrefix(rest, "$("), strings.HasPrefix(rest, "${"):
		w.unknown = true
		r.at += substitutionLength(rest)
	case rest[0] == '`':
		w.unknown = true
		if end := strings.IndexByte(rest[1:], '`'); end >= 0 {
			r.at += end + 2
		} else {
			r.at = len(r.text)
		}
	default: // $1, $?, $$, or a dollar sign
		r.at++
		w.unknown = w.unknown || len(rest) > 1 && strings.IndexByte("0123456789?$!@*#-", rest[1]) >= 0
	}
	return ""
}

// substitutionLength returns the length of a substitution, including its brackets.
func substitutionLength(text string) int {
	depth := 0
	for i := range len(text) {
		switch text[i] {
		case '(', '{':
			depth++
		case ')', '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return len(text)
}

var assigned = lazyregexp.New(`(?:^|[\s;&|({])([A-Za-z_][A-Za-z0-9_]*)=`)

// assignedNames returns the variables that a script sets itself.
func assignedNames(text string) []string {
	var out []string
	for _, m := range assigned.FindAllStringSubmatch(text, -1) {
		if !slices.Contains(out, m[1]) {
			out = append(out, m[1])
		}
	}
	return out
}
