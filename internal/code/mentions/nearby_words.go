package mentions

import (
	"bytes"

	"github.com/onward-sql/onward/internal/code/lexer"
	"github.com/onward-sql/onward/internal/lazyregexp"
)

// IsWordNear reports whether a pattern matches in the lines around one of some names. Names in queries do not
// count, because a query has its own facts.
func (s *Source) IsWordNear(words []string, pattern *lazyregexp.Regexp, lines int) bool {
	for _, w := range words {
		for offset := 0; w != ""; {
			i := bytes.Index(s.text[offset:], []byte(w))
			if i < 0 {
				break
			}
			from, to := offset+i, offset+i+len(w)
			offset = to
			if from > 0 && lexer.NameByte[s.text[from-1]] || to < len(s.text) && lexer.NameByte[s.text[to]] {
				continue
			}
			if in, ok := s.String(from); ok && in.Query {
				continue
			}
			if pattern.Match(s.textAround(from, to, lines)) {
				return true
			}
		}
	}
	return false
}

// textAround returns a range of the text with some lines before and after it.
func (s *Source) textAround(from, to, lines int) []byte {
	for range lines + 1 {
		from = bytes.LastIndexByte(s.text[:max(from, 0)], '\n')
		if n := bytes.IndexByte(s.text[min(to, len(s.text)):], '\n'); n >= 0 {
			to += n + 1
		} else {
			to = len(s.text)
		}
	}
	return s.text[max(from, 0):min(to, len(s.text))]
}
