package mentions

import (
	"regexp"
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
)

// InsertCalls returns a pattern of calls that insert rows and have one of some names as their receiver or as their first
// argument: table("settings").insert(…), insert_into(settings).
func InsertCalls(words []string) *lazyregexp.Regexp {
	var list []string
	for _, w := range words {
		if w != "" {
			list = append(list, regexp.QuoteMeta(w))
		}
	}
	names := "(?:" + strings.Join(list, "|") + ")"
	return lazyregexp.New(`(?i:insert|upsert|merge|copy|bulk)\w*!?\s*[(<]\s*["'` + "`" + `:&@]*(?:\w+(?:::|\.))*` + names + `\b|` +
		`\b` + names + `(?:::table)?["'` + "`" + `]?\s*[)\]]*\s*(?:\.|->|::)\s*` +
		`(?:\w*(?i:insert|upsert|create|bulk|copy)\w*!?\s*[(<]|(?i:add)\w{0,3}\(|(?i:activemodel)\s*\{)`)
}

// HasCall reports whether a pattern of calls matches outside queries.
func (s *Source) HasCall(calls *lazyregexp.Regexp) bool {
	return slices.ContainsFunc(calls.FindAllIndex(s.text, -1), func(match []int) bool {
		in, ok := s.String(match[0])
		return !ok || !in.Query
	})
}
