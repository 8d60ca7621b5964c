package pgparse

import (
	"slices"
	"strings"
)

// word is a token of a text in SQL or PL/pgSQL: a name or keyword, a quoted name, a
// string, a number, or any other single byte. Comments and white space are not tokens.
type word struct {
	start, end int32
	kind       byte // 'w' a name or keyword, 'q' a quoted name, 's' a string, '0' a number; else the byte itself
}

// splitWords splits a text into its tokens.
func splitWords(text string) []word {
	out := make([]word, 0, len(text)/6)
	for i := 0; i < len(text); {
		start, c := i, text[i]
		kind := c
		switch {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v':
			i++
			continue
		case strings.HasPrefix(text[i:], "--"):
			i = lineEnd(text, i)
			continue
		case strings.HasPrefix(text[i:], "/*"):
			i = commentEnd(text, i)
			continue
		case c >= '0' && c <= '9':
			i, kind = numberEnd(text, i), '0'
		case isWordStart(c):
			kind = 'w'
			for i < len(text) && isWordByte(text[i]) {
				i++
			}
		default:
			i = tokenEnd(text, i)
			switch {
			case c == '\'' || c == '$' && i > start+1:
				kind = 's'
			case c == '"':
				kind = 'q'
			}
		}
		out = append(out, word{int32(start), int32(i), kind})
	}
	return out
}

// numberEnd returns the end of a number. The two dots of 1..10 are not part of it.
func numberEnd(text string, i int) int {
	for i < len(text) && (isWordByte(text[i]) || text[i] == '.' && !strings.HasPrefix(text[i:], "..")) {
		i++
	}
	return i
}

// ListNames lists the names and keywords in a text, outside strings and comments, folded to
// lower case unless quoted. A name may occur several times.
func ListNames(text string) []string {
	var out []string
	for _, w := range splitWords(text) {
		switch w.kind {
		case 'w':
			out = append(out, strings.ToLower(text[w.start:w.end]))
		case 'q':
			out = append(out, unquoteName(text[w.start:w.end]))
		}
	}
	return out
}

// ListWrittenNames lists the names in SQL and in the string literals of its tree, such as a function's body or the argument of nextval, each
// once and sorted.
func ListWrittenNames(text string, root any) []string {
	names := ListNames(text)
	Walk(root, func(msg any) bool {
		if c, ok := msg.(*A_Const); ok && c.GetSval() != nil {
			names = append(names, ListNames(c.GetSval().Sval)...)
		}
		if c, ok := msg.(*String); ok && strings.ContainsAny(c.Sval, " \n") {
			names = append(names, ListNames(c.Sval)...)
		}
		return true
	})
	slices.Sort(names)
	return slices.Compact(names)
}

// FieldNames lists the names that follow one of the given records and a dot, as in
// NEW.total and (NEW).total, outside strings and comments.
func FieldNames(text string, records ...string) []string {
	var out []string
	list := splitWords(text)
	for i := 0; i+2 < len(list); i++ {
		if !isNameIn(text, list[i], records) {
			continue
		}
		next := i + 1
		if list[next].kind == ')' {
			next++
		}
		if next+1 < len(list) && list[next].kind == '.' {
			switch w := list[next+1]; w.kind {
			case 'w':
				out = append(out, strings.ToLower(text[w.start:w.end]))
			case 'q':
				out = append(out, unquoteName(text[w.start:w.end]))
			}
		}
	}
	return out
}

func isNameIn(text string, w word, names []string) bool {
	if w.kind != 'w' && w.kind != 'q' {
		return false
	}
	s := text[w.start:w.end]
	if w.kind == 'q' {
		s = unquoteName(s)
	}
	for _, n := range names {
		if strings.EqualFold(s, n) {
			return true
		}
	}
	return false
}

// unquoteName returns the name in a quoted one.
func unquoteName(s string) string {
	s = strings.TrimPrefix(s, `"`)
	return strings.ReplaceAll(strings.TrimSuffix(s, `"`), `""`, `"`)
}

// ContainsFold reports whether a text contains a word of ASCII letters and signs, in capitals or not.
func ContainsFold(text, word string) bool {
	for _, first := range []byte{word[0] | 0x20, word[0] &^ 0x20} {
		for rest := text; len(rest) >= len(word); rest = rest[1:] {
			i := strings.IndexByte(rest[:len(rest)-len(word)+1], first)
			if i < 0 {
				break
			}
			if rest = rest[i:]; strings.EqualFold(rest[:len(word)], word) {
				return true
			}
		}
	}
	return false
}
