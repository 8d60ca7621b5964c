package rule

import (
	"slices"
	"strings"

	"github.com/onward-sql/onward/internal/script"
)

// endSession ends the session of a migration that has one of its own, if it may have made temporary relations.
func (e *Engine) endSession(s *script.Script, ownSession bool) {
	isTemporary := func(st *script.Statement) bool { return strings.Contains(strings.ToLower(st.SQL), "temp") }
	if ownSession && !s.More && slices.ContainsFunc(s.Statements, isTemporary) {
		e.catalog = e.catalog.EndSession()
	}
}
