// Package collide generates statements from others in which nearly everything has one of
// a few names, such as an index with the name of its own table. Generators of statements
// do not think of such cases, and a fuzzer finds one in a hundred thousand. It is test
// support.
package collide

import (
	"math/rand/v2"

	"github.com/onward-sql/onward/internal/lazyregexp"
	"github.com/onward-sql/onward/internal/pgparse"
)

// objectName matches the names of relations, constraints and columns in statements.
var (
	objectName = lazyregexp.New(`(?i)\b(?:TABLE|INDEX|VIEW|SEQUENCE|TYPE|DOMAIN|CONSTRAINT|COLUMN|TO|ON|FROM|REFERENCES|FUNCTION|TRIGGER|POLICY)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?([a-z][a-z0-9_]*)\b`)
	word       = lazyregexp.New(`\b[a-z][a-z0-9_]*\b`)
)

// Statement is a statement with its syntax tree.
type Statement struct {
	Node *pgparse.Node
	SQL  string
}

// Statements returns copies of the statements with other names, in several rounds. It
// omits copies that do not parse.
func Statements(random *rand.Rand, sql []string, rounds int) []Statement {
	names := map[string]bool{}
	for _, s := range sql {
		for _, m := range objectName.FindAllStringSubmatch(s, -1) {
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
			if file, err := pgparse.SplitText(text); err == nil && len(file.Stmts) == 1 && file.Stmts[0].Node != nil {
				out = append(out, Statement{file.Stmts[0].Node, text})
			}
		}
	}
	return out
}
