package audit

import (
	"path"
	"regexp"
	"strings"

	"github.com/onward-sql/onward/internal/analysis"
)

// starText is a file in which code may take all columns of a table, or write them
// all. It is read once, whatever is asked.
type starText struct {
	path, text string
	reads      []starRead
	writes     []starWrite
}

// starRead is SELECT * of one table, or of one that others are joined to, by its
// name or alias; or RETURNING * behind a write.
type starRead struct {
	from, to, said   int // said is where what is shown of it ends: an alias may be none
	of, table, alias string
}

// starWrite is a write by the order of a table's columns, which are those that
// InsertsAll reads.
type starWrite struct {
	kind        analysis.StarKind
	at, end     int
	table, into string
}

// What is between holds no end of the text that the code has the SQL in. Each is
// tried where its first word stands.
const (
	anyTable = `(?:\w+\.)?\\?["` + "`" + `]?([\w$-]+)\\?["` + "`" + `]?`
	intoAny  = `insert\s+into\s+(?:\w+\.)?\\?"?(\w+)\\?"?\s+select\s+\*\s+from\b`
)

var (
	selectsAll   = starPattern("select\\s+(?:(\\w+)\\.\\*(?:\\s*,[^`;]*?)?|\\*)\\s+from\\s+(?:\\w+\\.)?\\\\?\"?(\\w+)\\b\\\\?\"?(?:\\s+(?:as\\s+)?(\\w+)\\b)?")
	returnsAll   = starPattern("(?:insert\\s+into|update|delete\\s+from)\\s+(?:\\w+\\.)?\\\\?\"?(\\w+)\\b[^`;]*?\\breturning\\s+\\*")
	copiesFrom   = starPattern(`copy\s+` + anyTable + `\s+from\b`)
	copiesCall   = starPattern(`copy_from\(\s*[\w.]+\s*,\s*["']` + anyTable + `["']([^)]*)\)`)
	insertsRow   = starPattern(`insert\s+into\s+` + anyTable + `\s+values\s*\(`)
	insertsFrom  = starPattern(intoAny + `\s+` + anyTable + `(?:\W|$)`)
	movesDeleted = starPattern(`delete\s+from\s+(?:only\s+)?` + anyTable + `\s[^` + "`" + `;]*?\breturning\s+\*\s*\)\s*` + intoAny)
)

func starPattern(p string) *regexp.Regexp { return regexp.MustCompile("^(?i:" + p + ")") }

// readStars reads a file; typed says that it is of a language whose rows must fit
// what they are read into.
func readStars(file, text string, typed bool) *starText {
	if path.Ext(file) == ".rs" {
		text, _, _ = strings.Cut(text, "#[cfg(test)]")
	}
	t := &starText{path: file, text: text}
	s := scanner{text, asciiLower(text)}
	if typed {
		s.each(selectsAll, func(at int, m []int) {
			if s.text[at+m[4]-1] != '.' && s.ofWith(at, s.group(at, m, 2)) {
				return
			}
			t.reads = append(t.reads, starRead{at, at + m[1], at + m[5], s.group(at, m, 1), s.group(at, m, 2), s.group(at, m, 3)})
		}, "select")
	}
	returning := strings.Contains(s.lower, "returning")
	if typed && returning {
		s.each(returnsAll, func(at int, m []int) {
			t.reads = append(t.reads, starRead{at, at + m[1], at + m[1], "", s.group(at, m, 1), ""})
		}, "insert", "update", "delete")
	}
	write := func(kind analysis.StarKind, table, into int) func(at int, m []int) {
		return func(at int, m []int) {
			t.writes = append(t.writes, starWrite{kind, at, at + m[1], s.group(at, m, table), s.group(at, m, into)})
		}
	}
	s.each(copiesFrom, write(analysis.CopiesRows, 1, 0), "copy")
	s.each(copiesCall, func(at int, m []int) {
		if !strings.Contains(s.group(at, m, 2), "columns") {
			write(analysis.CopiesRows, 1, 0)(at, m)
		}
	}, "copy_from")
	s.each(insertsRow, write(analysis.InsertsRows, 1, 0), "insert")
	s.each(insertsFrom, write(analysis.InsertsAll, 2, 1), "insert")
	if returning {
		s.each(movesDeleted, write(analysis.InsertsAll, 1, 2), "delete")
	}
	return t
}

// scanner finds patterns in a text by their first words.
type scanner struct{ text, lower string }

// each calls f for the places where a pattern matches that begins with one of some
// words, which are in lower case. A match spans starReach at most.
func (s scanner) each(pattern *regexp.Regexp, f func(at int, m []int), words ...string) {
	for _, word := range words {
		for from := 0; ; {
			n := strings.Index(s.lower[from:], word)
			if n < 0 {
				break
			}
			at := from + n
			from = at + len(word)
			if at > 0 && wordByte(s.text[at-1]) {
				continue
			}
			if m := pattern.FindStringSubmatchIndex(s.text[at:min(len(s.text), at+starReach)]); m != nil {
				f(at, m)
			}
		}
	}
}

var readsStar = regexp.MustCompile(`(?i)\b(?:select|returning)\s+(?:\w+\.)?\*`)

// ofWith reports whether a name at which rows are read is that of a query in front,
// WITH name AS (…), which has its own columns: those that it names.
func (s scanner) ofWith(at int, name string) bool {
	text := s.text[max(0, at-starReach):at]
	if n := strings.LastIndexAny(text, "`;"); n >= 0 {
		text = text[n:]
	}
	for _, m := range withName.FindAllStringSubmatchIndex(text, -1) {
		if strings.EqualFold(text[m[2]:m[3]], name) {
			return !readsStar.MatchString(text[m[1]:])
		}
	}
	return false
}

// group is a group of a match at a place; "" for one that is not in it.
func (s scanner) group(at int, m []int, i int) string {
	if m[2*i] < 0 {
		return ""
	}
	return s.text[at+m[2*i] : at+m[2*i+1]]
}

// asciiLower is a text in lower case, byte for byte.
func asciiLower(text string) string {
	b := []byte(text)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func wordByte(c byte) bool {
	return c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z'
}
