package verify

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// messageNames finds the objects of a server's message: names that are quoted, qualified or called.
var messageNames = lazyregexp.New(`"([^"]+)"|\b(\w+)\.(\w+)\b|\b(\w+)\(`)

// undoingWords are the words with which statements take away what a kind of verdict is about.
var undoingWords = map[onward.VerdictKind]string{
	onward.VerdictConflict: "drop", onward.VerdictLostIndex: "drop", onward.VerdictPermission: "revoke", onward.VerdictUnreadable: "value",
}

// blamedStatement is the statement for which a query breaks. Of a transaction only the end is seen
// by others; of its statements it is the first of those that name most of what the
// server's words are about and work on a relation of the query's.
func (c *checker) blamedStatement(q *recordedQuery, s *pointAnswer, p problem, places []onward.VerdictPlace) onward.VerdictPlace {
	place, m := places[s.point], c.moments[s.point]
	if m.Base || m.Migration >= len(c.migrations) {
		return place
	}
	var words []string
	for _, found := range messageNames.FindAllStringSubmatch(p.message, -1) {
		for _, word := range found[1:] {
			if word != "" {
				words = append(words, word)
			}
		}
	}
	best, statements := 0, c.migrations[m.Migration].Statements
	for _, i := range m.Statements {
		if i >= len(statements) {
			continue
		}
		st, score := &statements[i], 0
		names := namesInText(st.SQL)
		for _, word := range words {
			if names[word] {
				score += 2
			}
		}
		if hint := undoingWords[p.kind]; hint != "" && names[hint] || strings.Contains(p.message, "row-level security") && names["security"] {
			score++
		}
		for _, e := range st.Effects {
			if _, name, _ := strings.Cut(e.Relation, "."); q.names[name] {
				score++
				break
			}
		}
		if score > best {
			best, place.Line = score, st.Line
		}
	}
	return place
}
