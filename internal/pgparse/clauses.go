package pgparse

import "strings"

// Span is a range of bytes in a text: [Start, End).
type Span struct{ Start, End int }

// SplitClauses splits a list, beginning at an offset, at its commas outside quotes, comments
// and brackets. The clauses exclude surrounding white space and comments; an empty clause
// has no length.
func SplitClauses(sql string, from int) []Span {
	var out []Span
	depth := 0
	now := Span{-1, -1}
	flush := func(end int) {
		if now.Start < 0 {
			now = Span{end, end}
		}
		out = append(out, now)
		now = Span{-1, -1}
	}
	for i := max(from, 0); i < len(sql); {
		start := i
		switch c := sql[i]; {
		case isSpace(c):
			i++
			continue
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = lineEnd(sql, i)
			continue
		case c == '/' && i+1 < len(sql) && sql[i+1] == '*':
			i = commentEnd(sql, i)
			continue
		case c == '(' || c == '[':
			depth++
			i++
		case c == ')' || c == ']':
			depth--
			i++
		case c == ',' && depth == 0:
			flush(i)
			i++
			continue
		default:
			i = tokenEnd(sql, i)
		}
		if now.Start < 0 {
			now.Start = start
		}
		now.End = i
	}
	flush(len(sql))
	return out
}

// NameEnd returns the offset after the possibly qualified name that begins at an offset.
func NameEnd(sql string, offset int) int {
	for i := max(offset, 0); i < len(sql); {
		end := i
		if sql[i] == '"' {
			end = tokenEnd(sql, i)
		} else {
			for end < len(sql) && isWordByte(sql[end]) {
				end++
			}
		}
		if end == i {
			return i
		}
		i = end
		for end < len(sql) && isSpace(sql[end]) {
			end++
		}
		if end >= len(sql) || sql[end] != '.' {
			return i
		}
		end++
		for end < len(sql) && isSpace(sql[end]) {
			end++
		}
		i = end
	}
	return len(sql)
}

func isSpace(c byte) bool {
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'
}

// AfterWord returns the offset after the first occurrence of a keyword outside quotes and
// comments; -1 if there is none.
func AfterWord(sql, word string) int {
	for i := 0; i < len(sql); {
		switch c := sql[i]; {
		case c == '-' && i+1 < len(sql) && sql[i+1] == '-':
			i = lineEnd(sql, i)
		case c == '/' && i+1 < len(sql) && sql[i+1] == '*':
			i = commentEnd(sql, i)
		case isWordByte(c) && c != '$':
			start := i
			for i < len(sql) && isWordByte(sql[i]) {
				i++
			}
			if strings.EqualFold(sql[start:i], word) {
				return i
			}
		default:
			i = tokenEnd(sql, i)
		}
	}
	return -1
}
