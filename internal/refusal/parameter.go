package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkSetParameter is SET of what Postgres 19 took away: strings with escapes, and the warning of them.
func (q *Checker) checkSetParameter(s *pgparse.VariableSetStmt) {
	switch name := strings.ToLower(s.GetName()); {
	case name == "escape_string_warning" && q.V.AtLeast(19):
		q.RecordRefusal(pgerror.SettingUnknown, name)
	case name == "standard_conforming_strings" && pgparse.TurnsOff(s) && q.V.AtLeast(19):
		q.RecordRefusal(pgerror.StringsOff)
	}
}
