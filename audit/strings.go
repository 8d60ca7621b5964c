package audit

import (
	"strings"

	"github.com/onward-sql/onward/internal/adapter"
	"github.com/onward-sql/onward/internal/analysis"
	"github.com/onward-sql/onward/internal/pgparse"
	"github.com/onward-sql/onward/internal/script"
)

// How strings end is a setting of the session, which the next migration inherits,
// and one that may be given to a database or a role for the sessions to come. A
// file is cut by itself, and all of them at once; where one before it changed how
// strings end, it is cut again.

// recut gives a migration as the session comes to it.
func (j *judge) recut(m *adapter.Migration, s *script.Script) (*script.Script, error) {
	if s == nil || s.Source.Strings == j.strings || m.Runner.OwnSession && !j.strings.Unsure {
		return s, nil
	}
	src := m.Source
	src.Strings = j.strings
	return script.Build(src)
}

// leaves takes in what a migration makes of the strings of those behind it. What a
// function sets that it calls was not known when it was cut.
func (j *judge) leaves(s *script.Script, deployed bool) {
	later, called := j.strings.Unsure, false
	for _, st := range s.Statements {
		switch x := pgparse.Unwrap(st.Node).(type) {
		case *pgparse.AlterDatabaseSetStmt:
			later = later || setsStrings(x.GetSetstmt())
		case *pgparse.AlterRoleSetStmt:
			later = later || setsStrings(x.GetSetstmt())
		case *pgparse.VariableSetStmt:
			called = called || st.In != "" && setsStrings(x)
		case *pgparse.SelectStmt:
			if set, ok := analysis.SettingOf(st.Node); ok && st.In != "" {
				called = called || strings.EqualFold(set.Name, stringsSetting)
			}
		}
		if called && st.In == "" && st.Node != nil && pgparse.EndsElsewhere(st.SQL) {
			st.Opaque = "what its strings hold, as a function that was called may have changed how they end"
		}
	}
	if !deployed { // whose session is over
		j.strings = s.Strings
	}
	j.strings.Unsure = j.strings.Unsure || later || called && !deployed
}

const stringsSetting = "standard_conforming_strings"

// setsStrings reports whether a statement sets how strings end to anything but what
// everybody has.
func setsStrings(x *pgparse.VariableSetStmt) bool {
	if !strings.EqualFold(x.GetName(), stringsSetting) || x.GetKind() != pgparse.VariableSetKind_VAR_SET_VALUE || len(x.GetArgs()) != 1 {
		return false
	}
	value := strings.ToLower(analysis.Constant(x.GetArgs()[0]))
	return value != "on" && value != "true" && value != "1"
}
