package audit

import (
	"path"
	"regexp"
	"strings"
)

// starText is a file in which code may take all columns of a table. It is read once,
// whatever is asked.
type starText struct {
	path, text string
	reads      []starRead
}

// starRead is SELECT * of one table, or of one that others are joined to, by its
// name or alias; or RETURNING * behind a write.
type starRead struct {
	from, to, said   int // said is where what is shown of it ends: an alias may be none
	of, table, alias string
}

// What is between holds no end of the text that the code has the SQL in. Each is
// tried where its first word stands.
var (
	selectsAll = starPattern("select\\s+(?:(\\w+)\\.\\*(?:\\s*,[^`;]*?)?|\\*)\\s+from\\s+(?:\\w+\\.)?\\\\?\"?(\\w+)\\b\\\\?\"?(?:\\s+(?:as\\s+)?(\\w+)\\b)?")
	returnsAll = starPattern("(?:insert\\s+into|update|delete\\s+from)\\s+(?:\\w+\\.)?\\\\?\"?(\\w+)\\b[^`;]*?\\breturning\\s+\\*")
)

func starPattern(p string) *regexp.Regexp { return regexp.MustCompile("^(?i:" + p + ")") }

// readStars reads a file of a language whose rows must fit what they are read into.
func readStars(file, text string) *starText {
	if path.Ext(file) == ".rs" {
		text, _, _ = strings.Cut(text, "#[cfg(test)]")
	}
	t := &starText{path: file, text: text}
	s := scanner{text, asciiLower(text)}
	s.each(selectsAll, func(at int, m []int) {
		if s.text[at+m[4]-1] != '.' && s.ofWith(at, s.group(at, m, 2)) {
			return
		}
		t.reads = append(t.reads, starRead{at, at + m[1], at + m[5], s.group(at, m, 1), s.group(at, m, 2), s.group(at, m, 3)})
	}, "select")
	if strings.Contains(s.lower, "returning") {
		s.each(returnsAll, func(at int, m []int) {
			t.reads = append(t.reads, starRead{at, at + m[1], at + m[1], "", s.group(at, m, 1), ""})
		}, "insert", "update", "delete")
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

// withName is a query of WITH.
var withName = regexp.MustCompile(`(?i)(?:\bwith\s+(?:recursive\s+)?|\)\s*,\s*)(\w+)(?:\s*\([^()]*\))?\s+as\s+(?:(?:not\s+)?materialized\s+)?\(`)

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
