// Package collide makes statements from others in which nearly everything has
// one of a few names, as an index that is to get the name of its own table: what
// no generator of statements thinks of, and a fuzzer finds once in a hundred
// thousand. It is test support.
package collide

import (
	"math/rand/v2"
	"regexp"

	"github.com/onward-sql/onward/internal/pgparse"
)

// named finds what statements call their relations, constraints and columns.
var (
	named = regexp.MustCompile(`(?i)\b(?:TABLE|INDEX|VIEW|SEQUENCE|TYPE|DOMAIN|CONSTRAINT|COLUMN|TO|ON|FROM|REFERENCES|FUNCTION|TRIGGER|POLICY)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([a-z][a-z0-9_]*)\b`)
	word  = regexp.MustCompile(`\b[a-z][a-z0-9_]*\b`)
)

// Statement is one with its syntax tree.
type Statement struct {
	Node *pgparse.Node
	SQL  string
}

// Statements gives rounds copies of the statements with other names, those of
// them that parse.
func Statements(random *rand.Rand, sql []string, rounds int) []Statement {
	names := map[string]bool{}
	for _, s := range sql {
		for _, m := range named.FindAllStringSubmatch(s, -1) {
			names[m[1]] = true
		}
	}
	var out []Statement
	for range rounds {
		for _, s := range sql {
			text := word.ReplaceAllStringFunc(s, func(w string) string {
				if !names[w] {
					return w
				}
				return string(rune('a' + random.IntN(4)))
			})
			if file, err := pgparse.Split(text); err == nil && len(file.Stmts) == 1 && file.Stmts[0].Node != nil {
				out = append(out, Statement{file.Stmts[0].Node, text})
			}
		}
	}
	return out
}
