// Package blocking has the rules about statements that read, write or index all of a table while
// its users wait.
//
// The files of rules find the work that a statement makes the server do, and say how to reach the
// same schema without it. This file says who waits.
package blocking

import (
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/effect"
	"github.com/onward-sql/onward/internal/rule"
)

// newWaitReport returns the report of work on a table, and until when its users wait.
func newWaitReport(e *effect.Effect, fact, until, instead string) rule.Report {
	return rule.Report{
		Fact:    fact,
		Harm:    analysis.DescribeWaiting(e) + " waits " + until + ", and the time grows with the table",
		Grows:   e.Name,
		Instead: instead,
	}
}

// findRewritten is the effect on the first existing table that a statement writes anew, for the
// rules about statements that do nothing else.
func findRewritten(p *rule.Pass, s *rule.Stmt) *effect.Effect {
	if s.Result.Refused != nil {
		return nil
	}
	return p.FindBlocked(&s.Result, analysis.IsRewritten)
}

// sharedWork is work that subcommands of a statement ask for. The server does it once, however many
// ask.
type sharedWork struct {
	e  *effect.Effect
	at rule.Commands
	// names are the columns or constraints. steps are the SQL that avoids the work for each.
	names, steps []string
}

func (w *sharedWork) add(c *rule.Command, e *effect.Effect, name, step string) {
	w.e, w.at, w.names, w.steps = e, append(w.at, c), append(w.names, name), append(w.steps, step)
}
