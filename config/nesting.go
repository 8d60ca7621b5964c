package config

import "strings"

// maxNesting is the maximum nesting of lists and mappings. The file needs four
// levels; the parser takes gigabytes for a line of brackets.
const maxNesting = 50

// tooDeep returns the first place that is nested deeper than maxNesting, before the
// parser runs; ok is false if there is none. It counts brackets, indentation, and the
// markers of entries in one line.
func tooDeep(text string) (line, column int, ok bool) {
	var indents []int // of the enclosing lines, and of the entries that begin in one line
	flow := 0         // number of open brackets
	for n, row := range strings.Split(text, "\n") {
		at := len(row) - len(strings.TrimLeft(row, " "))
		if flow == 0 && strings.TrimSpace(row) != "" && row[at] != '#' {
			for len(indents) > 0 && indents[len(indents)-1] >= at {
				indents = indents[:len(indents)-1]
			}
			indents = append(indents, at)
			for at+1 < len(row) && strings.IndexByte("-?", row[at]) >= 0 && row[at+1] == ' ' {
				at += 2
				indents = append(indents, at)
				if len(indents) > maxNesting {
					return n + 1, at - 1, true
				}
			}
		}
		if len(indents) > maxNesting {
			return n + 1, at + 1, true
		}
		start := true // of a value
		for i := at; i < len(row); i++ {
			switch c := row[i]; {
			case start && (c == '"' || c == '\''):
				if end := strings.IndexByte(row[i+1:], c); end >= 0 {
					i += end + 1
				}
				start = false
			case start && (c == '[' || c == '{'):
				if flow++; len(indents)+flow > maxNesting {
					return n + 1, i + 1, true
				}
			case c == ']' || c == '}':
				flow = max(flow-1, 0)
			case c == '#' && (i == 0 || row[i-1] == ' '):
				i = len(row)
			case c != ' ':
				start = strings.IndexByte(",:?-", c) >= 0
			}
		}
	}
	return 0, 0, false
}
