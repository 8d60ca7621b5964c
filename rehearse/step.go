package rehearse

import (
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/script"
)

// step is a migration of the release with its statements.
type step struct {
	audit.Step
	script *script.Script // nil if err is not
	err    error          // why the text could not be parsed
}

// parseSteps parses the migrations of a release, once for all uses.
func parseSteps(r *audit.Release) []*step {
	var out []*step
	for _, s := range r.Steps() {
		sc, err := script.BuildScript(s.Source)
		out = append(out, &step{s, sc, err})
	}
	return out
}

// isRunnable reports whether the migration tool would run it, and the rehearsal can.
func (s *step) isRunnable() bool { return s.err == nil && s.Failed == "" && !s.Applied }

// firstStatement returns the statement at which findings about the whole migration are
// reported.
func (s *step) firstStatement() *script.Statement {
	if list := s.script.Statements; len(list) > 0 {
		return list[0]
	}
	return script.NewStatement(1, 1)
}
