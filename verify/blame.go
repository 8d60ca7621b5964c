package verify

import (
	"strings"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/onward"
)

// messageNames finds the objects of a server's message: names that are quoted, qualified or called.
var messageNames = lazyregexp.New(`"([^"]+)"|\b(\w+)\.(\w+)\b|\b(\w+)\(`)

// undoingWords are the words of the statements that cause a kind of verdict: DROP INDEX for a lost index.
var undoingWords = map[onward.VerdictKind]string{
	onward.VerdictConflict: "drop", onward.VerdictLostIndex: "drop", onward.VerdictPermission: "revoke", onward.VerdictUnreadable: "value",
}

// blamedStatement returns the statement that breaks a query. Others see only the end of a transaction, so each of
// its statements may be the cause. blamedStatement takes the first one that names most of the objects in the server's
// message. A statement that locks a relation of the query counts more.
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
