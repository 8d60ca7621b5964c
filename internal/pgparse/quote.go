package pgparse

import "strings"

// lineEnd returns the end of the line comment or psql command at i. Postgres ends a
// comment at a carriage return, too.
func lineEnd(src string, i int) int {
	end := len(src)
	if n := strings.IndexByte(src[i:], '\n'); n >= 0 {
		end = i + n
	}
	if n := strings.IndexByte(src[i:end], '\r'); n >= 0 {
		return i + n
	}
	return end
}

func commentEnd(src string, i int) int {
	end, _ := skipComment(src, i)
	return end
}

// skipComment returns the end of the comment at i, and whether it is closed.
func skipComment(src string, i int) (end int, closed bool) {
	depth := 0
	for i < len(src) {
		switch {
		case strings.HasPrefix(src[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(src[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i, true
			}
		default:
			i++
		}
	}
	return len(src), false
}

// quoteEnd returns the end of the quoted text that begins at i. A doubled quote is part
// of the text, and so is a quote after a backslash if escapes are on.
func quoteEnd(src string, i int, quote byte, escapes bool) int {
	for i++; i < len(src); i++ {
		switch {
		case src[i] == '\\' && escapes:
			i++
		case src[i] == quote:
			if i+1 < len(src) && src[i+1] == quote {
				i++
				continue
			}
			return i + 1
		}
	}
	return len(src)
}

// dollarEnd returns the end of a dollar-quoted text at i, or of a lone '$' or a parameter
// like $1.
func dollarEnd(src string, i int) int {
	j := i + 1
	if j < len(src) && (isWordStart(src[j]) || src[j] == '$') {
		for j < len(src) && isWordByte(src[j]) && src[j] != '$' {
			j++
		}
		if j < len(src) && src[j] == '$' {
			tag := src[i : j+1]
			if n := strings.Index(src[j+1:], tag); n >= 0 {
				return j + 1 + n + len(tag)
			}
			return len(src)
		}
	}
	return i + 1
}

// stringEnd returns the end of the string that begins at i. A string continues with the
// next one if only blanks, comments and at least one line break separate them. The
// continuation has the escapes of the first string.
func stringEnd(src string, i int, escapes bool) int {
	end := quoteEnd(src, i, '\'', escapes)
	for escapes {
		next := continuedAt(src, end, false)
		if next < 0 {
			break
		}
		end = quoteEnd(src, next, '\'', true)
	}
	return end
}

// continuedAt returns where a string that ends at i continues, -1 if it does not. psql
// reads line by line, so only a carriage return can be a line break inside its line.
func continuedAt(src string, i int, psql bool) int {
	line := false
	for i < len(src) {
		switch c := src[i]; {
		case c == '\n' && psql:
			return -1
		case c == '\n' || c == '\r':
			line = true
			i++
		case c == ' ' || c == '\t' || c == '\f' || c == '\v':
			i++
		case strings.HasPrefix(src[i:], "--"):
			i = lineEnd(src, i)
		case c == '\'' && line:
			return i
		default:
			return -1
		}
	}
	return -1
}

// junkEnd returns the end of the number that begins at i, including letters directly
// after it. A dollar quote may follow at once.
func junkEnd(src string, i int) int {
	for i++; i < len(src) && (src[i] >= '0' && src[i] <= '9' || src[i] == '.' || src[i] == '_'); {
		i++
	}
	if i < len(src) && isWordStart(src[i]) {
		for i < len(src) && isWordByte(src[i]) {
			i++
		}
	}
	return i
}
