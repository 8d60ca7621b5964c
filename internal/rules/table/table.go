// Package table holds the rules about tables as a whole.
package table

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
)

// findRewritten is the effect on the first existing table that a statement writes
// anew, for the rules about statements that do nothing else.
func findRewritten(p *rule.Pass, s *rule.Stmt) *effect.Effect {
	if s.Result.Refused != nil {
		return nil
	}
	return p.FindBlocked(&s.Result, analysis.IsRewritten)
}
