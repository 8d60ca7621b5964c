// Package table holds the rules about tables as a whole.
package table

import (
	"strings"

	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
)

// list joins names for a sentence: "a, b and c".
func list(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// rewritten is the effect on the first table in use that a statement writes
// anew, for the rules about statements that do nothing else.
func rewritten(p *rule.Pass, s *rule.Stmt) *effect.Effect {
	if s.Result.Refused != "" {
		return nil
	}
	return p.Blocked(&s.Result, rule.Rewrites)
}
