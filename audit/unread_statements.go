package audit

import (
	"fmt"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/rule"
	"github.com/onward-sql/onward/internal/script"
	"github.com/onward-sql/onward/onward"
)

// unreadParts counts the parts of the deployed migrations that cannot be read. They have run,
// and their changes are missing in the schema that the release is judged on.
type unreadParts struct {
	n     int
	first onward.Opaque
}

// countFile counts a deployed migration that could not be read at all.
func (u *unreadParts) countFile(m *adapter.Migration, reason string) {
	if u.n++; u.n == 1 {
		u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Why: reason}
	}
}

// countUnparsed counts the statements of a deployed migration that do not parse.
func (u *unreadParts) countUnparsed(m *adapter.Migration, s *script.Script) {
	for _, st := range s.Statements {
		if st.Err == nil {
			continue
		}
		if u.n++; u.n == 1 {
			u.first = onward.Opaque{Migration: m.ID, Path: m.Path, Line: st.ErrLine, Column: st.ErrColumn, Why: st.Err.Error()}
		}
	}
}

// addToReport lists them in one entry, at the first: a history is long.
func (u *unreadParts) addToReport(r *onward.Report) {
	if u.n == 0 {
		return
	}
	o := u.first
	o.What = "what a deployed migration made"
	if u.n > 1 {
		o.What = fmt.Sprintf("what deployed migrations made, %d statements or files", u.n)
	}
	r.Opaque = append(r.Opaque, o)
}

// findUnmodelled returns what is not modelled on one of the versions; "" if all is.
func findUnmodelled(s *rule.Stmt) string {
	for _, g := range s.Results {
		if g.Result.Unmodelled != "" {
			return g.Result.Unmodelled
		}
	}
	return ""
}
