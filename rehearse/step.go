package rehearse

import (
	"github.com/onward-sql/onward/audit"
	"github.com/onward-sql/onward/internal/script"
)

// step is a migration of the release with its statements.
type step struct {
	audit.Step
	script *script.Script // nil when err is not
	err    error          // why the text could not be taken apart
}

// stepsOf takes the migrations of a release apart, once for all that is done with
// them.
func stepsOf(r *audit.Release) []*step {
	var out []*step
	for _, s := range r.Steps() {
		sc, err := script.Build(s.Source)
		out = append(out, &step{s, sc, err})
	}
	return out
}

// runs reports whether its runner would run it, and the rehearsal can.
func (s *step) runs() bool { return s.err == nil && s.Failed == "" && !s.Applied }

// first is where to say what holds for the whole of it.
func (s *step) first() *script.Statement {
	if list := s.script.Statements; len(list) > 0 {
		return list[0]
	}
	return &script.Statement{Line: 1, Column: 1, EndLine: 1, EndColumn: 1}
}
