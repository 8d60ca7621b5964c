package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// The string syntax (standard_conforming_strings) decides where the string '\'' ends. It is a setting of the session, which
// the next migration inherits. It may also be a default of a database or a role, for later
// sessions. Files are cut independently and in parallel. If an earlier file changed the
// syntax, a file is cut again.

// scriptSource returns a migration's source with the session's string syntax. deployed: it ran already, perhaps on an
// older server.
func (j *judge) scriptSource(m *adapter.Migration, deployed bool) script.Source {
	src := m.Source
	if !m.Runner.OwnSession || j.strings.Unsure {
		src.Strings = j.strings
	}
	src.Strings.Refusal = pgparse.RefusalOf(j.config.Versions)
	if deployed {
		src.Strings.Refusal = min(src.Strings.Refusal, pgparse.SomeRefuse)
	}
	return src
}

// recordStringSyntax records how a migration changes the string syntax for later ones. The settings
// of functions that it calls are not known.
func (j *judge) recordStringSyntax(s *script.Script, deployed bool) {
	unsureAfter, called := j.strings.Unsure, false
	for _, st := range s.Statements {
		switch x := pgparse.Unwrap(st.Node).(type) {
		case *pgparse.AlterDatabaseSetStmt:
			unsureAfter = unsureAfter || setsStringSyntax(x.GetSetstmt())
		case *pgparse.AlterRoleSetStmt:
			unsureAfter = unsureAfter || setsStringSyntax(x.GetSetstmt())
		case *pgparse.VariableSetStmt:
			called = called || st.In != "" && setsStringSyntax(x)
		case *pgparse.SelectStmt:
			if set, ok := analysis.SettingOf(st.Node); ok && st.In != "" {
				called = called || strings.EqualFold(set.Name, stringSyntaxSetting)
			}
		}
		if called && s.Source.Strings.Refusal != pgparse.AllRefuse && st.In == "" && st.Node != nil && pgparse.EndsElsewhere(st.SQL) {
			st.EditRare().Opaque = "what its strings hold, as a function that was called may have changed how they end"
		}
	}
	if !deployed { // their sessions are over
		j.strings = s.Strings
	}
	unsure := j.strings.Unsure || unsureAfter || called && !deployed
	j.strings.Unsure = unsure && pgparse.RefusalOf(j.config.Versions) != pgparse.AllRefuse
}

const stringSyntaxSetting = "standard_conforming_strings"

// setsStringSyntax reports whether a statement sets the string syntax to anything but the
// default.
func setsStringSyntax(x *pgparse.VariableSetStmt) bool {
	if !strings.EqualFold(x.GetName(), stringSyntaxSetting) || x.GetKind() != pgparse.VariableSetKind_VAR_SET_VALUE || len(x.GetArgs()) != 1 {
		return false
	}
	value := strings.ToLower(analysis.ConstantText(x.GetArgs()[0]))
	return value != "on" && value != "true" && value != "1"
}
