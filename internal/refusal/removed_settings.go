package refusal

import (
	"strings"

	"github.com/onward-sql/onward/internal/pgerror"
	"github.com/onward-sql/onward/internal/pgparse"
)

// checkSetParameter checks SET of what Postgres 19 removed: standard_conforming_strings = off, and escape_string_warning.
func (q *Checker) checkSetParameter(s *pgparse.VariableSetStmt) {
	switch name := strings.ToLower(s.GetName()); {
	case name == "escape_string_warning" && q.V.AtLeast(19):
		q.RecordRefusal(pgerror.SettingUnknown, name)
	case name == "standard_conforming_strings" && pgparse.TurnsOff(s) && q.V.AtLeast(19):
		q.RecordRefusal(pgerror.StringsOff)
	}
}
